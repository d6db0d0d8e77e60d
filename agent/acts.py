"""What each dialogue act does to the conversation, before any list is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convrec.agent.clarify import choose_question
from convrec.agent.describe import compare_items, describe_item, explain_pick, order_of
from convrec.agent.interpret import (
    Compare,
    Explain,
    LikeShown,
    MoreLikeShown,
    Plain,
    ProfileForget,
    Reading,
    RejectShown,
    Remember,
    SeenShown,
    SortShown,
    TellMore,
)
from convrec.agent.people import FeedbackKind
from convrec.agent.state import ConversationState, Offer
from convrec.agent.taste import describe_taste, taste_of
from convrec.agent.types import Clarify, Recommendation
from convrec.retrieval.request import Request, RequestEdit, apply_edits

if TYPE_CHECKING:
    from convrec.agent.conversation import Conversation

GREETING = "Hello! Tell me what you are in the mood for, or name one that you liked."
THANKS = "You are welcome. Say the word when you want another one."
GOODBYE = "Goodbye! This conversation is kept; come back whenever you like."
OFF_TOPIC = "I only know the {plural} of this catalogue. Tell me what kind of {noun} you would like."
HOSTILE = "Let me try to do better. Tell me what kind of {noun} would please you, or say “start over”."
HELP = (
    "Say what you want in your own words: a kind, a time, a length, names, “like X but shorter”, “no Y”. Then go on: "
    "“the second one”, “why 2?”, “compare 1 and 4”, “sort by rating”, “more”, “not that one”, "
    "“forget the year”, “go back”, “start over”."
)
NOTHING_TO_GO_ON = "That tells me too little to recommend from. What is it like, or which {noun} does it remind you of?"
NOBODY = "I do not know who you are, so I cannot keep that; start with --user NAME to be remembered."
FEW = 3
"""rejected items up to here are disliked; whoever waves a whole list away dislikes none of them in particular"""

NO_SUCH_RANK = "I do not see which {noun} of the list you mean; name it by its number or its title."


@dataclass(frozen=True)
class Outcome:
    """What a turn came to before recommending.

    With `message` the turn is a plain answer and shows no list; otherwise a list for `state.request` follows.
    """

    state: ConversationState
    message: str | None = None
    clarify: Clarify | None = None
    lead: str = ""
    """said before the opening of a list"""
    next_page: bool = False
    """whether what was shown before is left out"""
    items: tuple[Recommendation, ...] = ()
    """shown beside the message: the last list in another order"""


def respond(conversation: Conversation, reading: Reading) -> Outcome:
    """Carry out the act of a message on the conversation's state; feedback is recorded at once."""
    state = conversation.state
    request = apply_edits(state.request, reading.edits)
    schema = conversation.engine.catalogue.schema
    words = {"noun": schema.noun, "plural": schema.plural}
    act = reading.act
    if isinstance(act, Plain):
        return _plain(conversation, reading, act, request, words)
    if isinstance(act, Explain | Compare | TellMore | SortShown):
        return _talk(conversation, act, state.changed(request), words)
    if isinstance(act, Remember):
        return _remember(conversation, act, state.changed(request))
    if isinstance(act, ProfileForget):
        return _forget(conversation, act)
    if isinstance(act, SeenShown | LikeShown):
        return _known(conversation, reading, act)
    if isinstance(act, RejectShown):
        rejected = [item.id for item in state.items if item.rank in act.ranks]
        for item_id in rejected if len(rejected) <= FEW else ():
            conversation.feedback(item_id, "dislike")
        request = apply_edits(conversation.state.request, reading.edits)
        return Outcome(conversation.state.changed(request), next_page=len(rejected) in (0, len(state.items)))
    if isinstance(act, MoreLikeShown):
        return Outcome(state.changed(request), next_page=True)
    if reading.nothing_to_go_on and not reading.edits:
        known = bool(conversation.person().items.size) or not request.empty
        if not (reading.open_ended and known):
            return _ask_back(conversation, reading, state, words)
    if reading.clarify is not None and not reading.edits:
        return Outcome(state, message=reading.clarify.question, clarify=reading.clarify)
    return Outcome(state.changed(request), clarify=reading.clarify)


