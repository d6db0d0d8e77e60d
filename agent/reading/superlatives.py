"""'Which of those is the cheapest?', 'sort by rating': the list that was shown, in another order."""

from __future__ import annotations

import re

from convrec.agent.interpret import ReadingContext, SortShown
from convrec.agent.reading.adjectives import AdjectiveReader
from convrec.agent.reading.grammar import Grammar, alternation
from convrec.agent.reading.text import Chart
from convrec.retrieval.schema import Attribute, Role

_LOW = frozenset(["lowest", "least", "fewest", "smallest", "shortest", "earliest", "low"])
_HIGH = frozenset(["highest", "most", "greatest", "biggest", "largest", "longest", "best", "latest", "high"])
_ROLES = {"price": Role.PRICE, "rating": Role.QUALITY, "popularity": Role.POPULARITY, "year": Role.YEAR}


class SuperlativeReader:
    """Reads messages that ask for an extreme of the shown items, or for their order."""

    def __init__(self, grammar: Grammar, adjectives: AdjectiveReader, numeric: dict[str, frozenset[str]]) -> None:
        """`numeric`: the words for each numeric attribute, by its name."""
        self.grammar = grammar
        self.adjectives = adjectives
        own = grammar.acts
        listed = ["the list", "this list", "that list", "the ones you showed me", "the ones above", "all", "the bunch"]
        shown = f"(?:{alternation([*own.everything, *own.both, *listed])})"
        nouns = f"(?:{alternation(sorted(grammar.noun_words | {'one', 'ones', 'option', 'options'}))})"
        ask = r"(?:and |so |ok |okay |hmm )*"
        give = (
            r"(?:(?:give|show|tell) me |what(?:s| is) |ill take |i want |i take |pick )?(?:the |just the |only the )?"
        )
        asks = r"(?:which|whats|what|whichs)"
        verb = r"(?:is|are|has|have|would be|was|comes|costs)"
        extreme = r"(?:the )?(?P<s>\S+(?: \S+){0,3}?)"
        self._asked = [
            re.compile(pattern)
            for pattern in (
                rf"^{ask}(?:of|out of|from|among) {shown} {asks}(?: {nouns})? {verb} {extreme}(?: {nouns})?$",
                rf"^{ask}{asks}(?: {nouns})? (?:of|out of|from|among) {shown} {verb} {extreme}(?: {nouns})?$",
                rf"^{ask}{asks} (?:one |ones ){verb} {extreme}(?: {nouns})?(?: (?:of|out of|from|among) {shown})?$",
                rf"^{ask}{give}{extreme}(?: {nouns})? (?:of|out of|from|among|on|in) {shown}(?: please)?$",
                rf"^{ask}(?:sort|order|rank)(?: {shown})? by (?:the )?(?P<f>\S+(?: \S+){{0,2}})$",
                rf"^{ask}(?:(?:show|list|put|sort|order)(?: me)?(?: {shown})? )?(?:the )?(?P<s>\S+(?: \S+)?) first$",
            )
        ]
        self._numeric = {word: name for name, words in sorted(numeric.items()) for word in words}

    def read(self, chart: Chart, context: ReadingContext) -> SortShown | None:
        """The order that the whole message asks for; None where it asks for something else."""
        if not context.shown or len(chart) < 2:
            return None
        text = chart.norms(0, len(chart))
        ids = tuple(entry.id for entry in context.shown)
        for pattern in self._asked:
            found = pattern.match(text)
            if found is None:
                continue
            groups = found.groupdict()
            order = self._extreme(groups["s"]) if groups.get("s") else self._sorting(groups["f"])
            if order is not None:
                attribute, descending = order
                return SortShown(ids, attribute.name, descending, groups.get("s") or "")
        return None

    def _extreme(self, words: str) -> tuple[Attribute, bool] | None:
        for entry in self.grammar.adjectives.get(words, ()):
            superlative = words.endswith("est") or words.split(maxsplit=1)[0] in _LOW | _HIGH | {"best", "top"}
            attribute = self.adjectives.of_role_or_dimension(entry.role, entry.dimension)
            if superlative and attribute is not None:
                return attribute, entry.side in ("high", "top")
        side, _, rest = words.partition(" ")
        attribute = self._named(rest)
        if attribute is None or side not in _LOW | _HIGH:
            return None
        return attribute, side in _HIGH

    def _sorting(self, words: str) -> tuple[Attribute, bool] | None:
        plain = re.sub(r" (?:please|first|now|descending|ascending|desc|asc)$", "", words)
        attribute = self._named(plain)
        if attribute is None:
            return self._extreme(plain)
        rising = attribute.role in (Role.PRICE, Role.DURATION) or words.endswith((" ascending", " asc"))
        return attribute, not rising or words.endswith((" descending", " desc"))

    def _named(self, words: str) -> Attribute | None:
        role = _ROLES.get(words)
        own = self.adjectives.of_role_or_dimension(role.value, None) if role is not None else None
        name = self._numeric.get(words) or self._numeric.get(words.removesuffix("s"))
        return own or (self.adjectives.catalogue.schema.attribute(name) if name is not None else None)
