"""Our own share of a turn with a language model: `python tests/benchmarks/llm_overhead.py --workspace MOVIES`.

A scripted model answers at once, so that what a turn takes is convrec's own code: reading, prompts, recall, ranking,
verifying, telling. Wall time is shown beside the process's CPU time, which other processes on the machine blur less;
CPU time counts all threads, so it may be more than wall time on a quiet machine. `--profile` prints where it goes.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.messages import BaseMessage

from convrec.agent import Recommender
from convrec.agent.scripted_model import CallTools, Say, ScriptedChatModel, Step
from convrec.agent.settings import load_settings

MESSAGES = (
    "something for a rainy sunday with my grandma",
    "nothing too long please, and newer",
    "a clever film about loneliness in a big city",
    "rather with a bit of hope in it",
    "what would you pick for two tired people on a friday night",
    "without violence",
)


def script(mode: str) -> ScriptedChatModel:
    """Adds a wish for the last words of each message, and tells three picks with a reason each."""

    def play(messages: list[BaseMessage]) -> Step:
        said = str(messages[-1].content)
        if "present recommendations" in str(messages[0].content):
            candidates: dict[str, Any] = json.loads(said.partition("DATA\n")[2])["candidates"]
            picks = []
            for handle, card in list(candidates.items())[:10]:
                name, value = next((n, v) for n, v in card.items() if n not in ("title", "text"))
                first = value[0] if isinstance(value, list) else value
                picks.append(
                    {"item": handle, "reasons": [{"text": f"It has {first}.", "evidence": [f"{handle}.{name}"]}]}
                )
            return Say(json.dumps({"message": "Here is something that may fit the evening.", "picks": picks}))
        asked = next(str(m.content) for m in messages if "\nLAST MESSAGE\n" in str(m.content))
        last: str = json.loads(asked.rpartition("LAST MESSAGE\n")[2])
        reading = {"wanted": [{"words": re.findall(r"\w+", last)[-1], "text": last[-40:]}]}
        if mode == "structured":
            return Say(json.dumps(reading))
        if messages[-1].type == "human":
            return CallTools((("search_catalogue", {"query": last}),))
        return CallTools((("update_request", reading), ("recommend", {})))

    return ScriptedChatModel(play)


def measure(workspace: Path, mode: str, turns: int, profile: bool) -> None:
    settings = load_settings(llm__mode=mode)
    with Recommender.open(workspace, settings, model=script(mode)) as recommender:
        users = list(recommender.engine.log.user_ids)
        wall, cpu = [], []
        profiler = cProfile.Profile()
        for number in range(-2, turns):
            conversation = recommender.session(users[number % len(users)], stored=False)
            for message in MESSAGES:
                if profile and number >= 0:
                    profiler.enable()
                before = time.perf_counter(), time.process_time()
                reply = conversation.send(message)
                took = time.perf_counter() - before[0], time.process_time() - before[1]
                profiler.disable()
                if number < 0:
                    continue
                wall.append(took[0] * 1000)
                cpu.append(took[1] * 1000)
                if reply.trace.llm.calls > (2 if mode == "structured" else 4) or reply.trace.mode != mode:
                    raise SystemExit(f"The script was not followed: {reply.trace}")
    print(f"{mode}: {len(wall)} turns, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, values in (("wall", wall), ("CPU", cpu)):
        p50, p95 = np.percentile(values, [50, 95])
        print(f"  {name:5} p50 {p50:6.1f} ms   p95 {p95:6.1f} ms")
    if profile:
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--conversations", type=int, default=20)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    for mode in ("structured", "tools"):
        measure(given.workspace, mode, given.conversations, given.profile)


if __name__ == "__main__":
    main()
