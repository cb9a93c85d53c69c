"""Decides the body of one request: prompt, schema and limits, for chat completions and for responses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from datagen_core.dialogue.brief import render_brief
from datagen_core.dialogue.script import build_script_schema
from datagen_core.prompts import render_instructions
from datagen_core.scenarios import Scenario

Endpoint = Literal["/v1/chat/completions", "/v1/responses"]

MAX_OUTPUT_TOKENS: Final = 8_000
"""Room for reasoning and a script; scripts themselves take about 310 tokens."""

_CUSTOM_ID: Final = re.compile(r"(.+)\.r([1-9][0-9]{0,8})", re.DOTALL)


class RequestOptions(NamedTuple):
    """What decides a request besides the scenario.

    `endpoint` is the body's form, by OpenAI's name for it; `url_prefix` is what the provider wants before the last part
    of each row's URL, as `ProviderProfile.find_prefix` gives it.
    """

    model: str
    endpoint: Endpoint = "/v1/chat/completions"
    max_output_tokens: int = MAX_OUTPUT_TOKENS
    url_prefix: str = "/v1"

    @property
    def url(self) -> str:
        """The URL of each row."""
        return self.url_prefix + self.endpoint.removeprefix("/v1")


def render_custom_id(scenario_id: str, round_number: int) -> str:
    """Return the id of a scenario's request in a round (from 1), as `training-42-000017.r2`."""
    return f"{scenario_id}.r{round_number}"


def read_custom_id(custom_id: str) -> tuple[str, int]:
    """Return the scenario id and round; an id without a round, as `render_custom_id` writes it, is of round 1."""
    match = _CUSTOM_ID.fullmatch(custom_id)
    return (match[1], int(match[2])) if match else (custom_id, 1)


def build_request(
    scenario: Scenario, options: RequestOptions, *, round_number: int = 1, problems: Sequence[str] = ()
) -> dict[str, object]:
    """Return one line of a batch input file.

    The system message is the same in all requests of a kind (gold: of a kind and category), and begins alike in all.
    """
    instructions = render_instructions(scenario.kind, scenario.category, scenario.writer)
    brief = render_brief(scenario, problems=problems)
    is_script = scenario.writer == "script"
    schema = build_script_schema(parallel_calls=scenario.parallel_calls) if is_script else None
    build = _build_chat_body if options.endpoint == "/v1/chat/completions" else _build_responses_body
    return {
        "custom_id": render_custom_id(scenario.id, round_number),
        "method": "POST",
        "url": options.url,
        "body": build(instructions, brief, schema, options),
    }


def _build_chat_body(
    instructions: str, brief: str, schema: Mapping[str, object] | None, options: RequestOptions
) -> dict[str, object]:
    """Return the body; without a schema the answer is plain text."""
    body: dict[str, object] = {
        "model": options.model,
        "messages": [{"role": "system", "content": instructions}, {"role": "user", "content": brief}],
    }
    if schema is not None:
        named = {"name": "script", "strict": True, "schema": schema}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    return {**body, "max_completion_tokens": options.max_output_tokens}


def _build_responses_body(
    instructions: str, brief: str, schema: Mapping[str, object] | None, options: RequestOptions
) -> dict[str, object]:
    body: dict[str, object] = {
        "model": options.model,
        "instructions": instructions,
        "input": [{"role": "user", "content": brief}],
    }
    if schema is not None:
        body["text"] = {"format": {"type": "json_schema", "name": "script", "strict": True, "schema": schema}}
    return {**body, "max_output_tokens": options.max_output_tokens}
