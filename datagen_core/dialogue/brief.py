"""Decides how a scenario is told to the LLM: the part of a request that differs from scenario to scenario."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from datagen_core.environment import Environment, Handles, build_catalogue
from datagen_core.prompts import INTENT_LABELS, KIND_NOTES, WEEKDAYS, render_retry_note
from datagen_core.scenarios import Scenario


def render_brief(scenario: Scenario, *, problems: Sequence[str] = ()) -> str:
    """Return the scenario in Korean: customer, clock, the restaurants with handles, what stands, and the steps.

    `problems` are sentences on what was wrong with the last attempt; none in a first round.
    """
    opening = scenario.opening
    environment = Environment(opening, build_catalogue(opening.catalogue_seed))
    persona = scenario.persona
    now = environment.now
    sections = [
        f"[고객] {persona.age}, {persona.register}, {persona.mood}, 입력 습관: {persona.typing}",
        f"[지금] {now:%Y-%m-%d} ({WEEKDAYS[now.weekday()]}) {now:%H:%M}",
        _render_list("[식당]", _render_shops(environment, Handles(environment), opening.sold_out)),
        _render_list("[배송지]", _render_addresses(environment)),
        _render_list("[장바구니]", _render_cart(environment)),
        _render_list(
            "[지난 주문]",
            [f"O{number} {order.status}" for number, order in enumerate(opening.orders, start=1)],
        ),
        f"[종류] {KIND_NOTES[scenario.kind]}",
        "[순서]\n" + "\n".join(_render_steps(scenario)),
        f"[분량] 고객의 말 {scenario.min_customer_turns}~{scenario.max_customer_turns}번",
    ]
    if problems:
        sections.append(render_retry_note(problems))
    return "\n".join(sections)


def _render_shops(environment: Environment, handles: Handles, sold_out: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for number, shop in enumerate(environment.restaurants, start=1):
        state = "영업 중" if environment.is_open(shop) else "영업 종료"
        lines.append(
            f"R{number} {shop.name} | {shop.category} | 평점 {shop.rating_avg} | {state}({shop.hours}) | "
            f"최소 {shop.min_order_amount} | 배달비 {shop.delivery_fee}"
        )
        dishes = ((handles.handle_of(dish.id), dish) for dish in shop.dishes)
        lines.append("  " + ", ".join(f"{m} {d.name} {d.price}{'(품절)' if m in sold_out else ''}" for m, d in dishes))
    return lines


def _render_addresses(environment: Environment) -> list[str]:
    return [
        f"A{number} {a.recipient_name} | {a.phone} | {a.line1} | {a.line2 or '없음'}{' | 기본' if a.is_default else ''}"
        for number, a in enumerate(environment.addresses, start=1)
    ]


def _render_cart(environment: Environment) -> list[str]:
    handles = Handles(environment)
    lines = environment.cart.lines if environment.cart else ()
    return [
        f"C{number} {handles.handle_of(line.menu_item_id)} {line.quantity}개"
        + (f" | {line.special_request}" if line.special_request else "")
        for number, line in enumerate(lines, start=1)
    ]


def _render_list(title: str, lines: Sequence[str]) -> str:
    return f"{title} 없음" if not lines else "\n".join([title, *lines])


def _render_steps(scenario: Scenario) -> list[str]:
    lines: list[str] = []
    for number, step in enumerate(scenario.steps, start=1):
        fields = step.model_dump(mode="json", exclude_defaults=True, exclude={"intent"})
        lines.append(f"{number}. {INTENT_LABELS[step.intent]} {orjson.dumps(fields).decode()}")
    return lines
