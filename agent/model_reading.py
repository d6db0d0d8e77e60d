"""From what a model reads in a message to edits of the request, held against the catalogue and the person's words.

The rules stay the floor: what they read literally (a value, a number, a title, a refusal) a model cannot undo. A model
adds parts for words that the rules could not place, or took only as free text, and each part must quote its words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from convrec.agent.claims.index import stems
from convrec.agent.errors import ToolError
from convrec.agent.facts import inside
from convrec.agent.interpret import (
    Ask,
    Compare,
    DialogueAct,
    Explain,
    LikeShown,
    MoreLikeShown,
    Plain,
    Reading,
    ReadingContext,
    RejectShown,
    SeenShown,
    TellMore,
    shown_ids,
)
from convrec.agent.prompts import clean
from convrec.agent.tool_request import Shelf, constraints_of, dropped, row_of
from convrec.agent.types import Clarify
from convrec.retrieval.errors import FilterError, SchemaError
from convrec.retrieval.filters import Contains, In, Leaf, NotIn, fold, leaves
from convrec.retrieval.request import (
    Constraint,
    Description,
    Exclusion,
    Provenance,
    Reference,
    RequestEdit,
    Strength,
)

if TYPE_CHECKING:
    from convrec.agent.model_answers import ModelReading, SaidText

QUESTION_LENGTH = 160
OPTION_LENGTH = 40


@dataclass
class Joined:
    """A reading joined of both. `problems` are what the model must put right; `left_out` counts parts without words."""

    reading: Reading
    problems: list[str] = field(default_factory=list)
    left_out: int = 0
    added: int = 0


def join_readings(said: ModelReading, message: str, context: ReadingContext, rules: Reading, shelf: Shelf) -> Joined:
    """The rules' reading with what a model adds to it."""
    return _Join(message, context, rules, shelf).joined(said)


