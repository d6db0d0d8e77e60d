"""What nothing else has read: words that describe what is wanted, or what is not."""

from __future__ import annotations

from rapidfuzz import process
from rapidfuzz.distance import OSA

from convrec.agent.reading.build import Draft
from convrec.agent.reading.english import is_word
from convrec.agent.reading.grammar import Grammar
from convrec.agent.reading.joins import Said
from convrec.agent.reading.scope import own_feeling
from convrec.agent.reading.text import Chart, Span, Token, key_of
from convrec.agent.reading.walk import Words
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import Mentions, Not
from convrec.retrieval.request import Constraint, RequestEdit, Strength
from convrec.retrieval.schema import Role

_POLITE = frozenset(["please", "pls", "plz", "thanks", "thank", "thx"])
_SUBJECTS = frozenset(["he", "she", "they", "you", "those", "what", "how"])
_OURS = frozenset(["i", "me", "my", "we", "us", "our", "for", "with", "but", "too", "also", "just", "only"])
_HAVING = frozenset(["with", "has", "have", "having", "includes", "including"])
_PHRASE = 2
"""content words of a thing that items can be searched for"""
_THING = 3
"""words of a thing that an item must have"""
CORRECTED = 5
"""letters from which a word that nobody knows is taken for a misspelt one"""
LONG = 8
"""letters from which it may have two slips"""
TELLING = 0.3
"""share of the items up to which a word of it says that an item has it"""
SEVERAL = 3
"""items that must say a thing for it to be what is asked for"""
SEARCHED = 20_000
"""items whose texts are searched for that"""
COMMON = 0.5
"""share of the items from which on having a word tells nothing apart"""


