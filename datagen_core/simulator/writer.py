"""Decides what the embedded simulator answers: a played script for a brief of ours, little for anything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from random import Random
from typing import cast

from datagen_core.dialogue.performing import perform_on_stage
from datagen_core.dialogue.script import parse_script
from datagen_core.dialogue.transcript import render_transcript
from datagen_core.files import JsonObject
from datagen_core.simulator.acting import act
from datagen_core.simulator.answers import Answer
from datagen_core.simulator.mistakes import spoil, write_answer
from datagen_core.simulator.reading import Brief, read_brief
from datagen_core.simulator.strangers import answer_stranger


class ScriptWriter:
    """Answers requests as an LLM would that understood the prompt, with a share of its answers spoilt on purpose.

    It sees a request's body and nothing else. The dialogue depends on the brief and the custom id, so that a scenario
    asked for again in a later round is told anew; whether and how it is spoilt depends on the custom id and `seed`.
    Holds no state: it may be called from several threads.
    """

    def __init__(self, *, mistakes: float = 0.0, seed: int = 0) -> None:
        """Spoil this share (0 to 1) of the answers."""
        self._mistakes = mistakes
        self._seed = seed

    def answer(self, custom_id: str, body: Mapping[str, object]) -> Answer:
        """Return the answer to one request body of `/v1/chat/completions` or `/v1/responses`."""
        text = _find_prompt(body)
        brief = read_brief(text)
        if brief is None:
            return Answer(answer_stranger(body))
        beats = act(brief, _random(custom_id, text))
        chance = _random(custom_id, f"mistakes/{self._seed}")
        answer = spoil(beats, brief, chance) if chance.random() < self._mistakes else write_answer(beats)
        return _transcribe(answer, brief, custom_id) if brief.wants_transcript else answer


def _transcribe(answer: Answer, brief: Brief, custom_id: str) -> Answer:
    """Return the script as a transcript, its responses such as a model would invent them; no script stays as it is."""
    script = parse_script(answer.text)
    if script.problem is not None:
        return answer
    opening = brief.opening.model_copy(update={"seed": _random(custom_id, "ids").randrange(1 << 32)})
    return replace(answer, text=render_transcript(perform_on_stage(script, opening, brief.catalogue).dialogue))


def _random(custom_id: str, purpose: str) -> Random:
    digest = blake2b(f"{custom_id}\n{purpose}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return Random(int.from_bytes(digest, "big"))


def _find_prompt(body: Mapping[str, object]) -> str:
    """Return the last user message of a body, as text."""
    messages = body.get("messages", body.get("input"))
    if isinstance(messages, str):
        return messages
    entries = cast("list[object]", messages) if isinstance(messages, list) else []
    users = [message for message in _objects(entries) if message.get("role") == "user"]
    content = users[-1].get("content") if users else None
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in _objects(cast("list[object]", content)))
    return content if isinstance(content, str) else ""


def _objects(entries: list[object]) -> Iterator[JsonObject]:
    return (cast("JsonObject", entry) for entry in entries if isinstance(entry, dict))
