"""Decides how the rule catalogue is told to people: as rows, and as the page `docs/rules.md`."""

from __future__ import annotations

from typing import Final, NamedTuple

from datagen_core.checks.registry import EVERY_FAMILY, RULES, Rule, Severity

_FAMILIES: Final = {
    "S": "Structure",
    "C": "Calls",
    "P": "Provenance",
    "R": "Responses",
    "X": "Execution",
    "K": "Consistency",
    "G": "Grounding",
    "D": "Decisions",
    "L": "Language",
    "I": "Identity",
    "T": "Tokens",
    "M": "Moments",
    "U": "Uniqueness",
    "Z": "Size and form",
}


class RuleDescription(NamedTuple):
    """A rule as it is printed. `applies_to` is `delivery`, `any` (any tools) or `dataset`; `hint` is the writer's."""

    id: str
    sentence: str
    severity: Severity
    applies_to: str
    needs: tuple[str, ...]
    hint: str


def describe_rules() -> list[RuleDescription]:
    """Return every rule in the catalogue's order."""
    return [
        RuleDescription(rule.id, rule.sentence, rule.severity, _say_where(rule), tuple(sorted(rule.needs)), rule.korean)
        for rule in RULES.values()
    ]


def render_rules() -> str:
    """Return the Markdown of `docs/rules.md`."""
    lines: list[str] = [*_HEAD]
    letter = ""
    for rule in describe_rules():
        if rule.id[0] != letter:
            letter = rule.id[0]
            lines += ["", f"## {letter}: {_FAMILIES[letter]}", "", *_TABLE_HEAD]
        sentence, needs = rule.sentence.replace("|", "\\|"), ", ".join(rule.needs)
        lines.append(f"| {rule.id} | {_quote_tags(sentence)} | {rule.severity} | {rule.applies_to} | {needs} |")
    return "\n".join([*lines, ""])


_HEAD: Final = (
    "# The rules",
    "",
    "Every dialogue is judged by these. Their ids are public: they stand in `rejected.jsonl`, in `funnel.json` and",
    "on the dataset's card. A violation of severity E rejects the dialogue, W is counted and reported; a rule of",
    "severity E may only warn where it is in doubt. `delivery` rules judge dialogues whose tools are those of the",
    "delivery app, `any` those with any tools, `dataset` all dialogues together. A rule that needs something (the",
    "opening a dialogue was performed from, its goal, kind or gold category) is left out where it is not told.",
    "",
    "Written by `datagen rules --markdown`; each rule has examples that keep and break it in",
    "`tests/datagen_core/checks/cases/`.",
)
_TABLE_HEAD: Final = ("| id | what must hold | severity | applies to | needs |", "| --- | --- | --- | --- | --- |")


def _say_where(rule: Rule) -> str:
    if rule.check is None:
        return "dataset"
    return "any" if rule.families == EVERY_FAMILY else ", ".join(rule.families)


def _quote_tags(sentence: str) -> str:
    """Keep `<tool_call>` from being read as HTML."""
    return sentence.replace("<", "&lt;").replace(">", "&gt;")
