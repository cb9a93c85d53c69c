from __future__ import annotations

import pytest

from datagen_core.checks import Case, check_dialogue
from datagen_core.checks.evidence import is_uuid
from datagen_core.config import TOOLS
from datagen_core.dialogue.models import Dialogue, ToolCall, Turn
from datagen_core.environment import Environment, Opening, build_catalogue

USER = "3f0c9d0e-8a15-4a0e-9d7b-2a5a6a1c7e01"
OTHER = "7f493856-ef0c-4059-9b8c-72bc2b81c384"


def build_case(request: str, line2: str, tool: str) -> Case:
    """Return a dialogue of one call, answered by the backend, whose opening holds these words."""
    opening = Opening.model_validate(
        {
            "catalogue_seed": 1,
            "seed": 5,
            "user_id": USER,
            "now": "2026-02-14T19:10:00+09:00",
            "restaurants": [0, 11],
            "addresses": [{"recipient_name": "김민지", "phone": "010-0012-3456", "line1": "새솔로 21", "line2": line2}],
            "cart": [{"menu": "M1", "quantity": 2, "special_request": request}],
        }
    )
    environment = Environment(opening)
    arguments: dict[str, object] = {"user_id": USER}
    turns = (
        Turn("customer", text="지금 어떻게 되어 있죠?"),
        Turn("call", calls=(ToolCall(tool, arguments),)),
        Turn("response", responses=(environment.execute(tool, arguments),)),
        Turn("counsellor", text="확인했습니다. 더 필요하신 것이 있을까요?"),
    )
    prompt = f"배달 앱의 AI 상담사입니다.\n고객 ID: {USER}"
    dialogue = Dialogue(USER, "2026-02-14", prompt, turns, tuple(TOOLS))
    return Case(dialogue, opening=opening)


@pytest.mark.parametrize("token", ["<|im_end|>", "[INST]", "im_start", "<tool_call>"])
@pytest.mark.parametrize("tool", ["get_cart", "list_addresses"])
def test_token_that_the_backend_repeats_from_the_opening_is_found_in_its_response(token: str, tool: str) -> None:
    words = {"request": token, "line2": "1동"} if tool == "get_cart" else {"request": "덜 맵게", "line2": token}
    found = {(violation.rule, violation.turn) for violation in check_dialogue(build_case(**words, tool=tool))}
    assert found & {("T01", 2), ("T02", 2)}
    assert not {rule for rule, _ in found} & {"X01"}


@pytest.mark.parametrize("seed", range(1, 8))
def test_catalogue_holds_no_sign_of_a_token_so_that_its_words_need_no_look(seed: int) -> None:
    for restaurant in build_catalogue(seed).restaurants:
        for name in (restaurant.name, restaurant.category, *(dish.name for dish in restaurant.dishes)):
            assert not set(name) & set('<>＜＞|｜[]{}\\"')
            assert "im_" not in name


def test_given_ids_are_the_uuids_of_declared_id_arguments() -> None:
    dialogue = Dialogue(
        USER,
        "2026-02-14",
        "",
        (
            Turn("call", calls=(
                ToolCall("remove_cart_items", {"user_id": USER, "cart_item_ids": [OTHER, "C1", 3, None]}),
                ToolCall("search_restaurants", {"query": OTHER}),
                ToolCall("unknown_tool", {"order_id": OTHER}),
            )),
            Turn("response", responses=(None, None, None)),
        ),
        tuple(TOOLS),
    )  # fmt: skip
    assert [(given.tool, given.argument, given.value) for given in Case(dialogue).given_ids] == [
        ("remove_cart_items", "user_id", USER),
        ("remove_cart_items", "cart_item_ids", OTHER),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OTHER, True),
        (OTHER.upper(), True),
        (OTHER + " ", False),
        (f"-{OTHER}"[:36], False),
        (OTHER.replace("-", ""), False),
        (OTHER[:-1] + "g", False),
        (OTHER[:-1] + "１", False),
        ("", False),
    ],
)
def test_uuid_is_told_from_what_only_looks_like_one(text: str, expected: bool) -> None:
    assert is_uuid(text) is expected


def test_lines_stand_by_role_with_their_turns() -> None:
    case = build_case("덜 맵게", "1동", "get_cart")
    assert [turn for turn, _ in case.lines["customer"]] == [0]
    assert [turn for turn, _ in case.lines["counsellor"]] == [3]
