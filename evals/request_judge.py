"""Whether an answer meets what a case expects, by its outcome alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from convrec.agent.types import Reply
from convrec.evals.request_cases import Condition, RequestCase
from convrec.ranking.metrics import ranking_metrics
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.types import AttributeValue

NAMED = 5
"""titles that a fault names"""
_ARTICLE_LAST = re.compile(r"^(.*), (the|a|an|le|la|les|il|der|die|das|el|los|las|l')$")
_YEAR = re.compile(r"\s*\(\d{4}\)$")


@dataclass(frozen=True)
class Verdict:
    """The judgement of one case. `faults` is empty when it passed; `ndcg` is set where relevant items were named."""

    case: RequestCase
    faults: tuple[str, ...]
    shown: int
    satisfying: int
    """shown items that meet every condition"""
    outside: int
    """shown items that the catalogue does not have"""
    ndcg: float | None
    reply: Reply
    previous: tuple[tuple[str, ...], ...]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.faults


def judge(
    case: RequestCase,
    reply: Reply,
    previous: Sequence[Sequence[str]],
    catalogue: Catalogue,
    history: Iterable[str] = (),
    *,
    seconds: float = 0.0,
) -> Verdict:
    """Judge the last answer; `previous` are the ids shown after each earlier turn."""
    expect = case.expect
    faults: list[str] = []
    notes = [f"the catalogue has no field {c.field!r}" for c in expect.every if _unknown(c, catalogue)]
    conditions = [c for c in expect.every if not _unknown(c, catalogue)]
    ids = [item.id for item in reply.items]
    outside = sum(item_id not in catalogue for item_id in ids)
    if outside:
        faults.append(f"{outside} items are not in the catalogue")
    satisfying = 0
    for item in reply.items:
        if item.id not in catalogue:
            continue
        broken = [c for c in conditions if not meets(c, field_value(catalogue, item.id, c.field))]
        satisfying += not broken
        faults += [f"{item.title}: {_worded(c)}" for c in broken]
    stated = any(r.applied for r in reply.relaxed)
    if expect.impossible:
        faults = [] if stated or not ids else ["nothing fits, but items are shown and no relaxation is stated"]
    faults += _list_faults(case, reply, previous, history)
    relevant = set(expect.relevant_ids)
    return Verdict(
        case=case,
        faults=tuple(faults),
        shown=len(ids),
        satisfying=satisfying,
        outside=outside,
        ndcg=list_ndcg(ids, relevant) if relevant else None,
        reply=reply,
        previous=tuple(tuple(shown) for shown in previous),
        seconds=seconds,
        notes=tuple(notes),
    )


def list_ndcg(ids: Sequence[str], relevant: set[str], k: int = 10) -> float:
    """nDCG@k of a list with equally relevant items; those it lacks count as ranked behind everything."""
    found = [rank for rank, item_id in enumerate(ids, 1) if item_id in relevant]
    missing = [k + 1 + n for n in range(len(relevant) - len(found))]
    return float(ranking_metrics([np.array([*found, *missing])], k)[f"ndcg@{k}"][0])


def _list_faults(
    case: RequestCase, reply: Reply, previous: Sequence[Sequence[str]], history: Iterable[str]
) -> list[str]:
    expect = case.expect
    ids = [item.id for item in reply.items]
    titles = {plain_title(item.title) for item in reply.items}
    faults = []
    if expect.no_items and ids:
        faults.append("no items were expected")
    if expect.clarify is True and (ids or reply.clarify is None):
        faults.append("a question without items was expected")
    asked = expect.clarify == "either" and reply.clarify is not None and not ids
    needed = expect.at_least
    if needed is not None and len(ids) < needed and not asked and not expect.impossible:
        faults.append(f"{len(ids)} items, at least {needed} were expected")
    faults += [f"{title} must not be shown" for title in expect.exclude_titles if plain_title(title) in titles]
    wanted = {plain_title(title) for title in expect.include_any_titles}
    if wanted and not wanted & titles and not asked:
        faults.append(f"none of {', '.join(expect.include_any_titles[:NAMED])} is shown")
    if expect.exclude_history and (repeated := set(ids) & set(history)):
        faults.append(f"{len(repeated)} items are in the person's history")
    if expect.exclude_previous == "all":
        earlier = {item_id for shown in previous for item_id in shown}
    elif expect.exclude_previous is not None:
        entry = expect.exclude_previous
        shown = previous[entry.turn - 1] if entry.turn <= len(previous) else ()
        earlier = {shown[entry.rank - 1]} if entry.rank <= len(shown) else set()
    else:
        earlier = set()
    if repeated := earlier & set(ids):
        faults.append(f"{len(repeated)} items were shown before")
    return faults


def field_value(catalogue: Catalogue, item_id: str, field: str) -> AttributeValue | None:
    """A field of an item: an attribute, or its title or text by the names of their columns."""
    row = catalogue.row(item_id)
    if field in catalogue.columns:
        return catalogue.value(row, field)
    return catalogue.titles[row] if field in ("title", catalogue.schema.title_column) else catalogue.texts[row] or None


def _unknown(condition: Condition, catalogue: Catalogue) -> bool:
    schema = catalogue.schema
    return condition.field not in {*catalogue.columns, "title", "text", schema.title_column, *schema.text_columns}


def meets(condition: Condition, value: AttributeValue | None) -> bool:
    """Whether a value meets a condition; values compare as whole elements, whatever their case."""
    if value is None:
        only = (condition.any, condition.all, condition.min, condition.max, condition.contains)
        return all(part is None for part in only)
    own = {_fold(v) for v in (value if isinstance(value, tuple) else (value,))}
    if isinstance(value, float):
        own |= {f"{value:g}"}
    if isinstance(value, bool):
        own |= {"yes", "true"} if value else {"no", "false"}
    text = " ".join(str(v) for v in (value if isinstance(value, tuple) else (value,))).casefold()
    checks = [
        condition.any is None or any(_fold(v) in own for v in condition.any),
        condition.all is None or all(_fold(v) in own for v in condition.all),
        condition.none is None or not any(_fold(v) in own for v in condition.none),
        condition.min is None or (isinstance(value, float) and value >= condition.min),
        condition.max is None or (isinstance(value, float) and value <= condition.max),
        all(part.casefold() in text for part in _several(condition.contains)),
        not any(part.casefold() in text for part in _several(condition.not_contains)),
    ]
    return all(checks)


def _fold(value: str | float | bool) -> str | float | bool:
    return value.casefold() if isinstance(value, str) else value


def _several(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else value


def _worded(condition: Condition) -> str:
    parts = {k: v for k, v in condition.model_dump().items() if v is not None and k != "field"}
    return f"{condition.field} {', '.join(f'{k} {v}' for k, v in parts.items())} does not hold"


def plain_title(title: str) -> str:
    """A title for comparison: no year, no accents, no leading or trailing article, no punctuation, no case."""
    text = _YEAR.sub("", unicodedata.normalize("NFKD", title.casefold()))
    text = "".join(c for c in text if not unicodedata.combining(c)).strip()
    if found := _ARTICLE_LAST.match(text):
        text = found[1]
    text = re.sub(r"^(the|a|an) ", "", text)
    return " ".join(re.findall(r"\w+", text))
