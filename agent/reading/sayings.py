"""Words that are not what each of them says alone, and words beside a request that nobody looks for."""

from __future__ import annotations

from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.text import Chart
from convrec.agent.reading.values import TELLING, ValueIndex


class SayingReader:
    """Puts 'words' spans, which only describe, and 'skip' spans, which say nothing."""

    def __init__(self, grammar: Grammar, values: ValueIndex) -> None:
        self.grammar = grammar
        self.values = values
        self._sayings = phrases(grammar.narrative.sayings)

    def mark(self, chart: Chart) -> None:
        """'new york', 'the good old days', 'no longer wants'; 'stories about', 'my wife'. Values go before."""
        for position in range(len(chart)):
            end = position + chart.phrase_at(position, self._sayings)
            if end > position and not self.values.find(chart.stems(position, end)):
                chart.put(position, end, "words")
            elif self._no_longer(chart, position):
                chart.put(position, position + 2, "words")
            elif times := self._times(chart, position):
                chart.put(position, position + times, "skip")
            elif self._tells(chart, position) or self._beside_me(chart, position):
                chart.put(position, position + 1, "skip")

    @staticmethod
    def _no_longer(chart: Chart, position: int) -> bool:
        """'no longer wants' compares nothing; 'no longer than', 'no longer, please' do."""
        if chart.norms(position, position + 2) != "no longer" or not chart.free(position, position + 2):
            return False
        after = position + 2
        goes_on = after < len(chart) and not chart.breaks(after, ".,;!?\n")
        return goes_on and chart.tokens[after].norm != "than"

    @staticmethod
    def below_zero(chart: Chart) -> None:
        """'minus 10' that no attribute measures denies nothing."""
        for position in range(len(chart) - 1):
            number = chart.norms(position + 1, position + 2).isdigit()
            if chart.tokens[position].norm == "minus" and number and chart.free(position, position + 2):
                chart.put(position, position + 2, "words")

    def _times(self, chart: Chart, position: int) -> int:
        """'like 10 times': how often somebody did something; the number of words."""
        like = int(chart.tokens[position].norm in ("like", "about"))
        count, noun = (
            chart.norms(position + like, position + like + 1),
            chart.stems(position + like + 1, position + like + 2),
        )
        number = count.isdigit() or count in self.grammar.numbers
        return like + 2 if number and noun == "time" and chart.free(position, position + like + 2) else 0

    def _tells(self, chart: Chart, position: int) -> bool:
        """'stories about bees' are whatever the catalogue has; a 'life story of' is not."""
        kind = chart.tokens[position].stem in TELLING and chart.owner[position] is None
        alone = position == 0 or chart.tokens[position - 1].norm in self.grammar.plain_words
        return kind and alone and chart.norms(position + 1, position + 2) in ("about", "of")

    def _beside_me(self, chart: Chart, position: int) -> bool:
        """'my wife' is not looked for; 'my kids' may be a kind."""
        owner = chart.tokens[position - 1].norm if position else ""
        token = chart.tokens[position]
        person = owner in ("my", "our") and token.norm in self.grammar.persons and chart.owner[position] is None
        return person and not self.values.find(f"for {token.stem}")
