"""The `grounding` suite: is everything that is shown and said true?"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from convrec.agent.claims.index import ClaimIndex
from convrec.agent.grounding import Facts, unsupported
from convrec.agent.recommender import Recommender
from convrec.agent.types import HistoryEvidence, Recommendation, Reply
from convrec.evals.claims_check import ClaimCheck
from convrec.evals.request_cases import RequestCase
from convrec.evals.request_generator import generate
from convrec.evals.request_judge import field_value, meets
from convrec.evals.types import Figure, SuiteResult, count_figure, mean_figure


@dataclass
class Tally:
    """What the replies amount to, counted as they come."""

    items: int = 0
    outside: int = 0
    duplicates: int = 0
    in_history: int = 0
    violating: int = 0
    claims: int = 0
    unbacked: int = 0
    sentences: int = 0
    refused: int = 0
    bare: int = 0
    examples: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


class Audit:
    """Checks replies of one recommender and keeps the tally."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender
        self._catalogue = recommender.catalogue
        self._check = ClaimCheck(recommender.catalogue)
        self._index = ClaimIndex(recommender.catalogue)
        self.tally = Tally()

    def count(self, case: RequestCase, reply: Reply, user: str | None = None) -> None:
        """Add the last reply of a case, asked by `user`."""
        tally, catalogue = self.tally, self._catalogue
        known = {catalogue.ids[row] for row in self._recommender.engine.person(user).known}
        ids = [item.id for item in reply.items]
        tally.items += len(ids)
        tally.duplicates += len(ids) - len(set(ids))
        tally.in_history += sum(i in known for i in ids) if not reply.request.wishes.include_history else 0
        loosened = any(r.applied for r in reply.relaxed)
        for item in reply.items:
            if item.id not in catalogue:
                tally.outside += 1
                continue
            broken = [c for c in case.expect.every if not meets(c, field_value(catalogue, item.id, c.field))]
            if broken and not loosened:
                tally.violating += 1
                tally.examples.append(f"{' | '.join(case.turns)}: {item.title} is against {broken[0].field}")
            self._read(item, reply, case, known)

    def _read(self, item: Recommendation, reply: Reply, case: RequestCase, known: set[str]) -> None:
        tally = self.tally
        tally.bare += not any(reason.evidence for reason in item.reasons)
        tally.said += [reason.text for reason in item.reasons]
        claims, wrong = self._check.unsupported(item, reply, case.turns)
        tally.claims += claims
        tally.unbacked += len(wrong)
        tally.examples += [f"{item.title}: {problem}" for problem in wrong]
        facts = self._facts(item, reply, case, known)
        for reason in item.reasons:
            tally.sentences += 1
            problems = unsupported(reason, facts)
            tally.refused += bool(problems)
            tally.examples += [f"{item.title}: {problem}" for problem in problems]

    def _facts(self, item: Recommendation, reply: Reply, case: RequestCase, known: set[str]) -> Facts:
        catalogue = self._catalogue
        cited = [e for reason in item.reasons for e in reason.evidence]
        history = {e.item_id: e.title for e in cited if isinstance(e, HistoryEvidence) and e.item_id in known}
        named = {r.item_id: r.title for r in reply.request.references}
        relative = {c.relative_to for c in reply.request.constraints if c.relative_to in catalogue}
        named |= {i: catalogue.titles[catalogue.row(i)] for i in relative if i is not None}
        return Facts(
            item=catalogue.item(catalogue.row(item.id)),
            schema=catalogue.schema,
            index=self._index,
            history=history,
            references=named,
            breakdown=item.breakdown,
            words="\n".join(case.turns),
            constraints=reply.request.constraints,
        )


def run_grounding(
    recommender: Recommender,
    *,
    count: int = 60,
    seed: int = 0,
    cases: Sequence[RequestCase] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SuiteResult:
    """Every third request is asked by somebody of the log, so that sentences about histories are checked as well."""
    started = time.perf_counter()
    cases = list(cases) if cases is not None else generate(recommender.catalogue, count, seed)
    users = list(recommender.log.user_ids)
    audit = Audit(recommender)
    partial = False
    try:
        for number, case in enumerate(cases):
            user = users[(number * 7 + seed) % len(users)] if users and number % 3 == 0 else None
            conversation = recommender.session(user, stored=False)
            replies = [conversation.send(turn) for turn in case.turns]
            audit.count(case, replies[-1], user)
            if progress is not None:
                progress(number + 1, len(cases))
    except KeyboardInterrupt:
        partial = True
    return SuiteResult(
        suite="grounding",
        figures=tuple(grounding_figures(audit.tally)),
        parameters={"cases": len(cases), "seed": seed},
        notes=tuple(audit.tally.examples[:30]),
        seconds=time.perf_counter() - started,
        partial=partial,
    )


def grounding_figures(tally: Tally) -> list[Figure]:
    """Rates over all shown items, sentences or claims."""

    def share(name: str, part: int, whole: int, *, better: str = "lower") -> Figure:
        value = part / whole if whole else float("nan")
        return count_figure(name, value, better=better, unit="share", n=whole)  # type: ignore[arg-type]

    return [
        share("items outside the catalogue", tally.outside, tally.items),
        share("items shown twice in a list", tally.duplicates, tally.items),
        share("items of the person's history", tally.in_history, tally.items),
        share("items against a stated condition", tally.violating, tally.items),
        share("sentences refused by the product's verifier", tally.refused, tally.sentences),
        share("claims that an independent reading does not find", tally.unbacked, tally.claims),
        share("items explained with evidence", tally.items - tally.bare, tally.items, better="higher"),
        mean_figure(
            "distinct word pairs in explanations",
            {str(n): value for n, value in enumerate(distinct_pairs(tally.said))},
            unit="share",
            keep=False,
        ),
    ]


def distinct_pairs(texts: Sequence[str], *, group: int = 10) -> list[float]:
    """Share of distinct word pairs within each group of texts (distinct-2, Li et al., NAACL 2016)."""
    shares = []
    for start in range(0, len(texts), group):
        pairs: Counter[tuple[str, str]] = Counter()
        for text in texts[start : start + group]:
            words = text.casefold().split()
            pairs.update(pairwise(words))
        if pairs:
            shares.append(len(pairs) / sum(pairs.values()))
    return shares
