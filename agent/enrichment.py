"""Lets a language model write attributes of items: what is to be asked, what it will cost, and the asking."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from convrec.agent.enrichment_fields import STANDARD, EnrichedField
from convrec.agent.enrichment_prompt import (
    ENTRY_TOKENS,
    batch_prompt,
    read_batch,
    record_tokens,
    rules_tokens,
    speaks_to_models,
)
from convrec.agent.enrichment_store import EnrichmentStore, given, record_digest, taken_names
from convrec.agent.errors import EnrichmentError, SettingsError
from convrec.agent.llm import FaultKind, ModelCallError, price_of
from convrec.agent.settings import LLMSettings, Settings
from convrec.agent.types import LLMUsage
from convrec.retrieval.progress import Progress, silent

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from convrec.agent.capabilities import Capabilities
    from convrec.retrieval.catalogue import Catalogue
    from convrec.retrieval.generation import Generation
    from convrec.retrieval.types import Item

BATCH = 8
"""items of one call"""
STOP_AFTER = 3
"""items in a row that come to nothing end the run: then it is not the items"""
STAGE = "Asking the model"
_SMALLER: frozenset[FaultKind] = frozenset(
    {"timeout", "budget", "context", "garbled", "endless", "refusal", "empty", "bad_request"}
)
"""faults that a smaller batch may not have"""


@dataclass(frozen=True, eq=False)
class Batch:
    """Items that are asked about in one call, and the fields that they lack."""

    items: tuple[Item, ...]
    fields: tuple[EnrichedField, ...]
    tokens: int = 0
    """about how many the prompt has"""

    def halves(self) -> tuple[Batch, Batch]:
        middle = len(self.items) // 2
        return Batch(self.items[:middle], self.fields), Batch(self.items[middle:], self.fields)


@dataclass(frozen=True, eq=False)
class EnrichmentPlan:
    """What a run would do, and about what it takes. `cost` in US dollars; None where the price is not known."""

    model: str
    fields: tuple[EnrichedField, ...]
    batches: tuple[Batch, ...]
    items: int
    known: int
    """items of which everything was answered before"""
    input_tokens: int
    output_tokens: int
    cost: float | None
    notes: tuple[str, ...] = ()


@dataclass(eq=False)
class Enriched:
    """What a run did: `dropped` values did not fit their field, `unanswered` are ids of items without an answer."""

    answered: int = 0
    dropped: int = 0
    unanswered: list[str] = field(default_factory=list)
    usage: LLMUsage = field(default_factory=LLMUsage)


def plan_enrichment(
    catalogue: Catalogue,
    workspace: Path,
    settings: LLMSettings,
    fields: Sequence[EnrichedField] = (),
    *,
    limit: int | None = None,
    batch_size: int = BATCH,
    model: str | None = None,
) -> EnrichmentPlan:
    """What is to be asked of which items, after what was answered before. Nothing is sent.

    `fields`: the standard ones where there are none. `limit`: only the first items of the catalogue. `model`: its name
    where it is not the configured one.

    Raises:
        SettingsError: no model is configured.
        EnrichmentError: a field has the name of one that the catalogue was given with.
    """
    name = model or configured_model(settings)
    own = given(catalogue)
    taken = taken_names(own)
    notes = []
    if not fields:
        there = [one.name for one in STANDARD.values() if one.name in taken]
        if there:
            notes.append(f"The catalogue has {', '.join(there)} of its own, which stays as it is.")
        fields = [one for one in STANDARD.values() if one.name not in taken]
        if not fields:
            raise EnrichmentError(
                "The catalogue has all standard fields: name another, such as --field pace=slow,fast."
            )
    names = [one.name.casefold() for one in fields]
    for one in fields:
        if one.name.casefold() in taken:
            raise EnrichmentError(
                f"The catalogue has {one.name} of its own, which is never overwritten: choose another name."
            )
        if names.count(one.name.casefold()) > 1:
            raise EnrichmentError(f"The field {one.name} is named twice: leave one of them out.")
    items = [own.item(row) for row in range(min(len(own), limit if limit is not None else len(own)))]
    lacking = _lacking(items, tuple(fields), EnrichmentStore(workspace), name)
    batches = tuple(_batches(own.schema.plural, items, lacking, settings, batch_size))
    input_tokens = sum(batch.tokens for batch in batches)
    output_tokens = sum(len(b.items) * (ENTRY_TOKENS + sum(_said_tokens(f) for f in b.fields)) for b in batches)
    return EnrichmentPlan(
        model=name,
        fields=tuple(fields),
        batches=batches,
        items=len(items),
        known=sum(not missing for missing in lacking),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost=price_of(settings.model_copy(update={"model": name}), input_tokens, output_tokens),
        notes=tuple(notes),
    )


def configured_model(settings: LLMSettings) -> str:
    """The name of the model that the settings name.

    Raises:
        SettingsError: they name none, or say that none is to be used.
    """
    if settings.mode == "offline":
        raise SettingsError("The setting llm.mode is offline: set CONVREC_LLM__MODE=auto to let a model enrich.")
    if not settings.model:
        raise SettingsError("No language model is configured: set CONVREC_LLM__MODEL and CONVREC_LLM__BASE_URL.")
    if not settings.configured:
        raise SettingsError(
            f"The model {settings.model} has no endpoint: set CONVREC_LLM__BASE_URL, or OPENAI_API_KEY for OpenAI."
        )
    return settings.model


def _lacking(
    items: Sequence[Item], fields: tuple[EnrichedField, ...], store: EnrichmentStore, model: str
) -> list[tuple[EnrichedField, ...]]:
    """For each item the fields that were not answered yet."""
    records = [record_digest(item) for item in items]
    answered = {one.name: store.answers(records, one, (model,)) for one in fields}
    return [tuple(one for one in fields if record not in answered[one.name]) for record in records]


def _batches(
    plural: str,
    items: Sequence[Item],
    lacking: Sequence[tuple[EnrichedField, ...]],
    settings: LLMSettings,
    size: int,
) -> Iterator[Batch]:
    """Items that lack the same fields together; a text that speaks to models alone, so that it speaks for itself."""
    begun: dict[tuple[EnrichedField, ...], list[tuple[Item, int]]] = {}
    for item, missing in zip(items, lacking, strict=True):
        if not missing:
            continue
        fixed, own = rules_tokens(plural, missing), record_tokens(item)
        if speaks_to_models(item):
            yield Batch((item,), missing, fixed + own)
            continue
        waiting = begun.setdefault(missing, [])
        total = fixed + own + sum(tokens for _, tokens in waiting)
        if waiting and (len(waiting) >= size or total > settings.max_input_tokens):
            yield _batch(waiting, missing, fixed)
            waiting.clear()
        waiting.append((item, own))
    for missing, waiting in begun.items():
        if waiting:
            yield _batch(waiting, missing, rules_tokens(plural, missing))


def _batch(waiting: Sequence[tuple[Item, int]], missing: tuple[EnrichedField, ...], fixed: int) -> Batch:
    return Batch(tuple(item for item, _ in waiting), missing, fixed + sum(tokens for _, tokens in waiting))


def _said_tokens(one: EnrichedField) -> int:
    return {"categories": 24, "category": 8}.get(one.kind.value, 40)


def ask_model(
    plan: EnrichmentPlan,
    plural: str,
    workspace: Path,
    settings: LLMSettings,
    *,
    model: BaseChatModel | None = None,
    progress: Progress = silent,
) -> Enriched:
    """Ask about everything that the plan lists; every answer is kept as it comes.

    A batch that fails is tried again within the settings' retries, then in halves.

    Raises:
        EnrichmentError: the endpoint fails; what was answered is kept, and the next run goes on from there.
    """
    done = Enriched()
    if not plan.batches:
        return done
    calls = _Caller(workspace, settings, model)
    store = EnrichmentStore(workspace)
    queue = deque(plan.batches)
    total = sum(len(batch.items) for batch in plan.batches)
    in_a_row = 0
    while queue:
        progress(STAGE, done.answered + len(done.unanswered), total)
        batch = queue.popleft()
        fault: ModelCallError | None = None
        found: dict[str, dict[str, tuple[str, ...]]] = {}
        try:
            found, dropped = read_batch(calls.ask(plural, batch, done), batch.fields)
            done.dropped += dropped
        except ModelCallError as error:
            if error.kind not in _SMALLER:
                raise _stopped(error, done, total) from error
            fault = error
        records = {item.id: record_digest(item) for item in batch.items}
        answers = [(records[i], f, found[i][f.name]) for i in found for f in batch.fields]
        store.keep(answers, plan.model)
        done.answered += len(found)
        left = tuple(item for item in batch.items if item.id not in found)
        in_a_row = 0 if found else in_a_row
        if left and len(batch.items) == 1:
            in_a_row += 1
            done.unanswered.append(left[0].id)
            endpoint = fault is not None and fault.of_endpoint
            if endpoint or in_a_row >= STOP_AFTER:
                raise _stopped(fault or ModelCallError("empty"), done, total) from fault
        elif left and found:
            queue.appendleft(Batch(left, batch.fields))
        elif left:
            queue.extendleft(reversed(batch.halves()))
    progress(STAGE, total, total)
    return done


def _stopped(fault: ModelCallError, done: Enriched, total: int) -> EnrichmentError:
    return EnrichmentError(
        f"{fault}: {done.answered:,} of {total:,} are answered and kept; run the same command again to go on."
    )


class _Caller:
    """The calls of one run: the budget of each batch is its own."""

    def __init__(self, workspace: Path, settings: LLMSettings, model: BaseChatModel | None) -> None:
        from convrec.agent.capabilities import Capabilities
        from convrec.agent.llm import chat_model
        from convrec.agent.trace import CallTrace

        self._capabilities = Capabilities() if model is not None else _abilities(settings, workspace)
        self._model = model if model is not None else chat_model(settings, self._capabilities)
        tries = settings.retries + 1
        self._settings = settings.model_copy(
            update={"max_calls": tries, "max_seconds": tries * (settings.timeout_s + 10)}
        )
        self._trace = CallTrace(settings.trace, settings)

    def ask(self, plural: str, batch: Batch, done: Enriched) -> tuple[str, dict[str, Item]]:
        """The model's text on a batch, and which handle stands for which item; adds to the usage of `done`.

        Raises:
            ModelCallError: none came.
        """
        from langchain_core.messages import HumanMessage, SystemMessage

        from convrec.agent.llm_calls import ModelCalls

        prompt = batch_prompt(plural, batch.items, batch.fields)
        calls = ModelCalls(self._model, self._settings, self._capabilities, self._trace, threading.Event())
        pieces = calls.complete("enrich", [SystemMessage(prompt.rules), HumanMessage(prompt.data)], prompt.schema)
        try:
            while True:
                try:
                    next(pieces)
                except StopIteration as end:
                    return str(end.value), prompt.handles
        finally:
            pieces.close()
            done.usage = done.usage.plus(calls.usage)


def _abilities(settings: LLMSettings, workspace: Path) -> Capabilities:
    """What the endpoint can do, asked where nobody did.

    Raises:
        EnrichmentError: it does not answer.
    """
    from convrec.agent import capabilities

    known = capabilities.cached(settings, workspace)
    if known is not None:
        return known
    found, said = capabilities.ask(settings, workspace)
    if found is None:
        raise EnrichmentError(said)
    return found


def serve_enriched(
    workspace: Path, plan: EnrichmentPlan, settings: Settings, *, progress: Progress = silent
) -> Generation:
    """Build the serving generation's items and log anew, with what is known of the plan's fields.

    From then on every build in this workspace has the fields, where an item's record is as it was.

    Raises:
        WorkspaceError, EmbedderError, StoreError: the old generation serves on.
    """
    EnrichmentStore(workspace).apply(plan.fields, plan.model)
    return rebuild(workspace, settings, progress=progress)


def rebuild(workspace: Path, settings: Settings, *, progress: Progress = silent) -> Generation:
    """The serving generation's items and log in a new one, with the fields that are applied now."""
    from convrec.agent.build import Loaded, build
    from convrec.retrieval.workspace import Workspace

    serving = Workspace(workspace, chroma=settings.retrieval.chroma).open_current()
    return build(workspace, Loaded(serving.catalogue, serving.log, ()), settings, progress=progress)
