"""Plan an evening: a LangChain agent that looks at the calendar and asks convrec for something that fits the gap.

    python examples/evening_planner.py --workspace FOLDER --user ann "something funny"

Without a language model a scripted one plays its part, so that the example runs anywhere. With `CONVREC_LLM__MODEL` and
`OPENAI_API_KEY` (or `CONVREC_LLM__BASE_URL` of any OpenAI-compatible endpoint) a real one does.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import tool

from convrec.agent import langchain_tools, load_settings

INSTRUCTIONS = (
    "You plan the person's evening. Look up when they are free, then call recommend with their wish and a constraint "
    "on the running time that fits. Suggest one item, say why with the reasons of the answer, and give start and end."
)
CALENDAR = {"friday": ("20:00", "22:15"), "saturday": ("18:30", "23:00")}


@tool
def free_time(day: str) -> str:
    """When the person is free on a day of the week: start, end and minutes."""
    start, end = CALENDAR.get(day.casefold(), ("19:00", "22:00"))
    return f"free from {start} to {end}: {_minutes(end) - _minutes(start)} minutes"


class ScriptedModel(BaseChatModel):
    """Stands in for a language model: the same three steps that a real one takes here."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        del tools, kwargs
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del stop, run_manager, kwargs
        return ChatResult(generations=[ChatGeneration(message=_next_step(messages))])


def _next_step(messages: list[BaseMessage]) -> AIMessage:
    heard = {message.name: message for message in messages if isinstance(message, ToolMessage)}
    wish, _, day = str(next(m.content for m in messages if isinstance(m, HumanMessage))).rpartition(" on ")
    if "free_time" not in heard:
        return _calling("free_time", {"day": day})
    found = re.search(r"from (\d\d:\d\d) .*: (\d+) minutes", str(heard["free_time"].content))
    start, minutes = (found.group(1), int(found.group(2))) if found else ("20:00", 120)
    if "recommend" not in heard:
        limit = {"field": "runtime", "maximum": minutes}
        return _calling("recommend", {"message": wish, "constraints": [limit], "count": 3})
    items = heard["recommend"].artifact["items"]
    if not items:
        return AIMessage(content=f"Nothing fits into the {minutes} minutes you have.")
    first = items[0]
    end = _clock(_minutes(start) + int(first["fields"]["runtime"]))
    return AIMessage(content=f"{first['title']}, from {start} to {end}. {first['reasons'][0]['text']}")


def _calling(name: str, arguments: dict[str, Any]) -> AIMessage:
    return AIMessage(content="", tool_calls=[{"name": name, "args": arguments, "id": name}])


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def choose_model() -> BaseChatModel:
    """The model that the settings name, or the scripted one."""
    llm = load_settings().llm
    if not llm.configured:
        return ScriptedModel()
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model=llm.model or "", base_url=llm.base_url, api_key=llm.api_key, timeout=llm.timeout_s)


def plan(wish: str, day: str, workspace: str | None, user: str | None) -> str:
    """What the agent suggests."""
    agent: Any = create_agent(
        choose_model(),
        [free_time, *langchain_tools(workspace, user)],
        system_prompt=INSTRUCTIONS,
        middleware=[ModelCallLimitMiddleware(run_limit=8)],
    )
    state = agent.invoke({"messages": [("user", f"{wish} on {day}")]}, {"recursion_limit": 30})
    return str(state["messages"][-1].content)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Plan an evening with convrec as one of the tools.")
    parser.add_argument("wish", nargs="?", default="something funny")
    parser.add_argument("--day", default="Friday")
    parser.add_argument("--workspace", help="folder that `convrec build` or `convrec demo` made")
    parser.add_argument("--user", help="who the evening is for")
    given = parser.parse_args(arguments)
    print(plan(given.wish, given.day, given.workspace, given.user))


if __name__ == "__main__":
    main()
