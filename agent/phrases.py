"""Pieces of sentences: values as fragments, requests as noun phrases, numbers as words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from convrec.agent.claims.index import title_forms
from convrec.agent.labels import join_words, label_filter, label_number, label_value
from convrec.agent.reading.nations import is_language
from convrec.agent.wording import (
    counted_noun,
    counted_value,
    counts_things,
    credit,
    is_countable,
    is_credit,
    kind_phrase,
    names_things,
    plural,
    running,
    says_about,
    says_look,
    with_article,
)
from convrec.retrieval.filters import And, Contains, Filter, In, Not, NotIn, Range
from convrec.retrieval.hints import singular
from convrec.retrieval.request import Constraint, Request, Strength
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role
from convrec.retrieval.types import AttributeValue

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

COMPARATIVE_WORDS: dict[Role | None, tuple[str, str]] = {
    Role.DURATION: ("shorter", "longer"),
    Role.YEAR: ("older", "newer"),
    Role.PRICE: ("cheaper", "pricier"),
    Role.QUALITY: ("lower rated", "better rated"),
    Role.POPULARITY: ("less known", "better known"),
}
"""less and more of what a role measures"""


_SPELLED_OUT = 3
"""so many values are named one by one"""
_PREPOSITIONS = frozenset(["for", "with", "in", "by", "of", "on", "at"])
"""last words of labels that lead to their values themselves: 'suitable for'"""


def count_word(number: int) -> str:
    """'ten' for 10; digits from 13 on."""
    return _COUNTS[number] if 0 <= number < len(_COUNTS) else f"{number:,}"


def counted(number: int, schema: CatalogueSchema) -> str:
    """'one film', 'ten films'."""
    return f"{count_word(number)} {schema.noun if number == 1 else schema.plural}"


def sentence_case(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def plural_label(attribute: Attribute) -> str:
    """An attribute's label for several values: 'genres', 'countries'."""
    label = attribute.label
    if label.endswith("y") and label[-2:-1] not in "aeiou":
        return f"{label[:-1]}ies"
    return label if label.endswith("s") else f"{label}s"


def value_words(attribute: Attribute, value: AttributeValue) -> str:
    """A value inside a sentence: kinds in lower case, names of people, languages and places as they are."""
    shown = label_value(attribute, value)
    return running(shown) if attribute.role in (Role.TOPIC, None) and not is_credit(attribute) else shown


def quoted_title(title: str) -> str:
    """A title in quotes, as people say it: without a year in brackets, with its article in front."""
    spoken = list(title_forms(title))[-1]
    return spoken if '"' in spoken else f'"{spoken}"'


def choose(options: Sequence[str], position: int, *seed: object) -> str:
    """One of several wordings: places next to each other draw from different halves, so that none repeats at once.

    Deterministic in `position` and `seed`.
    """
    half = options[position % 2 :: 2] or options
    digest = hashlib.blake2b("\x1f".join(map(str, seed)).encode(), digest_size=4).digest()
    return half[int.from_bytes(digest, "big") % len(half)]


def fragment(attribute: Attribute, value: AttributeValue, schema: CatalogueSchema) -> str:
    """A value as part of a sentence: 'comedy', 'from 1985', 'in French', '1 h 37', 'with X', 'about prison'."""
    if attribute.kind is AttributeKind.FLAG:
        return attribute.label if value else f"not {attribute.label}"
    parts = value if isinstance(value, tuple) else (value,)
    shown = join_words([label_value(attribute, part) for part in parts])
    if attribute.numeric:
        return _number_fragment(attribute, shown, value)
    if attribute.role is Role.LANGUAGE:
        return f"in {shown}"
    if attribute.role is Role.COUNTRY:
        return f"from {shown}"
    if is_credit(attribute):
        return f"{credit(attribute.label)} {shown}"
    lower = join_words([running(label_value(attribute, part)) for part in parts])
    if attribute.role is Role.TOPIC:
        return f"about {lower}" if says_about(attribute, schema) else lower
    plain = all(len(part) > 3 and part.replace(" ", "").isalpha() for part in parts if isinstance(part, str))
    return lower if plain else f"{attribute.label} {lower}"


def standing_alone(attribute: Attribute, value: AttributeValue, schema: CatalogueSchema) -> str:
    """A value as a phrase of its own: 'a comedy' for 'Comedy', everything else as in a list."""
    main = attribute.role is Role.TOPIC and not says_about(attribute, schema)
    return kind_phrase(value) if main and isinstance(value, str) else fragment(attribute, value, schema)


