"""Decides how what was not accepted is shown: the rules that were broken and how requests failed, with examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, cast

from datagen_core.batch.requests import read_custom_id
from datagen_core.batch.wire import as_object
from datagen_core.checks import RULES
from datagen_core.dataset.verdicts import DUPLICATE
from datagen_core.files import JsonObject, read_jsonl
from datagen_core.report.lines import Line, read_lines_of
from datagen_core.report.markdown import Page, escape, escape_code, write_count
from datagen_core.scenario_ids import split_substitute

MOST_SHOWN: Final = 10
"""Rules, and outcomes, of which there are examples: the most frequent ones."""

EXAMPLES: Final = 3

_MEANINGS: Final = {
    "refused": "the model declined to answer",
    "truncated": "the answer was cut off where its tokens ended",
    "filtered": "the provider's content filter held the answer back",
    "error": "the provider answered with an error",
    "expired": "the completion window closed before it was answered",
    "cancelled": "the batch was cancelled before it was answered",
    "missing": "the provider's files hold no row for it",
    DUPLICATE: "answered well, and its scenario has a dialogue already",
}
_PRIVACY: Final = "I"
_UNSHOWN: Final = ": *not shown here, as it may be personal data; it stands in `rejected.jsonl`*"
_ADVICE: Final = "Write it again with 'datagen preprocess'."
_LONGEST_NAME: Final = 60
_LONGEST_TITLE: Final = 120
_LONGEST_LINE: Final = 200
_LINES_OF_A_WHOLE: Final = 6


class _Example(NamedTuple):
    """A request that a rule or an outcome is shown by; `lines` are finished Markdown."""

    custom_id: str
    what: str
    lines: list[str]


class _Rejections:
    """What the file holds, counted, with the first examples of each rule and outcome, each of another dialogue."""

    def __init__(self) -> None:
        self.n_rows = 0
        self.rules: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.examples: dict[str, dict[str, _Example]] = {}

    def count(self, row: JsonObject) -> None:
        """Count a row of `rejected.jsonl`."""
        self.n_rows += 1
        reason = row.get("reason")
        if isinstance(reason, str):
            self.outcomes[reason] += 1
            if reason != DUPLICATE and self._wants(reason, row):
                self._keep(reason, row, _show_failure(row, reason))
            return
        first: dict[str, JsonObject] = {}
        for violation in _list_violations(row):
            first.setdefault(str(violation.get("rule")), violation)
        for rule, violation in first.items():
            self.rules[rule] += 1
            if self._wants(rule, row):
                self._keep(rule, row, _show_violation(row, violation))

    def _wants(self, name: str, row: JsonObject) -> bool:
        kept = self.examples.get(name, {})
        return len(kept) < EXAMPLES and _name_dialogue(row) not in kept

    def _keep(self, name: str, row: JsonObject, example: _Example) -> None:
        self.examples.setdefault(name, {})[_name_dialogue(row)] = example


def render_rejections(rejected: Path, *, title: str) -> str:
    """Return as Markdown why requests were not accepted: a table by rule, one by outcome, and examples of each.

    `rejected` is a `rejected.jsonl`. It is read once, and only the examples are held.

    Raises:
        InputFileError: the file is missing, or a line is no JSON object.
    """
    found = _Rejections()
    for _, row in read_jsonl(rejected, advice=_ADVICE):
        found.count(row)
    page = Page()
    page.add(f"# {escape(title, _LONGEST_TITLE)}", name="the title")
    page.add(_summarize(found), name="the summary")
    _add_counts(page, "rule", "what it asks", found.rules, {name: rule.sentence for name, rule in RULES.items()})
    _add_counts(page, "outcome", "what it means", found.outcomes, _MEANINGS)
    for counted in (found.rules, found.outcomes):
        for name, count in _order(counted)[:MOST_SHOWN]:
            _add_examples(page, name, count, list(found.examples.get(name, {}).values()))
    return page.render()


def _summarize(found: _Rejections) -> str:
    if not found.n_rows:
        return "Every answer was accepted."
    n_failed = sum(count for outcome, count in found.outcomes.items() if outcome != DUPLICATE)
    return (
        f"**{write_count(found.n_rows, 'request')} came to nothing:** {found.n_rows - n_failed:,} rejected, "
        f"{n_failed:,} failed. An answer may break several rules."
    )


def _order(counted: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))


def _add_counts(page: Page, head: str, meaning: str, counted: Counter[str], meanings: dict[str, str]) -> None:
    rows = (
        [escape(name, _LONGEST_NAME), f"{count:,}", escape(meanings.get(name, "")) or "-"]
        for name, count in _order(counted)
    )
    page.add_table([head, "requests", meaning], rows, name=f"rows by {head}", right=[1])


def _add_examples(page: Page, name: str, count: int, examples: list[_Example]) -> None:
    if not examples:
        return
    known = RULES.get(name)
    sentence = f": {escape(known.sentence)}" if known is not None else ""
    shown = escape(name, _LONGEST_NAME)
    listed: list[str] = []
    for example in examples:
        listed.append(f"- {escape_code(example.custom_id, _LONGEST_NAME)}{example.what}")
        listed += [f"  - {line}" for line in example.lines]
    heading = f"### {shown}{sentence}\n\n{write_count(count, 'request')}, such as:\n\n"
    page.add(heading + "\n".join(listed), name=f"examples of {shown}")


def _show_failure(row: JsonObject, outcome: str) -> _Example:
    error, text = as_object(row.get("error")), row.get("text")
    code, message = (str(error.get(name) or "") for name in ("code", "message"))
    what = "".join(f": {escape(part, _LONGEST_LINE)}" for part in (code, message) if part)
    lines: list[str] = []
    if isinstance(text, str) and text.strip():
        is_cut = outcome == "truncated"
        words = text[-_LONGEST_LINE:] if is_cut else text
        lines = [f"{'ended with' if is_cut else 'answered'}: {escape_code(words, _LONGEST_LINE)}"]
    return _Example(str(row.get("custom_id")), what, lines)


def _show_violation(row: JsonObject, violation: JsonObject) -> _Example:
    custom_id, turn = str(row.get("custom_id")), violation.get("turn")
    if str(violation.get("rule")).startswith(_PRIVACY):
        return _Example(custom_id, _UNSHOWN, [])
    where = f", turn {turn}" if isinstance(turn, int) else ""
    what = f"{where}: {escape(str(violation.get('message')))}"
    text = row.get("text")
    return _Example(custom_id, what, list(_show_lines(text, turn)) if isinstance(text, str) else [])


def _show_lines(text: str, turn: object) -> Iterator[str]:
    """Yield the line at fault after what led to it; without a turn the beginning of the whole answer."""
    lines = read_lines_of(text)
    if not lines:
        yield f"answered: {escape_code(text, _LONGEST_LINE)}"
        return
    if isinstance(turn, int) and 0 <= turn < len(lines):
        said = [line for line in lines[:turn] if line.role == "customer"][-1:]
        called = [lines[turn - 1]] if turn and lines[turn].role == "response" else []
        shown = [line for line in (*said, *called, lines[turn]) if line.text]
    else:
        shown = [line for line in lines if line.text]
    yield from map(_show_line, shown[:_LINES_OF_A_WHOLE])
    if len(shown) > _LINES_OF_A_WHOLE:
        yield f"and {write_count(len(shown) - _LINES_OF_A_WHOLE, 'more turn')}"


def _show_line(line: Line) -> str:
    show = escape if line.role in ("customer", "counsellor") else escape_code
    return f"{line.role}: {show(line.text, _LONGEST_LINE)}"


def _list_violations(row: JsonObject) -> list[JsonObject]:
    """Return the violations that rejected an answer, and not the warnings."""
    listed = row.get("violations")
    found = map(as_object, cast("list[object]", listed)) if isinstance(listed, list) else ()
    return [violation for violation in found if violation.get("severity") == "E"]


def _name_dialogue(row: JsonObject) -> str:
    return split_substitute(read_custom_id(str(row.get("custom_id")))[0])[0]