class _Join:
    def __init__(self, message: str, context: ReadingContext, rules: Reading, shelf: Shelf) -> None:
        self._message = stems(message)
        self._context = context
        self._rules = rules
        self._shelf = shelf
        self._kept = list(rules.edits)
        self._loose = {id(edit): _words(edit) for edit in rules.edits if _is_loose(edit)}
        self._open = {stem for words in (*self._loose.values(), *map(stems, rules.unread)) for stem in words}
        self._refused = {
            (leaf.field, fold(value))
            for edit in rules.edits
            if isinstance(edit.part, Constraint)
            for leaf, value in _refused_values(edit.part)
        }
        self._out = Joined(rules)

    def joined(self, said: ModelReading) -> Joined:
        added = [*self._constraints(said), *self._texts(said), *self._items(said)]
        for part in added:
            self._take(part)
        drops = list(self._drops(said))
        out = self._out
        edits = (*drops, *self._kept)
        act = self._act(said)
        question = None
        if self._rules.nothing_to_go_on and not edits and said.question:
            question = _question(said)
        out.added += len(drops) + (act is not None) + (question is not None)
        out.reading = replace(
            self._rules,
            edits=(*edits, *(self._act_edits(act) if act is not None else ())),
            act=act or self._rules.act,
            clarify=question or self._rules.clarify,
            nothing_to_go_on=self._rules.nothing_to_go_on and not edits,
            unread=tuple(words for words in self._rules.unread if not self._placed(words)),
        )
        return out

    def _placed(self, words: str) -> bool:
        return any(edit.part is not None and set(stems(words)) & set(_words(edit)) for edit in self._kept)

    def _fresh(self, quote: str) -> bool:
        """Whether a quote stands in the message and says something that the rules left open."""
        said = stems(quote)
        if not said or not inside(said, self._message):
            self._out.left_out += 1
            return False
        if not self._rules.edits and not self._rules.unread:
            return True
        return bool(set(said) & self._open)

    def _constraints(self, said: ModelReading) -> Iterator[Constraint]:
        for one in said.constraints:
            if not self._fresh(one.words):
                continue
            try:
                found = constraints_of([one.argument()], self._shelf)
            except (ToolError, FilterError, SchemaError) as error:
                self._out.problems.append(str(error))
                continue
            except ValidationError:
                self._out.problems.append(f"The condition on {clean(one.field, 60)!r} has too many values.")
                continue
            for constraint in found:
                if self._contradicts(constraint):
                    self._out.left_out += 1
                    continue
                strength = constraint.strength
                if strength is Strength.MUST and not constraint.negated:
                    strength = Strength.HARD
                yield constraint.model_copy(update={"provenance": self._from(one.words), "strength": strength})

    def _contradicts(self, constraint: Constraint) -> bool:
        """Whether a condition asks for what the person refused."""
        return any(
            (leaf.field, fold(value)) in self._refused
            for leaf in leaves(constraint.filter)
            if isinstance(leaf, In) or (isinstance(leaf, Contains) and leaf.mode != "none")
            for value in leaf.values
        )

    def _texts(self, said: ModelReading) -> Iterator[Description]:
        for texts, weight in ((said.wanted, 1.0), (said.unwanted, -1.0)):
            for one in texts:
                text = clean(one.text, 120)
                if text and self._fresh(one.words):
                    yield Description(text=text, weight=weight, provenance=self._from(one.words))

    def _items(self, said: ModelReading) -> Iterator[Reference | Exclusion]:
        catalogue = self._shelf.catalogue
        for named, weight in ((said.like, 1.0), (said.unlike, -1.0), (said.exclude, 0.0)):
            for one in named:
                row = self._row(one)
                if row is None:
                    continue
                item_id, title, origin = catalogue.ids[row], catalogue.titles[row], self._from(one.words)
                if weight:
                    yield Reference(item_id=item_id, title=title, weight=weight, provenance=origin)
                else:
                    yield Exclusion(item_id=item_id, title=title, provenance=origin)

    def _row(self, one: SaidText) -> int | None:
        if not self._fresh(one.words):
            return None
        try:
            return row_of(one.text[:300], self._shelf)
        except ToolError as error:
            self._out.problems.append(str(error))
            return None

    def _drops(self, said: ModelReading) -> Iterator[RequestEdit]:
        for one in said.drop:
            if not self._fresh(one.words):
                continue
            try:
                yield from dropped([one.text[:300]], self._context.request)
            except ToolError as error:
                self._out.problems.append(str(error))

    def _take(self, part: Constraint | Description | Reference | Exclusion) -> None:
        """Put a part in; free text of the rules for the same words gives way to a condition or an item."""
        own = set(stems(part.provenance.words))
        if not isinstance(part, Description):
            self._kept = [edit for edit in self._kept if not own & set(self._loose.get(id(edit), ()))]
        elif any(own & set(words) for words in self._loose.values()):
            return
        self._kept.append(RequestEdit(op="add", part=part))
        self._out.added += 1

    def _act(self, said: ModelReading) -> DialogueAct | None:
        """The model's act, where the rules saw a plain request and the words for it stand in the message."""
        if said.act == "ask" or not isinstance(self._rules.act, Ask) or not self._fresh(said.act_words):
            return None
        ranks = tuple(dict.fromkeys(rank for rank in said.ranks if 0 < rank <= len(self._context.shown)))
        ids = shown_ids(self._context, ranks)
        with_ids: dict[str, type[SeenShown | LikeShown | Explain | Compare | TellMore]] = {
            "seen": SeenShown,
            "like": LikeShown,
            "explain": Explain,
            "compare": Compare,
            "tell_more": TellMore,
        }
        if said.act in with_ids:
            return with_ids[said.act](ids) if ids else None
        if said.act == "more_like":
            return MoreLikeShown(ranks) if ranks else None
        if said.act == "reject":
            return RejectShown(ranks) if ranks else None
        return Plain(said.act)  # type: ignore[arg-type]

    def _act_edits(self, act: DialogueAct) -> Iterator[RequestEdit]:
        if not isinstance(act, MoreLikeShown | RejectShown):
            return
        origin = Provenance(turn=self._context.turn)
        for entry in self._context.shown:
            if entry.rank in act.ranks:
                if isinstance(act, MoreLikeShown):
                    yield RequestEdit(op="add", part=Reference(item_id=entry.id, title=entry.title, provenance=origin))
                else:
                    part = Exclusion(item_id=entry.id, title=entry.title, reason="rejected", provenance=origin)
                    yield RequestEdit(op="add", part=part)

    def _from(self, words: str) -> Provenance:
        return Provenance(turn=self._context.turn, words=clean(words, 200))


def _words(edit: RequestEdit) -> tuple[str, ...]:
    return stems(edit.part.provenance.words) if edit.part is not None else ()


def _is_loose(edit: RequestEdit) -> bool:
    """Free text, or a value that the words do not name: the rules guessed, a model may know better."""
    part = edit.part
    if edit.op != "add" or part is None:
        return False
    if isinstance(part, Description):
        return part.weight > 0
    if not isinstance(part, Constraint) or part.negated or part.strength is Strength.MUST:
        return False
    own = stems(part.provenance.words)
    values: Sequence[object] = [
        value for leaf in leaves(part.filter) if isinstance(leaf, In | Contains) for value in leaf.values
    ]
    named = any(isinstance(value, str) and set(stems(value)) & set(own) for value in values)
    return bool(values) and not named


def _refused_values(part: Constraint) -> Iterator[tuple[Leaf, str | float | bool]]:
    for leaf in leaves(part.filter):
        if isinstance(leaf, NotIn) or (isinstance(leaf, Contains) and leaf.mode == "none"):
            for value in leaf.values:
                yield leaf, value


def _question(said: ModelReading) -> Clarify | None:
    """The model's question, if it is one, short and plain."""
    question = clean(said.question or "", QUESTION_LENGTH)
    if not question.endswith("?") or "://" in question:
        return None
    options = tuple(clean(option, OPTION_LENGTH) for option in said.options[:4] if option.strip())
    return Clarify(question=question, options=options)
