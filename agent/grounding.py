"""The verifier of explanations: nothing is said of an item that its record, the person's history or words do not back.

It checks a reason twice: each `Evidence` must be true, and each claim read from the shown text (`claims_in`) must be
covered by the facts. Sentences of templates and of language models go through the same door.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from convrec.agent.claims import lexicon
from convrec.agent.claims.index import normalise, stems, tokens
from convrec.agent.claims.sentences import Claim, claims_in
from convrec.agent.facts import (
    Facts,
    asked_value,
    folded_values,
    holds_value,
    in_liked,
    in_record,
    inside,
    is_demonym,
    quotes,
    verbatim,
)
from convrec.agent.labels import label_filter
from convrec.agent.types import (
    Evidence,
    FieldEvidence,
    HistoryEvidence,
    Reason,
    ReferenceEvidence,
    ScoreEvidence,
)
from convrec.retrieval.schema import AttributeKind, Role
from convrec.retrieval.types import Item

HIGH, LOW = 0.6, 0.4
"""share of the catalogue below which (above which) an item may be called popular, cheap, … (obscure, expensive, …)"""
__all__ = ["Facts", "unsupported"]

EXCERPT = 4
"""words from which a quotation must stand in the record letter for letter"""
LONGEST = 1000
"""characters of a reason: longer ones are not read"""


def unsupported(reason: Reason, facts: Facts) -> tuple[str, ...]:
    """What in a reason is not backed, one short sentence each; empty when every claim is."""
    wrong = [problem for evidence in reason.evidence if (problem := _false_evidence(evidence, facts))]
    if not reason.text.strip():
        wrong.append("the sentence is empty")
    if len(reason.text) > LONGEST:
        return (*wrong, f"the sentence is longer than {LONGEST} characters")
    claims = claims_in(reason.text, facts.index)
    for claim in claims:
        problem = _CHECKS[claim.kind](claim, facts)
        if problem:
            wrong.append(problem)
    wrong += _false_sharing(claims, facts)
    return tuple(dict.fromkeys(wrong))


def _false_evidence(evidence: Evidence, facts: Facts) -> str | None:
    if isinstance(evidence, FieldEvidence):
        return _false_field(evidence, facts)
    if isinstance(evidence, HistoryEvidence):
        known = facts.history.get(evidence.item_id)
        return None if known == evidence.title else f'"{evidence.title}" is not in the person\'s history'
    if isinstance(evidence, ReferenceEvidence):
        known = facts.references.get(evidence.item_id)
        return None if known == evidence.title else f'"{evidence.title}" was not named by the person'
    if isinstance(evidence, ScoreEvidence):
        term = facts.breakdown.get(evidence.term)
        true = term is not None and abs(term - evidence.value) <= 1e-6
        return None if true else f"the score has no term {evidence.term} of {evidence.value:g}"
    said = bool(stems(evidence.words)) and inside(stems(evidence.words), facts.word_stems)
    return None if said else f'the person did not say "{evidence.words}"'


def _false_field(evidence: FieldEvidence, facts: Facts) -> str | None:
    problem = f"{evidence.field} of the item is not {evidence.value!r}"
    whole = _text_of(evidence.field, facts)
    if whole is not None:
        return None if quotes(str(evidence.value), verbatim(whole)) else problem
    own = facts.values.get(evidence.field, frozenset())
    value = evidence.value.casefold() if isinstance(evidence.value, str) else evidence.value
    if isinstance(value, str | bool):
        return None if any(type(v) is type(value) and v == value for v in own) else problem
    near = any(isinstance(v, float | int) and not isinstance(v, bool) and abs(v - value) <= 1e-6 for v in own)
    return None if near else problem


def _text_of(name: str, facts: Facts) -> str | None:
    """The free text that a name stands for; None where it is another kind of attribute."""
    if name in facts.schema:
        value = facts.item.attributes.get(name)
        text = facts.schema.attribute(name).kind is AttributeKind.TEXT
        return (value if isinstance(value, str) else facts.item.text) if text else None
    if name == "title":
        return facts.item.title
    return facts.item.text if name == "text" or name in facts.schema.text_columns else None


def _check_value(claim: Claim, facts: Facts) -> str | None:
    phrase = stems(claim.text)
    if claim.attributed or claim.taste:
        said = inside(phrase, facts.word_stems) or asked_value(claim.meanings, facts)
        if said or (claim.taste and in_liked(claim.meanings, facts)):
            return None
        return f'the person did not say or show a liking for "{claim.text}"'
    if claim.negated:
        denied = any(holds_value(m, facts) for m in claim.meanings)
        return f'the item has "{claim.text}"' if denied else None
    held = [m for m in (*claim.meanings, *facts.index.values(phrase)) if holds_value(m, facts)]
    if held:
        pointed = claim.fields & {m.attribute for m in claim.meanings} or claim.fields
        if pointed and not any(m.attribute in pointed for m in held):
            labels = ", ".join(facts.schema.attribute(name).label for name in sorted(pointed))
            return f'"{claim.text}" is not a {labels} of the item'
        return None
    if all(m.attribute in facts.index.large for m in claim.meanings) and not claim.fields and in_record(phrase, facts):
        return None
    if _is_title_of_named(phrase, facts) or _official_language(claim, facts):
        return None
    return f'the item\'s record does not say "{claim.text}"'


def _is_title_of_named(phrase: tuple[str, ...], facts: Facts) -> bool:
    return any(phrase == text for text in (stems(facts.item.title), *facts.named_texts))


def _official_language(claim: Claim, facts: Facts) -> bool:
    """'a French film' holds of an item from France where the catalogue says nothing of its language."""
    languages = {m.attribute for m in claim.meanings if facts.schema.attribute(m.attribute).role is Role.LANGUAGE}
    if not languages or any(name in facts.values for name in languages):
        return False
    return is_demonym(stems(claim.text)[0], facts)


def _check_title(claim: Claim, facts: Facts) -> str | None:
    allowed = {facts.item.id, *facts.history, *facts.references}
    if any(i in allowed for i in claim.item_ids):
        return None
    phrase = stems(claim.text)
    if _is_title_of_named(phrase, facts) or in_record(phrase, facts):
        return None
    return f'"{claim.text}" is neither in the history nor named by the person'


def _check_quote(claim: Claim, facts: Facts) -> str | None:
    phrase = stems(claim.text)
    if len(phrase) >= EXCERPT:
        recorded = any(quotes(claim.text, text) for text in facts.texts)
    else:
        recorded = not phrase or in_record(phrase, facts)
    if recorded or _is_title_of_named(phrase, facts):
        return None
    about_person = any(t.folded in ("you", "your", "you've", "you'd") for t in tokens(normalise(claim.sentence)))
    if about_person and inside(phrase, facts.word_stems):
        return None
    return f'"{claim.text}" is quoted from nowhere'


def _check_name(claim: Claim, facts: Facts) -> str | None:
    phrase = stems(claim.text)
    if claim.attributed and inside(phrase, facts.word_stems):
        return None
    if claim.fields:
        values = [stems(str(v)) for name in claim.fields for v in facts.values.get(name, frozenset())]
        return None if any(inside(phrase, v) for v in values) else f'"{claim.text}" is not in the item\'s record'
    if claim.negated and not in_record(phrase, facts):
        return None
    if in_record(phrase, facts) or any(inside(phrase, text) for text in facts.named_texts):
        return None
    if len(phrase) == 1 and is_demonym(phrase[0], facts):
        return None
    return f'"{claim.text}" is not in the item\'s record'


def _check_number(claim: Claim, facts: Facts) -> str | None:
    quantity = claim.quantity
    if quantity is None:
        return None
    sentence = claim.sentence
    if (claim.attributed or lexicon.THAN_ASKED.search(sentence)) and facts.measures.asked(quantity):
        return None
    if facts.measures.matches(quantity, claim.fields) or facts.measures.is_difference(quantity, sentence):
        return None
    if quantity.unit in ("plain", "measure", "year") and not claim.fields and in_record(stems(claim.text), facts):
        return None
    if quantity.unit == "plain" and any(
        abs(term - quantity.value) <= 0.5 * 10.0**-quantity.decimals + 1e-9 for term in facts.breakdown.values()
    ):
        return None if "score" in sentence.casefold() else f'nothing in the record is "{claim.text}"'
    return f'nothing in the record is "{claim.text}"'


def _check_comparison(claim: Claim, facts: Facts) -> str | None:
    problem = f'"{claim.text.strip()}" does not hold'
    attributes = [a for a in facts.schema.attributes if a.name in claim.fields]
    direction = -claim.direction if claim.negated else claim.direction
    if claim.against == "title":
        return None if facts.measures.compares(claim.fields, direction, claim.item_ids, claim.quantity) else problem
    if claim.against == "asked":
        return None if facts.measures.beyond_asked(claim.fields, direction) else problem
    if claim.against == "typical":
        for attribute in attributes:
            value = facts.measures.number(attribute.name)
            if value is not None and attribute.numeric:
                above = facts.index.share_under(attribute.name, value) >= 0.5
                below = facts.index.share_below(attribute.name, value) <= 0.5
                return None if (above if direction > 0 else below) else problem
    return problem


def _check_degree(claim: Claim, facts: Facts) -> str | None:
    for attribute in facts.schema.with_role(claim.role) if claim.role else ():
        value = facts.measures.number(attribute.name)
        if value is None or not attribute.numeric:
            continue
        upper = facts.index.share_below(attribute.name, value) >= HIGH
        lower = facts.index.share_under(attribute.name, value) <= LOW
        holds = upper if claim.direction > 0 else lower
        return None if holds != claim.negated else f'the record does not bear out "{claim.text}"'
    if claim.attributed and inside(stems(claim.text), facts.word_stems):
        return None
    return f'the record does not bear out "{claim.text}"'


def _check_praise(claim: Claim, facts: Facts) -> str | None:
    phrase = stems(claim.text)
    if in_record(phrase, facts):
        return None
    return f'nothing in the record says "{claim.text}"'


def _check_asked(claim: Claim, facts: Facts) -> str | None:
    """What follows 'you asked for' must have something in common with what was said or understood."""
    content = {s for s in stems(claim.text) if s not in lexicon.FUNCTION_WORDS and s not in facts.index.plain}
    content -= {"something", "anything", "one"}
    understood = {s for c in facts.constraints for s in stems(f"{c.label} {label_filter(c.filter, facts.schema)}")}
    known = {*facts.word_stems} | understood | {s for text in facts.named_texts for s in text}
    if not content or content & known or (claim.taste and content & facts.liked_stems):
        return None
    return f'the person did not say or show that for "{claim.text.strip()}"'


def _check_liked(claim: Claim, facts: Facts) -> str | None:
    liked = set(facts.history) - facts.disliked
    if claim.against == "itself":
        return None if facts.item.id in liked else "the person is not known to have liked it"
    if claim.item_ids:
        if any(i in liked for i in claim.item_ids):
            return None
        named = any(i in facts.references for i in claim.item_ids)
        if named and {"liked", "loved", "enjoyed", "like", "love", "enjoy"} & set(facts.word_stems):
            return None
        return "the person is not known to have liked that"
    said = {"like", "love", "enjoy", "prefer", "liked", "loved"} & set(facts.word_stems)
    return None if liked or said else "nothing is known of what the person likes"


def _check_known(claim: Claim, facts: Facts) -> str | None:
    if claim.against == "itself":
        return None if facts.item.id in facts.history else "it is not in the person's history"
    if claim.item_ids:
        known = any(i in facts.history for i in claim.item_ids)
        return None if known else "that is not in the person's history"
    return None if facts.history else "the person has no history"


def _false_sharing(claims: tuple[Claim, ...], facts: Facts) -> list[str]:
    """Values said to be shared with another item that its record lacks."""
    wrong = []
    catalogue = facts.index.catalogue
    for sentence in dict.fromkeys(c.sentence for c in claims if lexicon.SHARED.search(c.sentence)):
        inside = [c for c in claims if c.sentence == sentence]
        others = [
            [i for i in c.item_ids if i in catalogue and i in {**facts.history, **facts.references}]
            for c in inside
            if c.kind == "title" and facts.item.id not in c.item_ids
        ]
        others = [ids for ids in others if ids]
        shared = [c for c in inside if c.kind == "value" and not (c.attributed or c.taste or c.negated)]
        for ids in others:
            records = [catalogue.item(catalogue.row(i)) for i in ids]
            wrong += [
                f'{records[0].title} does not share "{claim.text}"'
                for claim in shared
                if not any(
                    m.value in folded_values(r.attributes.get(m.attribute)) for r in records for m in claim.meanings
                )
            ]
            if not shared:
                wrong += _unshared_labels(sentence, records, facts)
    return wrong


def _unshared_labels(sentence: str, records: list[Item], facts: Facts) -> list[str]:
    """'the same director as X' where no director is shared."""
    said = stems(re.sub(r'"[^"]*"', " ", sentence))
    wrong = []
    for attribute in facts.schema.attributes:
        if attribute.kind is AttributeKind.TEXT or not inside(stems(attribute.label), said):
            continue
        own = facts.values.get(attribute.name, frozenset())
        if not any(own & folded_values(r.attributes.get(attribute.name)) for r in records):
            wrong.append(f"{records[0].title} does not have the same {attribute.label}")
    return wrong


_CHECKS: dict[str, Callable[[Claim, Facts], str | None]] = {
    "value": _check_value,
    "title": _check_title,
    "quote": _check_quote,
    "name": _check_name,
    "number": _check_number,
    "comparison": _check_comparison,
    "degree": _check_degree,
    "praise": _check_praise,
    "liked": _check_liked,
    "known": _check_known,
    "asked": _check_asked,
}
