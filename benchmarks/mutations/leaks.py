"""Decides what leaks into a line: handles, tags, special tokens, JSON, tool names, the prompt, blanks nobody filled."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

import re
from random import Random
from typing import Final

import orjson

from benchmarks.mutations.base import (
    Mutation,
    add_sentence,
    read_turns,
    responses_of,
    speak,
    walk_objects,
)
from datagen_core.config import TOOL_NAMES
from datagen_core.files import JsonObject

_HANDLE_LEAKS: Final = (
    "R1에서 M3을 골라 주시면 됩니다.",
    "찾으시는 곳은 R2입니다.",
    "`R1`의 메뉴를 보여 드렸습니다.",
    "C1은 장바구니에 있습니다.",
    "배송지 A1로 보내 드립니다.",
    "S1 내용으로 진행하면 됩니다.",
    "주문 O1을 확인했습니다.",
    "M12를 추천해 드립니다.",
    "주문 번호는 {O1}입니다.",
    "[R3] 식당이 더 가깝습니다.",
    "(M5) 메뉴가 인기입니다.",
)
_TAG_LEAKS: Final = (
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<tools>",
    "</tools>",
    "<tool_call>get_cart</tool_call>",
    "<tool_response>{}</tool_response>",
    "<tools></tools>",
    "<tool_call",
)
_SPECIAL: Final = (
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<think>",
    "</think>",
    "[INST]",
    "[/INST]",
    "<|im_start|>assistant",
    "<s>",
    "</s>",
    "<|eot_id|>",
    "<|system|>",
    "<<SYS>>",
    "<|fim_prefix|>",
)
_PROMPT_LEAKS: Final = (
    "저는 AI 언어 모델로서 답변을 드립니다.",
    "시스템 프롬프트에 따라 안내해 드립니다.",
    "제 지시 사항에는 존댓말을 쓰라고 되어 있습니다.",
    "시나리오에 따라 다음 단계로 넘어가겠습니다.",
    "API 응답을 확인해 보겠습니다.",
    "저는 대규모 언어 모델이라 한계가 있습니다.",
    "JSON 형식으로 응답했습니다.",
    "도구 호출 결과는 위와 같습니다.",
    "함수를 호출해 보았습니다.",
    "스크립트의 다음 줄입니다.",
)
_PLACEHOLDERS: Final = (
    "[고객 이름] 님, 감사합니다.",
    "{restaurant_name}에서 주문하셨습니다.",
    "총액은 {total}원입니다.",
    "<주소>로 보내 드립니다.",
    "주문 번호는 [주문번호]입니다.",
    "{{menu_name}} 메뉴입니다.",
    "결제 금액은 XXX원입니다.",
    "식당은 ○○식당입니다.",
    "[식당명]의 메뉴입니다.",
    "주문 번호는 {order_id}입니다.",
    "TODO: 금액을 넣을 것",
    "${name} 고객님, 반갑습니다.",
)
"""Damage: what a careless writer leaves to be filled in. TODO and XXX stand here as data, not as work left open."""


def leak_handle(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor says a handle of the script."""
    return add_sentence(record, rng, _HANDLE_LEAKS)


def replace_name_by_handle(record: JsonObject, rng: Random) -> JsonObject | None:
    """A handle stands where the counsellor named a restaurant or dish."""
    turns = read_turns(record)
    objects = list(walk_objects(responses_of(turns)))
    names = [str(found[key]) for found in objects for key in ("name", "menu_name") if key in found]
    handle = rng.choice("RMC") + str(rng.randrange(1, 10))

    def edit(text: str) -> str | None:
        named = [name for name in names if name in text]
        return text.replace(max(named, key=len), handle) if named else None

    return speak(record, rng, edit)


def _insert(record: JsonObject, rng: Random, pieces: tuple[str, ...]) -> JsonObject | None:
    """Put a piece within or after a line of the customer or the counsellor."""
    piece = rng.choice(pieces)

    def edit(text: str) -> str:
        spaces = [match.start() for match in re.finditer(" ", text)]
        place = rng.choice([*spaces, len(text)])
        return f"{text[:place]} {piece}{text[place:]}"

    return speak(record, rng, edit, role=rng.choice(("customer", "counsellor")))


def leak_tag(record: JsonObject, rng: Random) -> JsonObject | None:
    """A tag of calls or responses stands in a line."""
    return _insert(record, rng, _TAG_LEAKS)


def leak_special_token(record: JsonObject, rng: Random) -> JsonObject | None:
    """A token with which chat templates part messages stands in a line."""
    return _insert(record, rng, _SPECIAL)


def leak_json(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor reads out JSON."""
    objects = [found for found in walk_objects(responses_of(read_turns(record))) if found]
    picked = rng.choice(objects) if objects else {"status": "ok"}
    few = dict(list(picked.items())[:3])
    written = orjson.dumps(few).decode()
    forms = (
        written,
        f"```json\n{written}\n```",
        f"결과: {written}",
        f"[{written}]",
        str(few),
        f"응답은 {written}입니다.",
    )
    piece = rng.choice(forms)
    return speak(record, rng, lambda text: f"{text} {piece}")


def leak_tool_name(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor names a tool."""
    name = rng.choice(TOOL_NAMES)
    forms = (
        f"{name}로 확인했습니다.",
        f"`{name}` 결과를 알려 드립니다.",
        f"지금 {name}을 실행하겠습니다.",
        f"{name}() 호출이 필요합니다.",
        f"{name} 도구를 사용했습니다.",
        f"({name})",
        f"{name.upper()} 기능으로 조회했습니다.",
        f"저는 {name} 함수를 쓸 수 있습니다.",
    )
    return add_sentence(record, rng, forms)


def leak_prompt(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor speaks of what he is made of or told to do."""
    return add_sentence(record, rng, _PROMPT_LEAKS)


def leave_placeholder(record: JsonObject, rng: Random) -> JsonObject | None:
    """A blank that nobody filled stands in a line of the counsellor."""
    return add_sentence(record, rng, _PLACEHOLDERS)


MUTATIONS: Final = (
    Mutation("handle leaked", leak_handle),
    Mutation("handle for a name", replace_name_by_handle),
    Mutation("tag leaked", leak_tag),
    Mutation("special token", leak_special_token),
    Mutation("JSON in text", leak_json),
    Mutation("tool name in text", leak_tool_name),
    Mutation("prompt leaked", leak_prompt),
    Mutation("placeholder left", leave_placeholder),
)
