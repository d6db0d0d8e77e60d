"""From the acts found in a message to the one act it is, and to what they change in the request."""

from __future__ import annotations

from typing import Any

from convrec.agent.interpret import (
    Ask,
    Compare,
    DialogueAct,
    Explain,
    LikeShown,
    MoreLikeShown,
    Plain,
    ProfileForget,
    ReadingContext,
    RejectShown,
    Remember,
    SeenShown,
    TellMore,
)
from convrec.agent.reading.acts import ActHit
from convrec.agent.reading.build import Draft
from convrec.agent.reading.references import Named
from convrec.agent.reading.text import Chart
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.request import Constraint, Description, RequestEdit


class ActResolver:
    """Chooses among acts and carries their effect on the request into the draft."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def apply(self, acts: list[ActHit], draft: Draft) -> None:
        """What acts on shown items change in the request."""
        known = {r.item_id for r in draft.context.request.references if r.weight > 0}
        for hit in acts:
            ids = hit.ids or titled_ids(draft.chart, hit)
            reasons = {"seen": "seen", "reject": "rejected"}
            for item_id in ids:
                if item_id not in self.catalogue:
                    continue
                row = self.catalogue.row(item_id)
                if hit.kind in reasons:
                    draft.exclude(row, reasons[hit.kind], hit.start, hit.end)
                elif hit.kind in ("more_like", "like") and item_id not in known:
                    draft.refer(row, 1.0, hit.start, hit.end)

    def resolve(
        self,
        acts: list[ActHit],
        remembered: tuple[Constraint | Description, ...],
        draft: Draft,
        lasting: str,
        edits: tuple[RequestEdit, ...],
    ) -> DialogueAct:
        """What the message does: a lasting preference, an act on items, small talk, or an ask."""
        if remembered:
            return Remember(remembered, hard=lasting == "veto")
        chart = draft.chart
        uses: dict[str, list[str]] = {}
        for span in chart.spans("title"):
            if isinstance(span.payload, Named):
                uses.setdefault(span.payload.use, []).append(self.catalogue.ids[span.payload.hit.row])
        chatter = len(chart) - sum(hit.end - hit.start for hit in acts)
        ordered = sorted(acts, key=lambda h: h.kind in ("greeting", "thanks"))
        for hit in ordered:
            if hit.kind in ("greeting", "thanks", "surprise", "off_topic") and edits:
                continue
            if hit.kind in ("greeting", "thanks") and chatter > 2:
                continue
            return as_act(hit, draft.context, titled_ids(chart, hit))
        if "seen" in uses:
            return SeenShown(tuple(uses["seen"]))
        if "loved" in uses:
            return LikeShown(tuple(uses["loved"]))
        return Ask()


def titled_ids(chart: Chart, hit: ActHit) -> tuple[str, ...]:
    """Items that an act named by their title."""
    own = chart.owner[hit.start] if hit.start < len(chart) else None
    return own.payload.ids if own is not None and isinstance(own.payload, ActHit) else ()


def as_act(hit: ActHit, context: ReadingContext, titled: tuple[str, ...] = ()) -> DialogueAct:
    """The act of a hit."""
    ids = hit.ids or titled
    with_items: dict[str, Any] = {
        "seen": SeenShown,
        "like": LikeShown,
        "explain": Explain,
        "compare": Compare,
        "tell_more": TellMore,
    }
    if hit.kind in with_items:
        act: DialogueAct = with_items[hit.kind](ids)
        return act
    if hit.kind == "profile_forget":
        return ProfileForget(hit.words)
    if hit.kind in ("more_like", "reject"):
        ranks = tuple(entry.rank for entry in context.shown if entry.id in ids)
        return MoreLikeShown(ranks) if hit.kind == "more_like" else RejectShown(ranks)
    return Plain(hit.kind)  # type: ignore[arg-type]
