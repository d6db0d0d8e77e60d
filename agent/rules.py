"""The offline reader of requests: rules over the catalogue's own schema, with an encoder for words it does not know.

Nothing here knows a domain: values, units, roles and titles come from the catalogue, the words that join them from
the language files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from convrec.agent.interpret import Ask, Reading, ReadingContext, UnknownValue
from convrec.agent.reading.acts import ActHit, ActReader
from convrec.agent.reading.adjectives import AdjectiveReader
from convrec.agent.reading.ages import AgeReader
from convrec.agent.reading.asides import aside
from convrec.agent.reading.build import Builder, Draft
from convrec.agent.reading.comparatives import ComparativeReader
from convrec.agent.reading.critique import CritiqueReader
from convrec.agent.reading.describe import Describer
from convrec.agent.reading.drop import DropReader
from convrec.agent.reading.find import Finder
from convrec.agent.reading.grammar import english, phrases
from convrec.agent.reading.language import CODES, expand, pack, read_tokens
from convrec.agent.reading.lasting import LastingReader
from convrec.agent.reading.meaning import MeaningIndex
from convrec.agent.reading.measured import Measured, Unmeasured
from convrec.agent.reading.measures import MeasureReader
from convrec.agent.reading.named import NamedItems
from convrec.agent.reading.names import NameFinder
from convrec.agent.reading.narrative import NarrativeReader
from convrec.agent.reading.nations import UnknownNations
from convrec.agent.reading.numbers import quantity_at
from convrec.agent.reading.people import PeopleIndex
from convrec.agent.reading.ranges import Bounds, year_extent
from convrec.agent.reading.references import ReferenceReader
from convrec.agent.reading.same import SameReader
from convrec.agent.reading.sayings import SayingReader
from convrec.agent.reading.scope import ScopeReader
from convrec.agent.reading.spelling import Speller
from convrec.agent.reading.superlatives import SuperlativeReader
from convrec.agent.reading.text import MAX_TOKENS, Chart, Token, clean, key_of, words_of
from convrec.agent.reading.time import TimeReader
from convrec.agent.reading.turn import ActResolver, as_act
from convrec.agent.reading.unmet import UnknownKinds
from convrec.agent.reading.values import ValueIndex, catalogue_nouns
from convrec.agent.reading.walk import Words
from convrec.agent.reading.wanted import Wanted, wanted_range
from convrec.agent.reading.wishes import WishReader
from convrec.agent.titles import TitleIndex
from convrec.agent.wording import says_look
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import Range
from convrec.retrieval.request import RequestEdit
from convrec.retrieval.schema import Role

_GIBBERISH = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}|^[^aeiouy]{4,}$|(.)\1{3}")
"""no word of a language written in Latin letters looks like this"""

_POLITE = frozenset(["please", "pls", "plz", "then", "now", "thanks", "thx"])
"""behind an act these say no more"""
_FRESH = frozenset(["start_over", "undo", "something_else"])
"""acts that take back what was said or shown"""
Encode = Callable[[Sequence[str]], NDArray[np.float32]]


class RulesInterpreter:
    """Reads messages without a language model. All indexes are built once.

    Args:
        catalogue: whose values, units and titles are read.
        encode: texts -> (n, d) unit vectors; at most one call a message. None: nothing is read by meaning.
        value_vectors: vectors of `value_texts()`, where they are at hand; else encoded at the first need.
        today: the current year, for 'this year'; the clock's when None.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        encode: Encode | None = None,
        *,
        value_vectors: NDArray[np.float32] | None = None,
        today: int | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.grammar = grammar = english()
        self.values = ValueIndex(catalogue, grammar)
        self.people = PeopleIndex(catalogue, grammar, self.values.known_words)
        self.titles = TitleIndex(catalogue)
        self.speller = Speller(catalogue, grammar, self.values, self.people)
        self.finder = Finder(catalogue, grammar, self.values)
        self.adjectives = AdjectiveReader(catalogue, grammar, self.values, self.people, self.finder.main_topic)
        self.nations = UnknownNations(catalogue, grammar, self.values)
        self.names = NameFinder(grammar, self.people, self.values)
        year = next((a for a in catalogue.schema.with_role(Role.YEAR) if a.numeric), None)
        extent = year_extent(catalogue, year) if year is not None else (0, 9999)
        time = TimeReader(
            grammar, extent, today if today is not None else datetime.now(tz=UTC).year, self.values.known_words
        )
        self.measures = MeasureReader(catalogue, grammar, time)
        self.superlatives = SuperlativeReader(grammar, self.adjectives, self.measures.words)
        self.references = ReferenceReader(self.titles, self.values, self.people, grammar)
        self.named = NamedItems(catalogue, self.titles, self.references, self.values)
        self.comparatives = ComparativeReader(grammar, self.measures.words, self.measures.attributes.lasting)
        self.acts = ActReader(grammar, frozenset().union(*self.measures.words.values()))
        self.turn = ActResolver(catalogue)
        self.lasting = LastingReader(grammar)
        labels = {key_of(a.label) for a in catalogue.schema.attributes} | catalogue_nouns(catalogue, grammar)
        looks = frozenset(a.name for a in catalogue.schema.attributes if says_look(a))
        self.scope = ScopeReader(grammar, frozenset(labels), looks)
        for code in CODES:
            pack(code)
        self.builder = Builder(catalogue)
        self.meaning = MeaningIndex(self.values, grammar, self.finder, encode=encode, vectors=value_vectors)
        self.critique = CritiqueReader(catalogue, self.adjectives, self.values)
        self.drops = DropReader(catalogue, grammar, self.values)
        self.same = SameReader(catalogue, self.references, grammar)
        self.wishes = WishReader(catalogue, grammar, frozenset().union(*self.measures.words.values()))
        main = self.finder.main_topic
        self.narrative = NarrativeReader(catalogue, grammar, main.name if main is not None else "")
        self.ages = AgeReader(grammar, self.finder, self.measures.age)
        self.sayings = SayingReader(grammar, self.values)
        self.unknown_kinds = UnknownKinds(catalogue, grammar, main)
        self.describer = Describer(catalogue, grammar, self.values.known_words)

    def value_texts(self) -> tuple[str, ...]:
        """The texts whose vectors `value_vectors` holds, row by row."""
        return self.meaning.texts

    def read(self, message: str, context: ReadingContext | None = None) -> Reading:
        """What a message means in its context; never raises for anything a person can type."""
        context = context or ReadingContext()
        text, cut = clean(message)
        tokens, language = read_tokens(
            text, self._english, lambda t: self.titles.exact(" ".join(words_of(t))) is not None
        )
        if language == "en":
            tokens = expand(self.speller.correct(tokens), self.grammar.shorthand)
        cut = cut or len(tokens) > MAX_TOKENS
        chart = Chart(text, tokens[:MAX_TOKENS])
        draft = Draft(self.catalogue, context, chart)
        if cut:
            draft.note(f"That was long; I read the first {len(chart)} words.")
        if not len(chart):
            return Reading(notes=tuple(draft.notes), nothing_to_go_on=True)
        order = self.superlatives.read(chart, context)
        if order is not None:
            return Reading(act=order, notes=tuple(draft.notes), language=language)
        return replace(self._read(chart, context, draft), language=language)

    def _english(self, token: Token) -> bool:
        """Whether a word is the grammar's or names a value of a small vocabulary."""
        if token.norm in self.grammar.plain_words or token.norm in self.grammar.adjectives:
            return True
        return any(self.values.controlled(hit.attribute) for hit in self.values.find(token.stem))

    def _read(self, chart: Chart, context: ReadingContext, draft: Draft) -> Reading:
        acts, start = self._openings(chart, context)
        if acts and acts[-1].whole and len(acts) == 1:
            return self._whole(acts[-1], draft)
        if start >= len(chart) or (acts and acts[-1].whole):
            return self._whole(acts[-1], draft)
        instead = self._correction(chart, start)
        if any(hit.kind == "start_over" for hit in acts):
            draft.edits.append(RequestEdit(op="reset"))
        self.drops.read(chart, draft)
        self.scope.mark_idioms(chart)
        lasting = self.lasting.kind(chart, start)
        self.same.read(chart, draft)
        found = self.acts.anywhere(chart, context)
        acts += [hit for hit in found if self._take(chart, hit)]
        self._name(chart)
        self.acts.compared_with(chart, context)
        unknown_titles = self.references.find_titles(chart)
        self.same.last_named(chart, draft)
        acts = [hit for hit in acts if not self._of_named(chart, hit)]
        self.wishes.read(chart, draft)
        self.sayings.mark(chart)
        self.finder.find_coded(chart)
        self._measure(chart, draft)
        self.sayings.below_zero(chart)
        missing = self._find(chart)
        story = self.narrative.read(chart)
        scoped = self.scope.read(chart, story=story, instead=instead)
        said, words = scoped.said, scoped.words
        if words and all(entry.wanted.how == "keyword" for entry in said):
            lone = self.named.lone(chart, Words(words[0].start, words[-1].end, any(w.negated for w in words)))
            said, words = ([], []) if lone else (said, words)
        self.drops.needless(draft, scoped, self.critique.fields(scoped.yielding))
        clarify = self.named.use(chart, draft, scoped.shunned)
        said = self.critique.too(draft, said) + self.critique.read(chart, draft)
        said = self.adjectives.within(said, draft.context.request)
        self.turn.apply(acts, draft)
        if not said and not words:
            self.drops.person(chart, draft)
        if not said and (absent := self.unknown_kinds.read(chart, words)) is not None:
            missing, words = [*missing, UnknownValue(absent.field, absent.words, absent.nearest)], []
        unread = self._unread(chart, words)
        words = [w for w in words if w not in unread and not (said and aside(chart, w, said))]
        self.builder.build(draft, said)
        remembered = self.lasting.remembered(lasting, said, words, chart)
        self.describer.read(chart, draft, words, said, story=story, instead=instead)
        self._say_missing(draft, unknown_titles, missing)
        vague = self.acts.vague(chart)
        if any(hit.kind == "off_topic" for hit in acts):
            draft.edits = [e for e in draft.edits if e.part is None or e.part.kind != "description"]
        edits = () if vague else draft.finish()
        act = self.turn.resolve(acts, remembered, draft, lasting, edits)
        nothing = vague or (not edits and isinstance(act, Ask) and not missing and clarify is None)
        return Reading(
            edits=edits,
            act=act,
            notes=tuple(draft.notes),
            clarify=clarify,
            nothing_to_go_on=nothing,
            open_ended=nothing and not vague and any(token.norm.isalpha() for token in chart.tokens),
            unknown_values=tuple(missing),
            unread=(*unknown_titles, *(chart.words(w.start, w.end) for w in unread)),
        )

    def _name(self, chart: Chart) -> None:
        """Whole titles after a cue, then whole names of people."""
        self.references.find_whole(chart)
        self.names.whole_names(chart)
        self.names.absent(chart)

    def _find(self, chart: Chart) -> list[UnknownValue]:
        """Reads comparisons, values, people and adjectives, the surest first; returns the values that do not exist."""
        self.finder.find_flags(chart)
        self.comparatives.find(chart)
        self.finder.tongues.find(chart)
        self.finder.find_values(chart, shortest=2)
        self.adjectives.find(chart)
        self.finder.find_values(chart)
        missing = [UnknownValue(m.field, m.words, m.nearest) for m in self.names.parts(chart)]
        missing += [UnknownValue(m.field, m.words, m.nearest) for m in self.names.elsewhere(chart)]
        self.names.absent(chart)
        missing += [UnknownValue(m.field, m.words, m.nearest) for m in self.nations.read(chart)]
        return missing + self.meaning.read(chart)

    def _say_missing(self, draft: Draft, titles: list[str], values: list[UnknownValue]) -> None:
        for title in titles:
            draft.note(f"I know no {self.catalogue.schema.noun} called “{title}” here.")
        for value in values:
            nearest = f" The nearest are: {', '.join(value.nearest)}." if value.nearest else ""
            if not value.field:
                draft.note(f"I find no “{value.words}” here.")
                continue
            draft.note(f"Nothing here has the {self._label(value.field)} “{value.words}”.{nearest}")

    def _label(self, field: str) -> str:
        return self.catalogue.schema.attribute(field).label if field in self.catalogue.schema else field

    def _openings(self, chart: Chart, context: ReadingContext) -> tuple[list[ActHit], int]:
        """Greetings and the like at the beginning, then an act that all the rest is."""
        acts: list[ActHit] = []
        start = 0
        while start < len(chart):
            if acts and all(token.norm in _POLITE for token in chart.tokens[start:]):
                return [*acts[:-1], replace(acts[-1], whole=True)], start
            for lead in range(start, self._hesitant(chart, start) + 1):
                whole = self.acts.whole(chart, context, lead)
                if whole is not None:
                    return [*acts, whole], lead
                began = self.acts.opening(chart, lead) if lead > start else None
                if began is not None and began.kind in _FRESH:
                    start = lead
                    break
            opening = None if self.drops.waiver(chart, start) else self.acts.opening(chart, start)
            if opening is None or opening.end <= start or opening.kind in {a.kind for a in acts}:
                break
            acts.append(opening)
            chart.put(start, opening.end, "act", opening)
            start = opening.end
        return acts, start

    @staticmethod
    def _of_named(chart: Chart, hit: ActHit) -> bool:
        """'except Goodfellas, seen it': 'it' is the title of this sentence, not what was shown."""
        if hit.kind != "seen" or chart.norms(hit.end - 1, hit.end) not in ("it", "that", "them", "those"):
            return False
        start = next((p for p in range(hit.start, 0, -1) if chart.breaks(p)), 0)
        named = any(start <= span.start < hit.start for span in chart.spans("title"))
        if named:
            chart.put(hit.start, hit.end, "skip")
        return named

    def _hesitant(self, chart: Chart, start: int) -> int:
        """Where 'oh no', 'nah' before what is meant ends."""
        words = self.grammar.hesitations | {"no", "nah", "nope", "wait"}
        end = start
        while end < len(chart) - 1 and chart.tokens[end].norm in words:
            end += 1
        return end

    def _whole(self, hit: ActHit, draft: Draft) -> Reading:
        if hit.kind == "start_over":
            draft.edits.append(RequestEdit(op="reset"))
        if hit.kind == "more" and (number := self.wishes.number(hit.words)):
            draft.wishes["count"] = number
        self.turn.apply([hit], draft)
        return Reading(
            edits=draft.finish(),
            act=as_act(hit, draft.context),
            notes=tuple(draft.notes),
        )

    def _correction(self, chart: Chart, start: int) -> bool:
        """'no, comedies': a 'no' that stands alone before a comma takes back what was understood."""
        while start < len(chart) and chart.tokens[start].norm in self.grammar.hesitations:
            start += 1
        if start + 1 >= len(chart) or chart.tokens[start].norm not in ("no", "nope", "nah"):
            return False
        if not any(sign in chart.gap(start + 1) for sign in ",.;!–—"):
            return False
        chart.put(start, start + 1, "cue")
        return True

    def _take(self, chart: Chart, hit: ActHit) -> bool:
        """Keeps an act unless the words it needs as a title are none."""
        if hit.titles:
            rows = [h.row for h in (self.references.lookup(t) for t in hit.titles) if h is not None]
            if len(rows) < len(hit.titles):
                return False
            ids = tuple(self.catalogue.ids[row] for row in rows)
            chart.put(hit.start, hit.end, "act", ActHit(hit.kind, ids, (), hit.start, hit.end))
            return True
        chart.put(hit.start, hit.end, "act", hit)
        return True

    def _unread(self, chart: Chart, words: list[Words]) -> list[Words]:
        """Words of another language that were not translated, and strings of letters that are no words."""
        foreign = any(token.translated for token in chart.tokens)
        unread = []
        for segment in words:
            tokens = chart.tokens[segment.start : segment.end]
            strange = [t for t in tokens if t.stem not in self.values.known_words and not self.values.find(t.stem)]
            if len(strange) < len(tokens):
                continue
            if all(_GIBBERISH.search(t.norm) or (foreign and not t.translated and not t.capital) for t in tokens):
                unread.append(segment)
        return unread

    def _measure(self, chart: Chart, draft: Draft) -> None:
        """Numbers and years."""
        position = 0
        while position < len(chart):
            if chart.owner[position] is not None:
                position += 1
                continue
            if self.ages.read(chart, position):
                continue
            if (again := self._again(chart, position, draft)) is not None:
                chart.put(position, again[1], "want", [again[0]])
                position = again[1]
                continue
            found = self.measures.at(chart, position)
            if isinstance(found, Measured) and self.ages.of_life(chart, found):
                chart.put(found.start, found.end, "words")
            elif isinstance(found, Measured):
                how = "time" if found.attribute.role is Role.YEAR else "number"
                ranges = ((found.attribute, found.bounds), *found.also)
                chart.put(found.start, found.end, "want", [wanted_range(a, bounds, how) for a, bounds in ranges])
                draft.note(found.note)
            elif isinstance(found, Unmeasured):
                chart.put(found.start, found.end, "skip")
                draft.note(f"Nothing is known here about the {found.what} of a {self.catalogue.schema.noun}.")
            position = max(position + 1, found.end if found is not None else 0)

    def _again(self, chart: Chart, position: int, draft: Draft) -> tuple[Wanted, int] | None:
        """'make it 50': a number without a comparator, alone in its message, moves the last bound that was said."""
        quantity = quantity_at(chart, position, self.grammar)
        if quantity is None or self.measures.compared(chart, quantity):
            return None
        if self.measures.headcount.of_people(chart, quantity) is not None:
            return None
        own = self.grammar.negation
        allowed = bool(chart.phrase_at(quantity.end, phrases(own.allowed_after)))
        allowed = allowed or any(chart.phrase_at(p, phrases(own.allowed)) for p in range(position))
        others = (*chart.tokens[:position], *chart.tokens[quantity.end :])
        if not allowed and (not others or any(token.norm not in self.grammar.plain_words for token in others)):
            return None
        for constraint in reversed(draft.context.request.constraints):
            leaf = constraint.filter
            if not isinstance(leaf, Range) or leaf.field not in self.catalogue.schema:
                continue
            attribute = self.catalogue.schema.attribute(leaf.field)
            low, high = leaf.minimum, leaf.maximum
            if attribute.role is Role.YEAR or (low is None) == (high is None):
                return None
            value = self.measures.value(attribute, quantity)
            if value is None or (allowed and not self._looser(leaf, value)):
                continue
            bounds = Bounds(
                None if low is None else value,
                None if high is None else value,
                leaf.minimum_open and not allowed,
                leaf.maximum_open and not allowed,
            )
            return wanted_range(attribute, bounds, "number"), quantity.end
        return None

    def _looser(self, leaf: Range, value: float) -> bool:
        """Whether a bound at a value lets more in, and the value can be one of the attribute's."""
        low, high = self.measures.extent[leaf.field]
        moved = value < leaf.minimum if leaf.minimum is not None else value > (leaf.maximum or 0.0)
        return moved and low <= value <= high