def _known(conversation: Conversation, reading: Reading, act: SeenShown | LikeShown) -> Outcome:
    """Keeps what the person knows or likes; what earlier pages showed does not come back because this one is known."""
    before = conversation.state
    kind: FeedbackKind = "seen" if isinstance(act, SeenShown) else "like"
    for item_id in act.item_ids:
        conversation.feedback(item_id, kind)
    held = conversation.state.changed(apply_edits(conversation.state.request, reading.edits))
    if kind == "seen" and set(act.item_ids) <= {item.id for item in before.items}:
        held = held.model_copy(update={"page": before.page})
    return Outcome(held, lead=_noted(conversation, act.item_ids, kind))


def _ask_back(conversation: Conversation, reading: Reading, state: ConversationState, words: dict[str, str]) -> Outcome:
    """A question instead of a list, with answers that split what most people like."""
    if reading.clarify is not None:
        return Outcome(state, message=reading.clarify.question, clarify=reading.clarify)
    ranked = conversation.engine.recommend(Request(), conversation.person())
    asked = choose_question(Request(), ranked.open_rows, conversation.engine.catalogue, frozenset())
    question = NOTHING_TO_GO_ON.format(**words)
    if asked is None:
        return Outcome(state, message=question, clarify=Clarify(question=question))
    offers = tuple(
        Offer(option=option, edits=(edit,)) for option, edit in zip(asked.clarify.options, asked.edits, strict=True)
    )
    clarify = Clarify(question=question, options=asked.clarify.options)
    return Outcome(state.model_copy(update={"offers": offers}), message=question, clarify=clarify)


def _plain(
    conversation: Conversation, reading: Reading, act: Plain, request: Request, words: dict[str, str]
) -> Outcome:
    state = conversation.state
    said = {
        "greeting": GREETING,
        "thanks": THANKS,
        "goodbye": GOODBYE,
        "off_topic": OFF_TOPIC,
        "hostile": HOSTILE,
        "help": HELP,
    }
    if act.kind in said:
        return Outcome(state, message=said[act.kind].format(**words))
    if act.kind == "undo":
        return _undo(state, reading.edits)
    if act.kind == "start_over":
        fresh = conversation.lasting_request()
        cleared = state.changed(fresh).model_copy(update={"items": (), "offers": (), "asked": (), "focus": None})
        if reading.edits:
            return Outcome(cleared.changed(apply_edits(fresh, [e for e in reading.edits if e.op != "reset"])))
        return Outcome(cleared, message=f"A clean slate. What kind of {words['noun']} would you like?")
    if act.kind == "accept":
        return _accept(conversation, state.changed(request))
    if act.kind == "decline":
        held = state.model_copy(update={"offers": ()})
        return Outcome(held, message="All right, I leave it as it is. Tell me what to change.")
    if act.kind == "profile_show":
        taste = taste_of(conversation.person(), conversation.engine.catalogue)
        told = describe_taste(taste, conversation.engine.catalogue, conversation.preferences())
        return Outcome(state, message=told if conversation.user_id is not None else NOBODY)
    if act.kind == "surprise":
        surprised = apply_edits(request, [RequestEdit(op="wish", wishes={"diversity": 0.9, "novelty": 0.6})])
        return Outcome(state.changed(surprised), next_page=True)
    return Outcome(state.changed(request), next_page=True)


def _undo(state: ConversationState, edits: tuple[RequestEdit, ...]) -> Outcome:
    """The request before the last change; what else was said then changes it, or the present one where it was empty."""
    if edits:
        before = state.past[-1] if state.past and not state.past[-1].empty else state.request
        return Outcome(state.changed(apply_edits(before, edits)))
    if not state.past:
        return Outcome(state, message="There is nothing to go back to: this is where we started.")
    back = state.model_copy(update={"request": state.past[-1], "past": state.past[:-1], "page": ()})
    if back.request.empty and not back.request.exclusions:
        return Outcome(back, message="Back at the start. What would you like?")
    return Outcome(back, lead="Back to the request before.")


def _accept(conversation: Conversation, state: ConversationState) -> Outcome:
    if not state.offers:
        if state.items:
            return Outcome(state, message="Good. Ask me about any of them, or tell me what to change.")
        return Outcome(state, message="Gladly. What would you like?")
    return take_offer(conversation, state, state.offers[0])


