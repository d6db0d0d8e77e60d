"""Finds values and flags in a chart, the longest and surest first."""

from __future__ import annotations

from dataclasses import replace

from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.nations import is_language
from convrec.agent.reading.text import Chart, key_of, preceded
from convrec.agent.reading.tongues import TongueReader
from convrec.agent.reading.values import AMBIGUOUS, Hit, ValueIndex
from convrec.agent.reading.wanted import Wanted, value_filter, wanted_values
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import And, In, Not, NotIn
from convrec.retrieval.request import Strength
from convrec.retrieval.schema import Attribute, AttributeKind, Role

_DENIALS = frozenset(["not", "isnt", "arent"])
_OF_STUFF = frozenset(["no", "not", "without", "non", "with", "of", "or", "goose", "duck"])
_SPELLED_OUT = 3
"""so many values are named one by one"""
_VERBS = frozenset(
    "need require has have with include contain offer suitable for allow is come take accept serve".split()
)
"""words of a flag's name before what it says that an item has"""
_STATES = frozenset(
    "required needed included available allowed offered possible option accepted served friendly".split()
)
"""words of a flag's name behind it"""
_LINKS = frozenset(["is", "are"])


class Finder:
    """Turns words into `Wanted`; every method puts what it reads into the chart as a 'want' span."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, values: ValueIndex) -> None:
        self.catalogue = catalogue
        self.grammar = grammar
        self.values = values
        self.tongues = TongueReader(catalogue, grammar, values)
        self._freed: set[str] = set()
        """what a flag says that an item is free of"""
        self.flags = self._flag_words()
        topics = [a for a in values.attributes if a.role is Role.TOPIC and values.controlled(a)]
        self.main_topic = topics[0] if topics else None

    def _flag_words(self) -> dict[str, tuple[Attribute, bool]]:
        """Names of flags, the first word of a name where only one flag has it ('dishwasher'), and words that mean them.

        Each with whether it says that the flag is set.
        """
        flags = [a for a in self.catalogue.schema.attributes if a.kind is AttributeKind.FLAG]
        keys = {key: (a, True) for a in flags for key in _flag_keys(a)}
        for attribute in flags:
            first = key_of(attribute.label).split(" ")[0]
            alone = sum(key_of(a.label).split(" ")[0] == first for a in flags) == 1
            free = key_of(attribute.label) == f"{first} free"
            if (
                alone
                and (free or len(first) > 2)
                and first not in self.grammar.plain_words
                and not self.values.find(first)
            ):
                keys.setdefault(first, (attribute, True))
            thing = _thing(attribute)
            if thing and thing not in self.grammar.plain_words and not self.values.find(thing):
                keys.setdefault(thing, (attribute, True))
        self._freed |= {key for key, (a, _) in keys.items() if key_of(a.label) == f"{key} free"}
        for key, flag in tuple(keys.items()):
            for other in self.grammar.same_as.get(key, ()):
                if keys.setdefault(other, flag) is flag and key in self._freed:
                    self._freed.add(other)
        for concept in self.grammar.concept:
            named = {key_of(value) for value in concept.values}
            for attribute in flags if not concept.soft else ():
                if named & _flag_keys(attribute):
                    for word in concept.words:
                        keys.setdefault(key_of(word), (attribute, not concept.absent))
        return keys

    def find_flags(self, chart: Chart) -> None:
        """'dishwasher safe', 'breakfast not included', 'no gluten' where there is 'gluten free'."""
        for start in range(len(chart)):
            for length in range(min(5, len(chart) - start), 0, -1):
                if not chart.free(start, start + length):
                    continue
                words = chart.stems(start, start + length).split()
                if words[-1] in _DENIALS | _LINKS:
                    continue
                denied = any(w in _DENIALS for w in words[1:])
                key = " ".join([words[0], *(w for w in words[1:] if w not in _DENIALS | _LINKS)])
                attribute, said = self.flags.get(key, (None, True))
                if attribute is None:
                    continue
                yes = In(field=attribute.name, values=(True,))
                no = NotIn(field=attribute.name, values=(True,))
                wanted = Wanted(attribute.name, yes, no, attribute.label, "flag")
                if (denied != (key in self._freed)) == said:
                    label = f"not {attribute.label}"
                    wanted = Wanted(attribute.name, no, yes, label, "flag", negative_label=attribute.label)
                chart.put(start, start + length, "want", [wanted])
                break

    def find_coded(self, chart: Chart) -> None:
        """Values that begin with a digit: '5G', '2-seater', before their number is taken for a quantity."""
        for start in range(len(chart) - 1):
            for length in (3, 2):
                end = start + length
                whole = chart.tokens[start].text[:1].isdigit() and end <= len(chart) and chart.free(start, end)
                if not whole or any(chart.gap(p) not in ("", "-") for p in range(start + 1, end)):
                    continue
                hits = [
                    hit for hit in self.values.find(chart.stems(start, end)) if self.values.controlled(hit.attribute)
                ]
                if hits:
                    self._put(chart, start, end, hits)
                    break

    def find_values(self, chart: Chart, *, shortest: int = 1) -> None:
        """Names, synonyms, concepts and nationalities of at least so many words."""
        for start in range(len(chart)):
            if chart.owner[start] is not None or not self.values.starts(chart.tokens[start].stem):
                continue
            least = max(shortest, chart.phrase_at(start, self.grammar.adjective_phrases) + 1) if shortest > 1 else 1
            for length in range(min(self.values.longest, len(chart) - start), least - 1, -1):
                end = start + length
                if not chart.free(start, end) or any(chart.breaks(p, ".,;!?\n") for p in range(start + 1, end)):
                    continue
                hits = self._allowed(chart, start, end, self.values.find(chart.stems(start, end)))
                if hits and not self._names_apart(chart, start, end, hits):
                    self._put(chart, start, end, hits)
                    break

    def _names_apart(self, chart: Chart, start: int, end: int, hits: list[Hit]) -> bool:
        """'horror comedy' is also a tag, but each of its words names a kind."""
        if end - start < 2 or any(self.values.controlled(hit.attribute) for hit in hits):
            return False
        alone = [self.values.find(chart.stems(position, position + 1)) for position in range(start, end)]
        return all(any(h.how == "name" and self.values.controlled(h.attribute) for h in own) for own in alone)

    def _allowed(self, chart: Chart, start: int, end: int, hits: list[Hit]) -> list[Hit]:
        """Leaves out tags that are ordinary words of a request, and codes in the middle of a sentence."""
        if not hits or end - start > 1:
            return hits
        token = chart.tokens[start]
        plain = token.norm in self.grammar.plain_words
        if token.norm in AMBIGUOUS and not self._names_a_thing(chart, start):
            return []
        kept = []
        for hit in hits:
            controlled = self.values.controlled(hit.attribute)
            if hit.attribute.role is Role.COUNTRY and len(token.norm) == 2:
                placed = preceded(chart, start, phrases(self.grammar.languages.country_before)) is not None
                placed = placed and token.norm not in self.grammar.plain_words
                if placed or (token.text.isupper() and not chart.message.isupper()):
                    kept.append(hit)
                continue
            nation = hit.attribute.role in (Role.LANGUAGE, Role.COUNTRY)
            if nation and token.norm in self.grammar.ordinary_words and not self.tongues.meant(chart, start):
                continue
            function = token.norm in self.grammar.function_words - AMBIGUOUS
            if plain and not (controlled and hit.how == "name" and not function):
                continue
            ours = token.stem == key_of(self.catalogue.schema.noun)
            noun = token.stem in self.grammar.noun_words and not ours
            if plain and token.norm in self.grammar.filler_words and not (token.capital or noun):
                continue
            kept.append(hit)
        return kept

    def _names_a_thing(self, chart: Chart, start: int) -> bool:
        """'no down', 'with down', 'a down jacket': the stuff, not the direction."""
        before = chart.norms(start - 1, start) if start else ""
        following = chart.owner[start + 1] if start + 1 < len(chart) and chart.gap(start + 1) == " " else None
        return before in _OF_STUFF or (following is not None and following.kind == "want")

    def _put(self, chart: Chart, start: int, end: int, hits: list[Hit]) -> None:
        tagged = preceded(chart, start, phrases(self.grammar.tagged.cues))
        first = tagged if tagged is not None else start
        wanted = self._tag(hits) if tagged is not None else self.read_hits(chart, start, end, hits)
        if wanted:
            words = chart.words(start, end)
            chart.put(first, end, "want", [replace(w, label=w.label or words) for w in wanted])
            self._take_label(chart, first, end, wanted[0].field)

    def _take_label(self, chart: Chart, start: int, end: int, field: str) -> None:
        """'a carbon frame', 'rim brakes': a word of the attribute's own name beside its value says no more."""
        if field not in self.catalogue.schema:
            return
        label = {word for word in key_of(self.catalogue.schema.attribute(field).label).split() if len(word) > 2}
        for position, gap in ((end, end), (start - 1, start)):
            inside = 0 <= position < len(chart) and chart.free(position, position + 1) and chart.gap(gap) == " "
            if inside and chart.tokens[position].stem in label and not self.values.find(chart.tokens[position].stem):
                chart.put(position, position + 1, "skip")

    def _tag(self, hits: list[Hit]) -> list[Wanted]:
        """'tagged X' is about the larger vocabulary, and binding."""
        large = max(hits, key=lambda h: self.values.sizes[h.attribute.name])
        return [wanted_values(large.attribute, large.values, "name")]

    def read_hits(self, chart: Chart, start: int, end: int, hits: list[Hit]) -> list[Wanted]:
        """What the hits of some words ask for together."""
        nations = [
            h
            for h in hits
            if h.attribute.role is Role.COUNTRY
            or (h.attribute.role is Role.LANGUAGE and any(is_language(value) for value in h.values))
        ]
        # What the schema calls a topic goes before what a language calls a nation ('Hollywood').
        topics = [h for h in hits if h.attribute.role is Role.TOPIC and h.how == "synonym"]
        if len(tongues := [h for h in nations if h.attribute.role is Role.LANGUAGE]) > 1:
            nations = [h for h in nations if h not in tongues or h is self._tongue_named(chart, start, end, tongues)]
        if nations and not topics:
            wanted = self.tongues.read(chart, start, end, nations)
            if self._told_about(chart, start):
                wanted = replace(wanted, strength=Strength.SOFT, describe=True)
            return [wanted]
        hits = [h for h in hits if h not in nations]
        sure = [h for h in hits if self.values.controlled(h.attribute) or h.attribute.role is not Role.TOPIC]
        tags = [h for h in hits if h not in sure]
        if not sure:
            return [self._keyword(tags[0])]
        order = {"name": 0, "synonym": 0, "concept": 1, "free": 2, "part": 2}
        said = chart.stems(start, end)
        best = min(
            sure,
            key=lambda h: (
                order.get(h.how, 3),
                # 'photography' is a topic of that name before it is half of 'Photography and Film'.
                all(key_of(value) != said for value in h.values),
                h.attribute.role is not Role.TOPIC,
            ),
        )
        if self._needs_capital(chart, start, end, best):
            return []
        same = {key_of(v) for v in best.values}
        companions = tuple(
            (value_filter(t.attribute, t.values), t.values[0]) for t in tags if key_of(t.values[0]) not in same
        )
        if best.every:
            together = value_filter(best.attribute, best.values, "all")
            label = " and ".join(best.values)
            return [Wanted(best.attribute.name, together, Not(part=together), label, best.how)]
        wanted = wanted_values(best.attribute, best.values, best.how)
        if len(best.values) > _SPELLED_OUT:
            words = chart.said(start, end)
            wanted = replace(wanted, label=words, negative_label=f"no {words}")
        if best.how == "free":
            label = f"not {wanted.label}"
            return [
                replace(
                    wanted, filter=wanted.negative, negative=wanted.filter, label=label, negative_label=wanted.label
                )
            ]
        against = (
            *(() if best.narrower else (wanted.negative,)),
            *(value_filter(t.attribute, t.values, "none") for t in tags),
        )
        negative = against[0] if len(against) == 1 else And(parts=against)
        return [
            replace(
                wanted,
                negative=negative,
                soft=companions,
                strength=Strength.SOFT if best.soft else Strength.HARD,
                describe=best.soft or best.how == "head",
                shun=best.narrower,
                negative_label=f"not {chart.words(start, end)}" if best.narrower else wanted.negative_label,
            )
        ]

    @staticmethod
    def _tongue_named(chart: Chart, start: int, end: int, tongues: list[Hit]) -> Hit:
        """'German subtitles' are of the subtitles, 'in German' is of the first language of a catalogue that has two."""
        beside = {chart.tokens[p].stem for p in (start - 1, end) if 0 <= p < len(chart)}
        return next((h for h in tongues if beside & set(key_of(h.attribute.label).split())), tongues[0])

    @staticmethod
    def _told_about(chart: Chart, start: int) -> bool:
        """'about Japan' is what is told, wherever it was made; 'how about Japan' asks for it."""
        for place in range(start - 1, max(-1, start - 3), -1):
            word = chart.tokens[place].norm
            if word == "about":
                return place == 0 or chart.tokens[place - 1].norm not in ("how", "what", "or")
            if word not in ("the", "a", "an"):
                return False
        return False

    def _needs_capital(self, chart: Chart, start: int, end: int, hit: Hit) -> bool:
        """A single ordinary word counts as a value of a large vocabulary of names only when it is capitalised.

        Not where the catalogue itself writes the value small: an ingredient is no name.
        """
        if self.values.controlled(hit.attribute) or end - start > 1 or hit.values[0].islower():
            return False
        token = chart.tokens[start]
        return not token.capital and token.stem in self.values.known_words

    def _keyword(self, hit: Hit) -> Wanted:
        wanted = wanted_values(hit.attribute, hit.values, "keyword")
        return replace(wanted, strength=Strength.SOFT, describe=True)


def _thing(attribute: Attribute) -> str:
    """What a flag says that an item needs, has or suits: 'battery' of 'needs batteries'."""
    words = key_of(attribute.label).split()
    first = next((i for i, word in enumerate(words) if word not in _VERBS), len(words))
    last = next((i for i in range(len(words), first, -1) if words[i - 1] not in _STATES), first)
    return " ".join(words[first:last]) if 0 < last - first < len(words) else ""


def _flag_keys(attribute: Attribute) -> set[str]:
    keys = {key_of(attribute.label), key_of(attribute.name.replace("_", " "))}
    return {key.removeprefix("is ").removeprefix("has ") for key in keys if key}
