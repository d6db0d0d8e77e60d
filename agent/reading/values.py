"""Values of category attributes by name, synonym, concept, nationality, part of a name and misspelling."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rapidfuzz import process
from rapidfuzz.distance import OSA

from convrec.agent.reading.english import is_word
from convrec.agent.reading.grammar import Concept, Grammar
from convrec.agent.reading.heads import title_heads
from convrec.agent.reading.nations import country_words, language_words
from convrec.agent.reading.text import key_of, words_of
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Attribute, AttributeKind, Role

TELLING = frozenset(["story", "tale", "book", "guide"])
"""last words of names that say of themselves only that something is told"""
AMBIGUOUS = frozenset(["down"])
"""function words that also name a thing"""
_SEXES = frozenset(["man", "men", "woman", "women", "male", "female", "lady", "gent", "boy", "girl"])
CONTROLLED = 150
"""a vocabulary of at most this many values names kinds of things; a larger one is a heap of tags or of names"""
CONTROLLED_TOPICS = 400
"""the same for topics, which are no names"""


SPELLED = 4
"""words of a value in which others that mean the same are put"""
MOST = 0.6
"""share of the entries whose kinds must end in a word for it to be what entries are called"""


@dataclass(frozen=True, slots=True)
class Hit:
    """Values of one attribute that some words name. `every`: all of them together, else any of them."""

    attribute: Attribute
    values: tuple[str, ...]
    how: str
    every: bool = False
    soft: bool = False
    narrower: bool = False


class ValueIndex:
    """Words -> values of the category attributes (people have their own index)."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar) -> None:
        self.grammar = grammar
        self.attributes = tuple(
            a
            for a in catalogue.schema.attributes
            if a.kind in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES) and a.role is not Role.PERSON
        )
        self.sizes = {a.name: len(catalogue.categories(a.name).vocabulary) for a in self.attributes}
        self.counts = {
            a.name: dict(
                zip(catalogue.categories(a.name).vocabulary, catalogue.categories(a.name).counts.tolist(), strict=True)
            )
            for a in self.attributes
        }
        self._hits: dict[str, list[Hit]] = {}
        self.nouns = catalogue_nouns(catalogue, grammar)
        self._nouns = grammar.noun_words | TELLING | self.nouns
        self.known_words, self.common_words = _known_words(catalogue)
        for attribute in self.attributes:
            self._add_names(attribute)
        for attribute in self.attributes:
            self._add_synonyms(attribute)
        for attribute in self.attributes:
            if self.controlled(attribute):
                self._add_parts(attribute)
        for attribute in self.attributes:
            if self.controlled(attribute) and attribute.kind is AttributeKind.CATEGORY and attribute.role is Role.TOPIC:
                for word, value in title_heads(catalogue, attribute).items():
                    if word not in self._hits and word not in grammar.plain_words | self._nouns:
                        self._put(word, Hit(attribute, (value,), "head", narrower=True))
        self._add_concepts()
        self._add_same()
        self.longest = max((key.count(" ") + 1 for key in self._hits), default=0)
        self.longest = min(self.longest, 8)
        self._first = frozenset(key.split(" ", 1)[0] for key in self._hits)
        self._fuzzy = [key for key in self._hits if len(key) >= 5 and self._correctable(key)]

    def controlled(self, attribute: Attribute) -> bool:
        most = CONTROLLED_TOPICS if attribute.role is Role.TOPIC else CONTROLLED
        return self.sizes[attribute.name] <= most or attribute.role in (Role.LANGUAGE, Role.COUNTRY)

    def find(self, key: str) -> list[Hit]:
        """What a key (folded singular words) names, the surest first."""
        return self._hits.get(key, [])

    def starts(self, stem: str) -> bool:
        return stem in self._first

    def correct(self, key: str) -> str | None:
        """The known name that a misspelt word stands for: one slip in a word of 5–7 letters, two in a longer one.

        A word that occurs in the catalogue's own texts, or that English has, is no misspelling.
        """
        if (
            len(key) < 5
            or not key[:1].isalpha()
            or key in self.grammar.ordinary_words
            or all(w in self.known_words or is_word(w) for w in key.split())
        ):
            return None
        slips = 1 if len(key) < 8 else 2
        found = process.extractOne(key, self._fuzzy, scorer=OSA.distance, score_cutoff=slips)
        if found is None or found[0][0] != key[0]:
            return None
        return str(found[0])

    def parts_with(self, word: str, attribute: Attribute) -> int:
        """Number of values of a controlled attribute that have a telling word in their name: 2 for 'water'."""
        if word in TELLING or not self.controlled(attribute):
            return 0
        return sum(word in key_of(value).split() for value in self.counts[attribute.name])

    def nearest(self, attribute: Attribute, words: str, limit: int = 3) -> tuple[str, ...]:
        """The values that look most like some words."""
        vocabulary = list(self.counts[attribute.name])
        found = process.extract(words, vocabulary, scorer=OSA.normalized_similarity, limit=limit, processor=key_of)
        return tuple(value for value, score, _ in found if score > 0.4)

    def _correctable(self, key: str) -> bool:
        return any(self.controlled(h.attribute) and h.how != "part" for h in self._hits[key])

    def _put(self, key: str, hit: Hit) -> None:
        own = self._hits.setdefault(key, [])
        if key and not any(h.attribute.name == hit.attribute.name for h in own):
            own.append(hit)

    def _merge(self, key: str, hit: Hit) -> None:
        """Two values under one name of the same attribute mean either."""
        own = self._hits.setdefault(key, [])
        for position, other in enumerate(own):
            if other.attribute.name == hit.attribute.name and not other.every:
                values = tuple(dict.fromkeys((*other.values, *hit.values)))
                own[position] = Hit(hit.attribute, values, other.how)
                return
        own.append(hit)

    def _add_names(self, attribute: Attribute) -> None:
        values = self.counts[attribute.name]
        if attribute.role is Role.LANGUAGE:
            named = language_words(values, self.grammar)
        elif attribute.role is Role.COUNTRY:
            named = country_words(values, self.grammar, self._regions())
        else:
            named = dict.fromkeys(values, ())
        for value, words in named.items():
            how = "nation" if words else "name"
            codelike = bool(words) and len(value) <= 3
            for word in (() if codelike else (value,)) + tuple(words):
                key = key_of(word)
                meant = key not in self.grammar.function_words or attribute.role is Role.COUNTRY or key in AMBIGUOUS
                if key and meant:
                    self._merge(key, Hit(attribute, self._with_unisex(attribute, value), how))

    def _regions(self) -> dict[str, tuple[str, ...]]:
        own = self.grammar.countries
        places = not any(a.role is Role.LANGUAGE for a in self.attributes)
        return own.regions | own.landscapes if places else own.regions

    def _with_unisex(self, attribute: Attribute, value: str) -> tuple[str, ...]:
        """What suits everybody suits men."""
        if key_of(value) not in _SEXES:
            return (value,)
        everybody = next((v for v in self.counts[attribute.name] if key_of(v) == "unisex"), None)
        return (value,) if everybody is None else (value, everybody)

    def _add_synonyms(self, attribute: Attribute) -> None:
        known = {value.casefold(): value for value in self.counts[attribute.name]}
        for value, words in attribute.synonyms.items():
            own = known.get(value.casefold())
            for word in words if own is not None else ():
                self._merge(key_of(word), Hit(attribute, (own or value,), "synonym"))

    def _add_parts(self, attribute: Attribute) -> None:
        """'steel' names every value that ends in it; 'Action & Adventure' is named by each half."""
        heads: dict[str, list[str]] = {}
        firsts: dict[str, list[str]] = {}
        for value in self.counts[attribute.name]:
            if attribute.role in (Role.LANGUAGE, Role.COUNTRY):
                continue
            for half in _halves(value):
                self._put(key_of(half), Hit(attribute, (value,), "name"))
            words = key_of(value).split()
            if words[-1:] == ["free"] and len(words) == 2:
                self._put(words[0], Hit(attribute, (value,), "free"))
            # A schema that gives other names for a value says itself what it is called.
            if len(words) > 1 and len(words[-1]) > 2 and value not in attribute.synonyms:
                heads.setdefault(words[-1], []).append(value)
                firsts.setdefault(words[0], []).append(value)
        self._add_compounds(attribute, heads)
        for head, values in heads.items():
            if head not in self.grammar.plain_words | self._nouns and len(values) <= 12:
                same = self._hits.get(head, [])
                exact = next((h for h in same if h.attribute.name == attribute.name), None)
                if exact is None:
                    self._put(head, Hit(attribute, tuple(values), "part"))

        for first, values in firsts.items() if attribute.role is not Role.TOPIC else ():
            plain = self.grammar.plain_words | self.grammar.noun_words | self.grammar.adjectives.keys()
            if first not in plain and len(first) > 4 and len(values) == 1 and first not in self._hits:
                self._put(first, Hit(attribute, tuple(values), "part"))

    def _add_compounds(self, attribute: Attribute, heads: dict[str, list[str]]) -> None:
        """Where 'pan' names a frying pan, it names a saucepan as well."""
        for value in self.counts[attribute.name]:
            word = key_of(value)
            for head, own in heads.items() if " " not in word else ():
                if word.endswith(head) and is_word(word.removesuffix(head)) and len(word) > len(head) + 2:
                    own.append(value)

    def _add_concepts(self) -> None:
        for concept in self.grammar.concept:
            hits = list(self._concept_hits(concept))
            # 'for kids' means picture books, the last value of its concept, only where nothing else is meant by it.
            last = key_of(concept.values[-1])
            firm = [hit for hit in hits if [key_of(v) for v in hit.values] != [last]]
            hits = firm or hits
            for word in concept.words:
                key = key_of(word)
                for hit in hits:
                    self._put(key, hit)
                    self._widen(key, hit, group=concept.group)

    def _add_same(self) -> None:
        """'couches' where there are sofas, 'childrens bike' where there are kids bikes."""
        same = self.grammar.same_as
        longest = max(phrase.count(" ") + 1 for phrase in same)
        own = [(key, hits[0]) for key, hits in self._hits.items() if hits[0].how in ("name", "synonym")]
        for key, hit in own:
            words = key.split()
            places = [(i, j) for i in range(len(words)) for j in range(i + 1, min(len(words), i + longest) + 1)]
            for i, j in places if self.controlled(hit.attribute) and len(words) <= SPELLED else ():
                for other in same.get(" ".join(words[i:j]), ()):
                    said = " ".join([*words[:i], other, *words[j:]])
                    if said not in self._hits and said not in self._nouns | self.grammar.function_words:
                        self._put(said, replace(hit, how="synonym"))

    def _widen(self, key: str, hit: Hit, *, group: bool) -> None:
        """'rap' is a word of 'jazz rap', and what hip hop is called; 'pork' is also bacon."""
        own = self._hits[key]
        for position, other in enumerate(own):
            same = other.attribute.name == hit.attribute.name and not hit.every
            if same and (other.how == "part" or (group and other.how in ("name", "concept"))):
                values = (*hit.values, *other.values) if other.how == "part" else (*other.values, *hit.values)
                how = hit.how if other.how == "part" else other.how
                own[position] = replace(hit, values=tuple(dict.fromkeys(values)), how=how)

    def _concept_hits(self, concept: Concept) -> Iterable[Hit]:
        soft, narrower = concept.soft, concept.narrower
        for attribute in self.attributes:
            named = self.controlled(attribute) or (concept.group and attribute.role is None)
            if not named or attribute.role is Role.COUNTRY or concept.absent:
                continue
            known = {key_of(value): value for value in self.counts[attribute.name]}
            single: list[str] = []
            for name in concept.values:
                parts = [known.get(key_of(part)) for part in name.split("+")]
                found = [part for part in parts if part is not None]
                if len(found) < len(parts):
                    continue
                if len(found) > 1:
                    yield Hit(attribute, tuple(found), "concept", every=True, soft=soft, narrower=narrower)
                    single = []
                    break
                single.append(found[0])
            single = single[:1] if concept.first else single
            if single:
                yield Hit(attribute, tuple(dict.fromkeys(single)), "concept", soft=soft, narrower=narrower)


