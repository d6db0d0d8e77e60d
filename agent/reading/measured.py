"""What a number in a message came to: a range of an attribute, or of something that the catalogue does not know."""

from __future__ import annotations

from dataclasses import dataclass, replace

from convrec.agent.reading.ranges import Bounds
from convrec.retrieval.schema import Attribute


@dataclass(frozen=True, slots=True)
class Measured:
    """A range of one numeric attribute. `note`: a sentence for the person about how it was read."""

    attribute: Attribute
    bounds: Bounds
    start: int
    end: int
    note: str = ""
    also: tuple[tuple[Attribute, Bounds], ...] = ()
    """what the same number says about other attributes"""

    def across(self, spans: dict[str, tuple[Attribute, Attribute]], low: float, high: float) -> Measured:
        """'for 4 players' lies between the fewest and the most that an item allows."""
        pair = spans.get(self.attribute.name)
        if pair is None:
            return self
        below = (pair[0], Bounds(maximum=low))
        return replace(self, attribute=pair[1], bounds=Bounds(minimum=high), also=(below,))


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A number with a unit that the catalogue has no attribute for."""

    what: str
    start: int
    end: int
