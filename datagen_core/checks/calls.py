"""Decides whether calls fit the declared tools of any domain (C01 to C07)."""

from __future__ import annotations

from collections.abc import Iterator

from datagen_core.checks.case import Case
from datagen_core.checks.registry import Finding, rule
from datagen_core.checks.toolset import ArgumentRule


@rule("C01", "The tool is declared.", korean="주어진 도구의 이름만 그대로 씁니다.")
def check_declared(case: Case) -> Iterator[Finding]:
    """Find calls of tools that the dialogue does not declare."""
    for exchange in case.exchanges:
        if exchange.call.name not in case.tools.specs:
            yield Finding(exchange.turn, f"the tool {exchange.call.name!r} is not declared")


@rule("C02", "Required arguments are present.", korean="도구의 필수 인자를 빠뜨리지 않습니다.")
def check_required(case: Case) -> Iterator[Finding]:
    """Find missing required arguments."""
    return _find_faults(case, "C02")


@rule(
    "C03",
    'Types are strict: a boolean is no integer, nor is "3" or 3.0.',
    korean="인자의 자료형을 지킵니다. 수량은 따옴표 없는 정수입니다.",
)
def check_types(case: Case) -> Iterator[Finding]:
    """Find arguments of the wrong type."""
    return _find_faults(case, "C03")


@rule("C04", "No argument is undeclared.", korean="도구에 없는 인자를 만들어 넣지 않습니다.")
def check_undeclared(case: Case) -> Iterator[Finding]:
    """Find arguments that the tool does not have."""
    return _find_faults(case, "C04")


@rule(
    "C05",
    "Arguments keep to enum, range, pattern and format.",
    korean="정해진 값, 범위, 형식을 벗어난 인자를 넣지 않습니다.",
)
def check_values(case: Case) -> Iterator[Finding]:
    """Find arguments of the right type that the schema does not allow."""
    return _find_faults(case, "C05")


@rule(
    "C06",
    'An optional argument is left out, never null or "".',
    korean="쓰지 않는 선택 인자는 빈 문자열로 두지 않고 뺍니다.",
)
def check_optional(case: Case) -> Iterator[Finding]:
    """Find optional arguments that are given and empty."""
    return _find_faults(case, "C06")


@rule(
    "C07",
    "Tool declarations are valid JSON Schema, names are unique, what is required is declared.",
    korean="주어진 도구 목록을 바꾸지 않습니다.",
    needs_structure=False,
)
def check_declarations(case: Case) -> Iterator[Finding]:
    """Find declarations that cannot be used."""
    return (Finding(None, problem) for problem in case.tools.problems)


def _find_faults(case: Case, rule_id: ArgumentRule) -> Iterator[Finding]:
    return (Finding(turn, fault.message) for turn, fault in case.argument_faults if fault.rule_id == rule_id)