def catalogue_nouns(catalogue: Catalogue, grammar: Grammar) -> frozenset[str]:
    """What the entries of a catalogue are called: its own noun and the words that go with it ('record' for 'album')."""
    nouns = {key_of(catalogue.schema.noun), key_of(catalogue.schema.name)} | _common_heads(catalogue)
    return frozenset(nouns.union(*(words.split() for noun, words in grammar.kin.items() if noun in nouns)))


def _common_heads(catalogue: Catalogue) -> set[str]:
    """The word that most kinds end in: where there are road bikes, city bikes and so on, all entries are bikes."""
    for attribute in catalogue.schema.with_role(Role.TOPIC):
        if attribute.kind is not AttributeKind.CATEGORY:
            continue
        column = catalogue.categories(attribute.name)
        heads: Counter[str] = Counter()
        for value, count in zip(column.vocabulary, column.counts.tolist(), strict=True):
            words = key_of(value).split()
            heads[words[-1] if len(words) > 1 else ""] += count
        return {word for word, count in heads.items() if word and count >= MOST * len(catalogue)}
    return set()


def _halves(value: str) -> list[str]:
    for sign in (" & ", " / ", "/", " and ", ", "):
        if sign in value:
            return [half.strip() for half in value.split(sign) if half.strip()]
    return []


def _known_words(catalogue: Catalogue) -> tuple[frozenset[str], frozenset[str]]:
    """Words of the catalogue's own texts: those too frequent to be misspellings, and the ordinary ones."""
    counts: Counter[str] = Counter()
    step = max(1, math.ceil(len(catalogue) / 5000))
    texts = catalogue.texts[::step]
    for text in texts:
        counts.update(set(text.casefold().split()))
    for title in catalogue.titles[::step]:
        counts.update(set(words_of(title)))
    ordinary = max(5, len(texts) // 300)
    known = frozenset(key_of(word) for word, count in counts.items() if count >= 3 and word.isalpha())
    return known, frozenset(key_of(word) for word, count in counts.items() if count >= ordinary and word.isalpha())