class Describer:
    """Puts descriptions into the draft."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, known_words: frozenset[str] = frozenset()) -> None:
        """`known_words`: those of the catalogue's own texts, folded and singular."""
        self.catalogue = catalogue
        self._known = known_words
        self._spelled = sorted(word for word in known_words if len(word) >= CORRECTED and is_word(word))
        self.grammar = grammar
        self._beside = grammar.story_words | frozenset(grammar.narrative.times.split())
        self._nouns = grammar.noun_words | {key_of(catalogue.schema.noun)}
        self._things = sorted(self._nouns)
        self._columns = {word for a in catalogue.schema.attributes for word in key_of(a.label).split()}

    def read(
        self,
        chart: Chart,
        draft: Draft,
        words: list[Words],
        said: list[Said],
        *,
        story: frozenset[int],
        instead: bool,
    ) -> None:
        """What is left describes what is wanted; things that are not wanted are also looked for in the texts.

        `story`: places of words that tell what happens; a description takes all of it.
        """
        for segment in words:
            if segment.must and not segment.negated and segment.end - segment.start <= _THING:
                self._must_have(chart, draft, segment)
            elif not segment.negated and not story:
                self._told_of(chart, draft, segment)
        words = self._joined(chart, words, said, story)
        positive = [w for w in words if not w.negated]
        if positive and (instead or any(s.instead for s in said)):
            draft.edits.append(RequestEdit(op="drop", target="description"))
        for segment in words:
            text = self._spell(chart, segment)
            if segment.negated and not segment.mild:
                self._leave_out(chart, draft, segment)
            draft.describe(text, -1.0 if segment.negated else 1.0, segment.start, segment.end)

    def _spell(self, chart: Chart, segment: Words) -> str:
        """The words of a description, misspelt ones as the catalogue's texts write them."""
        text = chart.said(segment.start, segment.end)
        for token in chart.tokens[segment.start : segment.end]:
            known = token.stem in self._known or is_word(token.norm) or token.norm in self.grammar.plain_words
            if known or token.capital or token.translated or len(token.norm) < CORRECTED or not token.norm.isalpha():
                continue
            slips = 1 if len(token.norm) < LONG else 2
            found = process.extractOne(token.norm, self._things, scorer=OSA.distance, score_cutoff=1)
            found = found or process.extractOne(token.norm, self._spelled, scorer=OSA.distance, score_cutoff=slips)
            if found is not None and found[0][0] == token.norm[0]:
                text = text.replace(token.text, found[0])
        return text

    def _must_have(self, chart: Chart, draft: Draft, segment: Words) -> None:
        """'must have an OLED screen': only items whose texts say the most telling of the words."""
        own = [chart.tokens[p] for p in range(segment.start, segment.end) if chart.owner[p] is None]
        stems = [token.stem for token in own if token.norm not in self.grammar.function_words]
        counts = {stem: int(self.catalogue.mentioning(stem).sum()) for stem in stems}
        telling = min((stem for stem in stems if counts[stem]), key=lambda stem: counts[stem], default="")
        if telling and counts[telling] <= TELLING * len(self.catalogue):
            draft.add(
                Constraint(
                    filter=Mentions(words=telling),
                    strength=Strength.MUST,
                    label=f"mentions “{telling}”",
                    provenance=draft.provenance(segment.start, segment.end),
                )
            )

    def _told_of(self, chart: Chart, draft: Draft, segment: Words) -> None:
        """'bedtime stories for my kids': where several items are told of in just these words, one of them is meant."""
        if len(self.catalogue) > SEARCHED:
            return
        places = [p for p in range(segment.start, segment.end) if self._content(chart, p)]
        if len(places) > _THING:
            return
        pairs = [(p, p + 2) for p in places if self._goes_with(chart, p + 1)]
        having = [(p, p + 1) for p in places if self._had(chart, p) and (p, p + 2) not in pairs]
        for start, end in pairs + having:
            thing = _bare(chart.norms(start, end))
            if SEVERAL <= int(self.catalogue.mentioning(thing).sum()) <= TELLING * len(self.catalogue):
                draft.add(
                    Constraint(
                        filter=Mentions(words=thing),
                        strength=Strength.HARD,
                        label=f"mentions “{thing}”",
                        provenance=draft.provenance(start, end),
                    )
                )
                return

    def _goes_with(self, chart: Chart, second: int) -> bool:
        """Whether the next word makes one thing with a word: 'bedtime stories', 'dress-up', 'puppet theatres'."""
        if second >= len(chart):
            return False
        own = chart.owner[second]
        head = own is not None and isinstance(own.payload, list) and own.payload[0].how == "head"
        if chart.gap(second) == "-":
            return own is None
        return chart.gap(second) == " " and (head or self._content(chart, second))

    def _had(self, chart: Chart, position: int) -> bool:
        """'with a stylus', 'that has a mirror'; 'with a screen' says nothing where there is a column for screens."""
        if chart.tokens[position].stem in self._columns:
            return False
        before = [token.norm for token in chart.tokens[max(0, position - 2) : position]]
        return bool(before) and (before[-1] in _HAVING or (before[-1] in ("a", "an", "the") and before[0] in _HAVING))

    def _content(self, chart: Chart, position: int) -> bool:
        word = chart.tokens[position].norm
        return chart.owner[position] is None and word not in self.grammar.plain_words and word.isalpha()

    def _leave_out(self, chart: Chart, draft: Draft, segment: Words) -> None:
        """'no chocolate or nuts': items that mention one are not shown; a whole sentence is no thing to look for."""
        things: list[list[Token]] = [[]]
        for token in chart.tokens[segment.start : segment.end]:
            if token.norm in ("or", "and", "nor"):
                things.append([])
            elif token.norm in self.grammar.function_words:
                return
            else:
                things[-1].append(token)
        for tokens in things if all(1 <= len(own) <= _PHRASE for own in things) else ():
            self._leave_out_thing(draft, tokens, segment)

    def _leave_out_thing(self, draft: Draft, tokens: list[Token], segment: Words) -> None:
        thing = _bare(" ".join(token.norm for token in tokens))
        having = int(self.catalogue.mentioning(thing).sum())
        if not having:
            draft.note(f"Nothing here mentions “{thing}”; I keep away from it as far as I can tell.")
        elif having <= COMMON * len(self.catalogue):
            draft.add(
                Constraint(
                    filter=Not(part=Mentions(words=thing)),
                    strength=Strength.MUST,
                    negated=True,
                    label=f"no mention of “{thing}”",
                    provenance=draft.provenance(segment.start, segment.end),
                )
            )

    def _joined(self, chart: Chart, words: list[Words], said: list[Said], told: frozenset[int]) -> list[Words]:
        """Words of one sentence belong together, with the topics named among them: scraps of it mean little.

        What every item is, a noun, ends a description: it would draw towards items that only say the word. Words of
        chat that can belong to a story join it where they stand beside it: 'a couple falls in love'.
        """
        against = {p for entry in said if entry.negated for p in range(entry.start, entry.end)}
        against |= {p for w in words if w.negated for p in range(w.start, w.end)}
        wanted = {p for w in words if not w.negated for p in range(w.start, w.end)}
        wanted |= {p for p, span in enumerate(chart.owner) if span is not None and self._topics_only(span)}
        wanted -= against
        story = {p for p in range(len(chart)) if self._of_story(chart, p)}
        joined: list[Words] = []
        for segment in words:
            last = joined[-1] if joined else None
            if segment.negated:
                joined.append(segment)
            elif last is None or last.negated or segment.end > last.end:
                start, end = (self._reach(chart, segment.start, -1, wanted), self._reach(chart, segment.end, 1, wanted))
                start, end = (self._reach(chart, start, -1, story), self._reach(chart, end, 1, story))
                joined.append(self._whole(chart, start, end, told))
        return joined

    def _whole(self, chart: Chart, start: int, end: int, told: frozenset[int]) -> Words:
        """All of the story that some words are of, and its small words where they end the clause: 'blood all over'."""
        while start - 1 in told and start in told:
            start -= 1
        while end in told and end - 1 in told:
            end += 1
        while self._subject(chart, start - 1) and not chart.breaks(start, ".,;!?\n"):
            start -= 1
        last = end
        while last < len(chart) and not chart.breaks(last, ".,;!?\n") and self._small(chart, last):
            last += 1
        if last == len(chart) or chart.breaks(last, ".,;!?\n"):
            end = last
        while end - 1 > start and chart.tokens[end - 1].norm in _POLITE:
            end -= 1
        return Words(start, end)

    def _subject(self, chart: Chart, position: int) -> bool:
        """Whether a word is one of whom, or of what, the next ones tell."""
        if position < 0 or chart.owner[position] is not None:
            return False
        word = chart.tokens[position].norm
        return word in _SUBJECTS or (word in self.grammar.persons and word in self.grammar.function_words)

    def _small(self, chart: Chart, position: int) -> bool:
        word = chart.tokens[position].norm
        return chart.owner[position] is None and word in self.grammar.function_words and word not in _OURS

    def _of_story(self, chart: Chart, position: int) -> bool:
        word = chart.tokens[position].norm
        return word in self._beside and chart.owner[position] is None and not own_feeling(chart, position)

    def _reach(self, chart: Chart, edge: int, step: int, wanted: set[int]) -> int:
        """How far a description goes from an edge, over words that mean nothing else, within its sentence."""
        reached = edge
        while 0 <= (position := edge + min(step, 0)) < len(chart):
            span = chart.owner[position]
            other = span is not None and span.kind not in ("cue", "skip") and position not in wanted
            token = chart.tokens[position]
            if other or token.norm in self._nouns or token.stem in self._nouns or chart.breaks(edge, ".;!?\n"):
                break
            edge += step
            if position in wanted:
                reached = edge
        return reached

    def _topics_only(self, span: Span) -> bool:
        """Whether a span names topics, which a description may quote, and nothing else."""
        return (
            span.kind == "want"
            and isinstance(span.payload, list)
            and all(w.field and self.catalogue.schema.attribute(w.field).role is Role.TOPIC for w in span.payload)
        )


def _bare(words: str) -> str:
    """Without the ending of a plural."""
    return words if words.endswith("ss") else words.removesuffix("s")