def take_offer(conversation: Conversation, state: ConversationState, offer: Offer) -> Outcome:
    """Carry out what was offered."""
    if offer.remember:
        for part in offer.remember:
            conversation.remember(part)
        held = state.model_copy(update={"offers": ()})
        said = "I will remember that." if conversation.user_id is not None else NOBODY
        return Outcome(held, message=said)
    return Outcome(state.changed(apply_edits(state.request, offer.edits)), next_page=offer.page)


def _talk(
    conversation: Conversation,
    act: Explain | Compare | TellMore | SortShown,
    state: ConversationState,
    words: dict[str, str],
) -> Outcome:
    catalogue = conversation.engine.catalogue
    if isinstance(act, SortShown):
        return _sort(conversation, act, state)
    ids = [item_id for item_id in act.item_ids if item_id in catalogue]
    if not ids and state.focus and not isinstance(act, Compare):
        ids = [state.focus]
    if not ids or (isinstance(act, Compare) and len(ids) < 2):
        return Outcome(state, message=NO_SUCH_RANK.format(**words))
    focused = state.model_copy(update={"focus": ids[0]})
    if isinstance(act, Compare):
        return Outcome(focused, message=compare_items(catalogue, [catalogue.row(i) for i in ids[:4]]))
    if isinstance(act, TellMore):
        return Outcome(focused, message="\n\n".join(describe_item(catalogue, catalogue.row(i)) for i in ids[:3]))
    shown = {item.id: item for item in state.items}
    if ids[0] not in shown:
        title = catalogue.titles[catalogue.row(ids[0])]
        return Outcome(focused, message=f"{title} is not on the list I showed you.")
    item = shown[ids[0]]
    others = [(o.rank, o.title, o.breakdown) for o in state.items if o.id != item.id]
    return Outcome(focused, message=explain_pick(item.title, item.rank, item.breakdown, item.reasons, others))


def _sort(conversation: Conversation, act: SortShown, state: ConversationState) -> Outcome:
    """The last list by a number; what lacks it comes last."""
    catalogue = conversation.engine.catalogue
    column = catalogue.number(act.field)
    sign = -1.0 if act.descending else 1.0

    def place(item: Recommendation) -> tuple[bool, float]:
        value = float(column[catalogue.row(item.id)])
        return np.isnan(value), sign * value

    ordered = tuple(
        item.model_copy(update={"rank": rank}) for rank, item in enumerate(sorted(state.items, key=place), start=1)
    )
    rows = [catalogue.row(item.id) for item in ordered]
    said = order_of(catalogue, rows, catalogue.schema.attribute(act.field), act.words)
    focused = state.model_copy(update={"items": ordered, "focus": ordered[0].id})
    return Outcome(focused, message=said, items=ordered)


def _remember(conversation: Conversation, act: Remember, state: ConversationState) -> Outcome:
    adds = [RequestEdit(op="add", part=part) for part in act.preferences]
    state = state.changed(apply_edits(state.request, adds))
    if conversation.user_id is None:
        return Outcome(state, lead=NOBODY)
    offer = Offer(option="yes, always", remember=act.preferences)
    kept = state.model_copy(update={"offers": (offer,)})
    question = "Shall I remember that for every conversation?"
    return Outcome(kept, clarify=Clarify(question=question, options=("yes, always", "no, only now")))


def _forget(conversation: Conversation, act: ProfileForget) -> Outcome:
    if conversation.user_id is None:
        return Outcome(conversation.state, message=NOBODY)
    dropped = conversation.forget_preferences(act.what)
    if not dropped:
        said = "I remember no such preference. `convrec profile forget` removes everything about you."
    else:
        said = f"Forgotten: {'; '.join(dropped)}. `convrec profile forget` removes everything about you."
    return Outcome(conversation.state, message=said)


def _noted(conversation: Conversation, item_ids: Sequence[str], kind: str) -> str:
    catalogue = conversation.engine.catalogue
    titles = [catalogue.titles[catalogue.row(i)] for i in item_ids if i in catalogue]
    if not titles:
        return ""
    said = "You know" if kind == "seen" else "You like"
    return f"{said} {', '.join(titles[:3])}: noted."
