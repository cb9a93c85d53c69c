"""Decides how a scenario is told to the LLM: the part of a request that differs from scenario to scenario."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import orjson

from datagen_core.config import Persona
from datagen_core.environment import Environment, Handles, Restaurant, build_catalogue
from datagen_core.environment.catalogue import fold_text
from datagen_core.environment.opening import Happening, Opening
from datagen_core.plans import Step
from datagen_core.prompt_sections import KIND_SECTIONS
from datagen_core.prompts import CHANGE_LABELS, INTENT_LABELS, PARALLEL_NOTE, WEEKDAYS, render_retry_note
from datagen_core.scenarios import Scenario

_HANDLE: Final = re.compile(r'"([RM][1-9][0-9]*)"')


def render_brief(scenario: Scenario, *, problems: Sequence[str] = ()) -> str:
    """Return the scenario in Korean: customer, clock, the restaurants with handles, what stands, and the steps.

    A section that would be empty is left out. `problems` are sentences on what was wrong with the last attempt; none
    in a first round.
    """
    opening = scenario.opening
    environment = Environment(opening, build_catalogue(opening.catalogue_seed))
    now = environment.now
    sections = [
        f"[고객] {_render_persona(scenario.persona)}",
        f"[지금] {now:%Y-%m-%d} ({WEEKDAYS[now.weekday()]}) {now:%H:%M}",
        *_render_list("[식당]", _render_shops(environment, scenario.steps)),
        *_render_list("[배송지]", _render_addresses(environment)),
        *_render_list("[장바구니]", _render_cart(environment)),
        *_render_list("[지난 주문]", [f"O{n} {order.status}" for n, order in enumerate(opening.orders, start=1)]),
        *([f"[남의 주문 번호] {', '.join(opening.foreign_orders)}"] if opening.foreign_orders else ()),
        *_render_list("[도중에 생기는 일]", [_render_happening(happening) for happening in opening.happenings]),
        f"[종류] {KIND_SECTIONS[scenario.kind].label}",
        "[순서]\n" + "\n".join(_render_steps(scenario.steps)),
        f"[분량] 고객의 말 {scenario.min_customer_turns}~{scenario.max_customer_turns}번",
        *([f"[병렬] {PARALLEL_NOTE}"] if scenario.parallel_calls else ()),
        *([f"[고객 ID] {opening.user_id}"] if scenario.writer == "transcript" else ()),
        *([render_retry_note(problems)] if problems else ()),
    ]
    return "\n".join(sections)


def _render_persona(persona: Persona) -> str:
    return (
        f"{persona.age}, {persona.register}, {persona.mood}, 입력: {persona.typing}, 양: {persona.amount}, "
        f"서두름: {persona.pace}, 말씨: {persona.dialect}"
    )


def _render_shops(environment: Environment, steps: Sequence[Step]) -> list[str]:
    """Return two lines a restaurant; the menu of one that nothing in the scenario is about is left out."""
    handles, lines = Handles(environment), list[str]()
    relevant = _find_relevant(environment, handles, steps)
    sold_out = environment.opening.sold_out
    for number, shop in enumerate(environment.restaurants, start=1):
        state = "영업 중" if environment.is_open(shop) else "영업 종료"
        lines.append(
            f"R{number} {shop.name} | {shop.category} | 평점 {shop.rating_avg} | {state}({shop.hours}) | "
            f"최소 {shop.min_order_amount} | 배달비 {shop.delivery_fee}"
        )
        dishes = [(str(handles.handle_of(dish.id)), dish) for dish in shop.dishes]
        if f"R{number}" in relevant:
            told = (f"{m} {d.name} {d.price}{'(품절)' if m in sold_out else ''}" for m, d in dishes)
            lines.append("  " + ", ".join(told))
        else:
            lines.append(f"  메뉴 생략({dishes[0][0]}~{dishes[-1][0]})")
    return lines


def _find_relevant(environment: Environment, handles: Handles, steps: Sequence[Step]) -> set[str]:
    """Return the restaurants whose menu a writer needs: named by a handle anywhere, or found by a dish's name.

    Which restaurants a search finds by their own names is seen without the menu.
    """
    named = set(_HANDLE.findall(_dump_handles(environment.opening, steps)))
    queries = [str(step.filters["query"]) for step in steps if "query" in step.filters]
    return {
        f"R{number}"
        for number, shop in enumerate(environment.restaurants, start=1)
        if f"R{number}" in named
        or any(handles.handle_of(dish.id) in named for dish in shop.dishes)
        or any(_is_found_by_dish(shop, query) for query in queries)
    }


def _dump_handles(opening: Opening, steps: Sequence[Step]) -> str:
    """Return as JSON everything in a scenario that may name a restaurant or a dish."""
    told = [step.model_dump(mode="json", exclude_defaults=True) for step in steps]
    things = [entry.model_dump(mode="json") for entry in (*opening.cart, *opening.happenings)]
    return orjson.dumps([told, things, opening.sold_out]).decode()


def _is_found_by_dish(shop: Restaurant, query: str) -> bool:
    """Tell whether `search_restaurants` finds the restaurant, and would not by its name alone."""
    name = fold_text(shop.name)
    menu = "\n".join((name, *(fold_text(dish.name) for dish in shop.dishes)))
    words = [fold_text(word) for word in query.split()]
    return all(word in menu for word in words) and not all(word in name for word in words)


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


def _render_happening(happening: Happening) -> str:
    target = f"{happening.target} " if happening.target else ""
    return f"- {happening.before} {happening.nth}번째 호출 직전: {target}{CHANGE_LABELS[happening.what]}"


def _render_list(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *lines] if lines else []


def _render_steps(steps: Sequence[Step]) -> list[str]:
    lines: list[str] = []
    for number, step in enumerate(steps, start=1):
        fields = step.model_dump(mode="json", exclude_defaults=True, exclude={"intent"})
        lines.append(f"{number}. {INTENT_LABELS[step.intent]} {orjson.dumps(fields).decode()}")
    return lines
