"""Questions that are worth asking: they split the candidates, change the list, and are asked once."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from convrec.agent.clarify import Question, choose_question, is_vague
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filter_compile import mask
from convrec.retrieval.filters import Contains, Filter, Range
from convrec.retrieval.request import Constraint, Description, Reference, Request, RequestEdit, apply_edit
from convrec.retrieval.schema import CatalogueSchema
from tests.agent.small_catalogues import FILM_SCHEMA, FILMS, TOOL_SCHEMA, TOOLS, build

NOBODY: frozenset[str] = frozenset()


def spread(
    schema: CatalogueSchema, records: tuple[tuple[object, ...], ...], numeric: dict[int, tuple[int, int]]
) -> Catalogue:
    """300 items: the records again and again, with numbers drawn from ranges."""
    rng = np.random.default_rng(3)
    many = []
    for number in range(300):
        record = list(records[number % len(records)])
        record[0] = f"x{number}"
        for position, (low, high) in numeric.items():
            record[position] = int(rng.integers(low, high))
        many.append(record)
    return build(schema, many)


FILMS_300 = spread(FILM_SCHEMA, FILMS, {2: (1960, 2020), 4: (80, 180)})
TOOLS_300 = spread(TOOL_SCHEMA, TOOLS[:12], {2: (5, 90)})


def everything(catalogue: Catalogue) -> NDArray[np.int32]:
    return np.arange(len(catalogue), dtype=np.int32)


def with_part(part: Constraint | Description | Reference) -> Request:
    return apply_edit(Request(), RequestEdit(op="add", part=part))


def asked_for(node: Filter) -> Request:
    return with_part(Constraint(filter=node))


def first_question(request: Request, catalogue: Catalogue, asked: frozenset[str] = NOBODY) -> Question:
    question = choose_question(request, everything(catalogue), catalogue, asked)
    assert question is not None
    return question


def test_a_vague_request_gets_a_question_whose_answers_split_the_candidates() -> None:
    question = first_question(Request(), FILMS_300)
    assert 2 <= len(question.clarify.options) == len(question.edits) <= 4
    for edit in question.edits:
        assert isinstance(edit.part, Constraint)
        kept = mask(edit.part.filter, FILMS_300).mean()
        assert 0.05 < kept < 0.8


def test_never_twice_the_same_and_in_the_end_none() -> None:
    asked: frozenset[str] = NOBODY
    seen = []
    while (question := choose_question(Request(), everything(FILMS_300), FILMS_300, asked)) is not None:
        assert question.attribute not in asked
        asked |= {question.attribute}
        seen.append(question.clarify.question)
    assert len(seen) == len(set(seen)) >= 3


def test_a_clear_request_gets_none() -> None:
    clear = Request()
    for part in (
        Constraint(filter=Contains(field="genres", values=("Comedy",))),
        Constraint(filter=Range(field="year", minimum=1980, maximum=1989)),
    ):
        clear = apply_edit(clear, RequestEdit(op="add", part=part))
    assert not is_vague(clear)
    assert choose_question(clear, everything(FILMS_300), FILMS_300, NOBODY) is None
    assert not is_vague(with_part(Reference(item_id="f1", title="Alien")))
    assert not is_vague(with_part(Description(text="a slow film about lonely people by the sea")))


def test_what_is_settled_is_not_asked() -> None:
    question = first_question(asked_for(Contains(field="genres", values=("Comedy",))), FILMS_300)
    assert question.attribute != "genres"


def test_few_candidates_need_no_question() -> None:
    assert choose_question(Request(), everything(FILMS_300)[:8], FILMS_300, NOBODY) is None


def test_an_answer_that_changes_nothing_is_not_offered() -> None:
    thrillers = FILMS_300.categories("language")
    english = np.array([r for r in range(300) if thrillers.value(r) == "en"], dtype=np.int32)
    question = choose_question(Request(), english, FILMS_300, NOBODY)
    assert question is None or question.attribute != "language"


def test_options_can_be_sent_back_as_messages() -> None:
    wordings: dict[str, tuple[str, ...]] = {}
    asked: frozenset[str] = NOBODY
    while (question := choose_question(Request(), everything(FILMS_300), FILMS_300, asked)) is not None:
        asked |= {question.attribute}
        wordings[question.attribute] = question.clarify.options
    assert set(wordings["genres"]) <= {"comedy", "drama", "science fiction", "thriller", "horror", "romance", "action"}
    assert re.fullmatch(r"something short \(under \d h( \d\d)?\)", wordings["runtime"][0])
    assert re.fullmatch(r"before \d{4}", wordings["year"][0])
    assert re.fullmatch(r"(from the \d{4}s|between \d{4} and \d{4})", wordings["year"][1])
    assert re.fullmatch(r"since \d{4}", wordings["year"][-1])
    assert all(option.startswith("in ") for option in wordings.get("language", ()))


def test_another_domain_asks_about_its_own_attributes() -> None:
    question = first_question(asked_for(Contains(field="use", values=("Slicing",))), TOOLS_300)
    assert question.attribute == "price"
    assert question.clarify.question == "What may it cost?"
    assert question.clarify.options[0].endswith("€")