def _number_fragment(attribute: Attribute, shown: str, value: AttributeValue) -> str:
    if attribute.role is Role.YEAR:
        return f"from {shown}"
    if attribute.role is Role.QUALITY:
        return f"rated {shown}"
    counted = (attribute.role is Role.POPULARITY and attribute.kind is AttributeKind.NUMBER) or counts_things(attribute)
    if counted and isinstance(value, float | int):
        return counted_value(attribute, float(value))
    if attribute.role in (Role.DURATION, Role.PRICE) and not shown.replace(".", "").replace(",", "").isdigit():
        return shown
    return f"{shown} in {attribute.label}" if attribute.unit else f"{attribute.label} {shown}"


def bound_phrase(node: Range, attribute: Attribute) -> str:
    """A range after a noun: 'from 1980–1989', 'under 2 h', 'rated at least 7.5'."""
    low = None if node.minimum is None else label_number(attribute, node.minimum)
    high = None if node.maximum is None else label_number(attribute, node.maximum)
    priced = "" if attribute.unit else "priced "
    lead = {Role.YEAR: "from ", Role.QUALITY: "rated ", Role.DURATION: "", Role.PRICE: priced}.get(
        attribute.role or Role.TOPIC, f"{attribute.label} "
    )
    if (attribute.role is Role.POPULARITY and attribute.kind is AttributeKind.NUMBER) or counts_things(attribute):
        return _count_bound(node, attribute)
    if low is not None and high is not None:
        decade = attribute.role is Role.YEAR and low.isdigit() and low.endswith("0") and high == f"{low[:-1]}9"
        return f"{lead}the {low}s" if decade else f"{lead}{low}" if low == high else f"{lead}{low}–{high}"
    if attribute.role is Role.YEAR and attribute.kind is not AttributeKind.DATE:
        if low is not None:
            return f"from after {low}" if node.minimum_open else f"from {low} or later"
        return f"from before {high}" if node.maximum_open else f"from {high} or earlier"
    if low is not None:
        return f"{lead}{'over' if node.minimum_open else 'at least'} {low}"
    return f"{lead}{'under' if node.maximum_open else 'at most'} {high}"


def _count_bound(node: Range, attribute: Attribute) -> str:
    """A range of a measure of popularity: 'with at least 1,000 votes'."""
    noun = counted_noun(attribute)
    low, high = (
        None if n is None else f"{int(n):,}" if n == int(n) else f"{n:g}" for n in (node.minimum, node.maximum)
    )
    if low is not None and low == high:
        return f"with {counted_value(attribute, node.minimum or 0.0)}"
    if low is not None and high is not None:
        return f"with {low}–{high} {noun}"
    if low is not None:
        return f"with {'over' if node.minimum_open else 'at least'} {low} {noun}"
    return f"with {'under' if node.maximum_open else 'at most'} {high} {noun}"


def spoken(label: str) -> str:
    """A label inside a sentence: 'at most 2 h' for '≤ 2 h'."""
    for sign, words in (("≤ ", "at most "), ("≥ ", "at least "), ("< ", "under "), ("> ", "over ")):
        label = label.replace(sign, words)
    return label


def request_phrase(
    request: Request, schema: CatalogueSchema, number: int | None = None, *, article: bool = False
) -> str:
    """What is asked for as one noun phrase: 'ten comedy films from the 2000s in French, no horror'.

    Preferences and dislikes whose words another part says already are not repeated.
    """
    places = _Places(schema, request)
    for constraint in request.constraints:
        if not _said_already(constraint, request):
            places.put(constraint)
    words = [count_word(number)] if number is not None and not article else []
    phrase = " ".join([*words, places.noun(number), *places.after])
    if article and number == 1:
        phrase = with_article(phrase)
    liked = [quoted_title(r.title) for r in request.references if r.weight > 0]
    unlike = [quoted_title(r.title) for r in request.references if r.weight < 0]
    if liked:
        phrase += f" like {join_words(liked)}" + (f" but {join_words(places.but)}" if places.but else "")
    if unlike:
        phrase += f" unlike {join_words(unlike)}"
    wanted = [d.text for d in request.descriptions if d.weight > 0]
    if len(wanted) == 1 and " " not in wanted[0].strip() and (liked or unlike):
        phrase += f", {wanted[0].strip()}"
    elif wanted:
        matching = join_words([f'"{text}"' for text in wanted])
        phrase += f" matching {matching}"
    denied = " ".join(c.provenance.words.casefold() for c in request.constraints if c.negated)
    unwanted = [d.text for d in request.descriptions if d.weight < 0 and d.text.casefold() not in denied]
    away = [f'away from "{text}"' for text in unwanted]
    wished = [wish for wish in dict.fromkeys(places.wished) if wish not in {text.strip() for text in wanted}]
    ideally = [f"ideally {join_words(wished)}"] if wished else []
    return ", ".join([phrase, *places.apart, *ideally, *away])


def _said_already(constraint: Constraint, request: Request) -> bool:
    """Whether a preference only repeats, as a tag, what another constraint or the description says."""
    words = constraint.provenance.words.casefold().strip()
    if constraint.strength is not Strength.SOFT or not words or isinstance(constraint.filter, Range):
        return False
    others = [c.provenance.words for c in request.binding if not c.negated]
    return any(words in text.casefold() for text in (*others, *(d.text for d in request.descriptions)))


class _Places:
    """Constraints put before the noun, after it, or in clauses of their own."""

    def __init__(self, schema: CatalogueSchema, request: Request) -> None:
        self.schema = schema
        self.titles = {x.item_id: x.title for x in request.exclusions if x.title}
        self.titles.update({r.item_id: r.title for r in request.references})
        self.liked = {r.item_id for r in request.references if r.weight > 0}
        self.but: list[str] = []
        self.front: list[tuple[str, bool]] = []
        """words before the noun, and whether they are one kind that can stand for the noun"""
        self.back: list[str] = []
        self.origin: list[str] = []
        self.apart: list[str] = []
        self.wished: list[str] = []

    @property
    def after(self) -> list[str]:
        """What follows the noun, in order."""
        return [*self.back, *([join_words(self.origin)] if self.origin else [])]

    def noun(self, number: int | None) -> str:
        """The noun with what stands before it: 'dishwasher-safe tools', 'comedy films', 'comedies'."""
        noun = self.schema.noun if number == 1 else self.schema.plural
        plain = self.schema.noun == CatalogueSchema.model_fields["noun"].default
        kinds = [words for words, countable in self.front if countable]
        if plain and len(kinds) == 1:
            each = [singular(kind) for kind in re.split(r", | or ", kinds[0])]
            noun = join_words(each if number == 1 else [plural(kind) for kind in each], "or")
            return " ".join([*(words for words, countable in self.front if not countable), noun])
        front = [words for words, _ in self.front]
        if front and front[-1].rpartition(" ")[2] == self.schema.noun:
            return " ".join([*front[:-1], front[-1].removesuffix(self.schema.noun) + noun])
        return " ".join([*front, noun])

    def put(self, constraint: Constraint) -> None:
        node = constraint.filter
        if constraint.strength is Strength.SOFT and not constraint.negated:
            self.wished.append(self._wish(node))
        elif constraint.negated:
            several = isinstance(node, NotIn | Contains) and len(node.values) > _SPELLED_OUT
            self.apart.append(constraint.label if several else self._denied(node))
        elif (title := self.titles.get(constraint.relative_to or "")) and (word := self._relative(node)):
            if constraint.relative_to in self.liked:
                self.but.append(word)
            else:
                self.back.append(f"{word} than {quoted_title(title)}")
        else:
            for part in node.parts if isinstance(node, And) else (node,):
                self._put_filter(part)

    def _relative(self, node: Filter) -> str | None:
        if not isinstance(node, Range) or node.field not in self.schema:
            return None
        words = COMPARATIVE_WORDS.get(self.schema.attribute(node.field).role or Role.TOPIC)
        one_sided = (node.minimum is None) != (node.maximum is None)
        return words[node.maximum is None] if words and one_sided else None

    def _wish(self, node: Filter) -> str:
        """What is only preferred: 'a comedy', 'under 1 h 40', 'with X'."""
        if not isinstance(node, In | Contains | Range) or node.field not in self.schema:
            return spoken(label_filter(node, self.schema))
        attribute = self.schema.attribute(node.field)
        if isinstance(node, Range):
            return bound_phrase(node, attribute)
        if isinstance(node, Contains) and node.mode == "none":
            return self._denied(node)
        return self._values(attribute, node, alone=True)

    def _denied(self, node: Filter) -> str:
        """What is not wanted: 'no horror', 'not with X', 'not about prison'."""
        inner = node.part if isinstance(node, Not) else node
        if not isinstance(inner, In | NotIn | Contains) or inner.field not in self.schema:
            return spoken(label_filter(node, self.schema))
        attribute = self.schema.attribute(inner.field)
        positive = isinstance(inner, NotIn) or (isinstance(inner, Contains) and inner.mode == "none")
        if attribute.kind is AttributeKind.FLAG or positive == isinstance(node, Not):
            return spoken(label_filter(node, self.schema))
        listed = join_words([value_words(attribute, value) for value in inner.values], "or")
        if says_look(attribute):
            return f"not {listed}"
        if attribute.role is Role.TOPIC:
            return f"not about {listed}" if says_about(attribute, self.schema) else f"no {listed}"
        if is_credit(attribute):
            lead = credit(attribute.label)
            return f"without {listed}" if lead == "with" else f"not {lead} {listed}"
        if attribute.role is None and attribute.kind is AttributeKind.CATEGORIES:
            return f"no {listed}"
        if attribute.role is None and attribute.kind is AttributeKind.CATEGORY:
            return f"not {listed}"
        return spoken(label_filter(node, self.schema))

    def _values(self, attribute: Attribute, node: In | Contains, *, alone: bool = False) -> str:
        """The wanted values in their place in a sentence: 'with X', 'in French or German', 'about prison'."""
        both = isinstance(node, Contains) and node.mode == "all"
        if attribute.kind is AttributeKind.FLAG:
            return label_filter(node, self.schema)
        main = attribute.role is Role.TOPIC and not says_about(attribute, self.schema)
        shown = [
            kind_phrase(label_value(attribute, v)) if main and alone else value_words(attribute, v) for v in node.values
        ]
        listed = join_words(shown, "and" if both else "or")
        if attribute.role is Role.TOPIC:
            return listed if main else f"about {listed}"
        if attribute.role is Role.LANGUAGE:
            return f"in {listed}"
        if attribute.role is Role.COUNTRY:
            return f"from {listed}"
        if is_credit(attribute):
            return f"{credit(attribute.label)} {listed}"
        said = label_filter(node, self.schema)
        if said.startswith("goes "):
            return f"that go {said.removeprefix('goes ')}"
        return said if attribute.label.rpartition(" ")[2] in _PREPOSITIONS else f"with {said}"

    def _put_filter(self, node: Filter) -> None:
        if not isinstance(node, In | Contains | Range) or node.field not in self.schema:
            self.apart.append(spoken(label_filter(node, self.schema)))
            return
        attribute = self.schema.attribute(node.field)
        if isinstance(node, Range):
            plain = attribute.role in (Role.YEAR, Role.DURATION, Role.PRICE, Role.QUALITY, Role.POPULARITY)
            phrase = bound_phrase(node, attribute)
            if attribute.role is Role.YEAR:
                self.back.insert(0, phrase)
            else:
                (self.back if plain else self.apart).append(phrase)
        elif isinstance(node, Contains) and node.mode == "none":
            self.apart.append(self._denied(node))
        elif attribute.role is Role.TOPIC and not says_about(attribute, self.schema) and len(self.front) < 3:
            words = self._values(attribute, node)
            together = isinstance(node, Contains) and node.mode == "all"
            things = not together and all(names_things(str(v)) for v in node.values)
            self.front.append((words, things or (len(node.values) == 1 and is_countable(words))))
        elif attribute.kind is AttributeKind.FLAG and isinstance(node, In) and node.values == (True,):
            self.front.append((attribute.label, False))
        elif says_look(attribute):
            both = isinstance(node, Contains) and node.mode == "all"
            listed = join_words([running(str(v)) for v in node.values], "and" if both else "or")
            self.front.insert(0, (listed, False))
        elif attribute.role is Role.LANGUAGE and not any(is_language(str(v)) for v in node.values):
            self.front.insert(0, (join_words([running(str(v)) for v in node.values], "or"), False))
        elif attribute.role in (Role.LANGUAGE, Role.COUNTRY):
            self.origin.append(self._values(attribute, node))
        elif attribute.kind is AttributeKind.FLAG or attribute.numeric:
            self.apart.append(label_filter(node, self.schema))
        else:
            self.back.append(self._values(attribute, node))


def states_value(node: Filter) -> bool:
    """Whether a filter names values or bounds that an item can be said to have."""
    return isinstance(node, In | Range) or (isinstance(node, Contains) and node.mode != "none")
