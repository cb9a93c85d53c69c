"""Decides how what stands around the messages is damaged: fields, tools, dates, the system prompt, labels."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Final, cast

from benchmarks.mutations.base import (
    UUID,
    Mutation,
    calls_of,
    meta_of,
    perform_again,
    place_sentence,
    read_turns,
    speak,
    with_argument,
    with_turns,
)
from benchmarks.mutations.ids import change_digit
from datagen_core.config import NO_CALL_KINDS
from datagen_core.files import JsonObject

_FIELDS: Final = ("tools", "uid", "dates", "system_prompt", "messages")
_WEEKDAYS: Final = "월화수목금토일"
_IMPOSSIBLE: Final = (
    "2026-02-30",
    "2026-13-01",
    "2026-00-10",
    "2026-04-31",
    "2025-02-29",
    "2026-06-00",
    "2026-9-31",
    "26-02-30",
)


def drop_record_field(record: JsonObject, rng: Random) -> JsonObject | None:
    """A field of the record is missing."""
    del record[rng.choice(_FIELDS)]
    return record


def mistype_record_field(record: JsonObject, rng: Random) -> JsonObject | None:
    """A field of the record is null, a number, or text where it is a list."""
    record[rng.choice(_FIELDS)] = rng.choice((None, 7, {}, True))
    return record


def empty_messages(record: JsonObject, rng: Random) -> JsonObject | None:
    """There are no messages, or they are one string."""
    record["messages"] = rng.choice(([], "", "고객: 안녕하세요", {}))
    return record


def mistake_uid(record: JsonObject, rng: Random) -> JsonObject | None:
    """The customer of the record is not the one of the system prompt."""
    record["uid"] = change_digit(str(record["uid"]), rng)
    return record


def mistake_customer_of_prompt(record: JsonObject, rng: Random) -> JsonObject | None:
    """The system prompt names another customer, or none."""
    prompt = str(record["system_prompt"])
    other = change_digit(str(record["uid"]), rng)
    record["system_prompt"] = UUID.sub(lambda _: rng.choice((other, other, "미상", "")), prompt)
    return record


def blank_prompt(record: JsonObject, rng: Random) -> JsonObject | None:
    """The system prompt is empty, or another assistant's."""
    record["system_prompt"] = rng.choice(
        (
            "",
            " ",
            "You are a helpful assistant.",
            "You are Qwen, created by Alibaba Cloud.",
            "당신은 친절한 상담사입니다.",
        )
    )
    return record


def take_impossible_date(record: JsonObject, rng: Random) -> JsonObject | None:
    """The record is of a day that no calendar has."""
    wrong, right = rng.choice(_IMPOSSIBLE), str(record["dates"])
    record["dates"] = wrong
    if rng.random() < 0.5:
        record["system_prompt"] = str(record["system_prompt"]).replace(right, wrong)
    return record


def take_other_date(record: JsonObject, rng: Random) -> JsonObject | None:
    """The record is of another day than the system prompt says."""
    year, month, day = str(record["dates"]).split("-")
    record["dates"] = rng.choice((f"{int(year) - 1}-{month}-{day}", f"{year}-{month}-{int(day) % 28 + 1:02}"))
    return record


def mistake_weekday(record: JsonObject, rng: Random) -> JsonObject | None:
    """The system prompt gives today's date another weekday."""

    def change(match: re.Match[str]) -> str:
        return f"({rng.choice([day for day in _WEEKDAYS if day != match[1]])})"

    record["system_prompt"] = re.sub(r"\(([월화수목금토일])\)", change, str(record["system_prompt"]))
    return record


def say_wrong_day(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor gives today another date or weekday than the system prompt."""
    found = re.search(r"\(([월화수목금토일])\)", str(record["system_prompt"]))
    if found is None:
        return None
    wrong = rng.choice([day for day in _WEEKDAYS if day != found[1]])
    _, month, day = map(int, str(record["dates"]).split("-"))
    sentences = (
        f"오늘은 {wrong}요일입니다.",
        f"오늘이 {month}월 {day}일 {wrong}요일이라 그렇습니다.",
        f"{month}월 {day}일({wrong}) 기준으로 안내해 드렸습니다.",
        f"오늘은 {month}월 {day % 28 + 1}일입니다.",
        f"오늘 날짜 {month % 12 + 1}월 {day}일 기준입니다.",
        "오늘은 2월 30일이니 참고해 주세요.",
        f"지금은 {wrong}요일이어서 그렇게 보입니다.",
        f"{rng.choice(_IMPOSSIBLE[:6])} 기준 정보입니다.",
    )
    sentence = rng.choice(sentences)
    return speak(record, rng, lambda text: place_sentence(text, sentence, rng))


def ask_impossible_time(record: JsonObject, rng: Random) -> JsonObject | None:
    """A restaurant's hours are looked up for a moment that does not exist; performed."""
    turns = read_turns(record)
    places = [place for place in calls_of(turns, "get_restaurant_detail") if "at" in place.call.arguments]
    if not places:
        return None
    wrong = rng.choice(("2026-02-30T19:00:00+09:00", "2026-04-31T12:00:00+09:00", "2026-05-01T25:00:00+09:00"))
    return with_turns(record, perform_again(record, with_argument(turns, rng.choice(places), "at", wrong)))


def ask_other_time(record: JsonObject, rng: Random) -> JsonObject | None:
    """A restaurant's hours are looked up for another day or hour than the customer named; performed."""
    turns = read_turns(record)
    places = [place for place in calls_of(turns, "get_restaurant_detail") if "at" in place.call.arguments]
    if not places:
        return None
    place = rng.choice(places)
    at = str(place.call.arguments["at"])
    hour = (int(at[11:13]) + rng.choice((1, 2, 3, 5))) % 24
    wrong = f"{at[:11]}{hour:02}{at[13:]}" if rng.random() < 0.5 else f"{int(at[:4]) - 1}{at[4:]}"
    return with_turns(record, perform_again(record, with_argument(turns, place, "at", wrong)))


def damage_tools(record: JsonObject, rng: Random) -> JsonObject | None:
    """The declarations are no sound schemas: an unknown key required, a name twice, a type that does not exist."""
    tools = cast("list[dict[str, dict[str, object]]]", record["tools"])
    tool = rng.choice(tools)
    function = tool["function"]
    parameters = cast("JsonObject", function["parameters"])
    ways: tuple[Callable[[], object], ...] = (
        lambda: parameters.update(required=["no_such_field"]),
        lambda: parameters.update(required="user_id"),
        lambda: tools.append(tool),
        lambda: parameters.update(type="objekt"),
        lambda: parameters.update(properties=[]),
        lambda: function.pop("name"),
        lambda: function.update(parameters="없음"),
        lambda: parameters.update(properties={"user_id": {"type": "strng"}}, required=[]),
        lambda: parameters.update(properties={"user_id": {"type": "string", "pattern": "("}}, required=[]),
        lambda: function.update(name=""),
    )
    rng.choice(ways)()
    return record


def undeclare_tool(record: JsonObject, rng: Random) -> JsonObject | None:
    """A tool that is called is not among the declared ones, or is declared under another name."""
    places = calls_of(read_turns(record))
    if not places:
        return None
    name = rng.choice(places).call.name
    tools = cast("list[dict[str, dict[str, object]]]", record["tools"])
    renames = rng.random() < 0.5
    for tool in [tool for tool in tools if tool["function"]["name"] == name]:
        if renames:
            tool["function"]["name"] = f"{name}_v2"
        else:
            tools.remove(tool)
    return record


def mistake_kind(record: JsonObject, rng: Random) -> JsonObject | None:
    """The record says that no tool was needed where one was called, or the other way round."""
    has_calls = bool(calls_of(read_turns(record)))
    wrong = sorted(NO_CALL_KINDS) if has_calls else ["tool_use", "partial", "error_recovery", "correction"]
    meta_of(record)["kind"] = rng.choice(wrong)
    return record


def mistake_category(record: JsonObject, rng: Random) -> JsonObject | None:
    """A gold record is filed under a category whose tool it never calls, or that allows none of its calls."""
    meta = meta_of(record)
    called = {place.call.name for place in calls_of(read_turns(record))}
    needed = {"주문 처리": "place_order", "주문 이력/상태": "get_order_status", "단순/연속 검색": "search_restaurants"}
    wrong = [category for category, tool in needed.items() if tool not in called]
    if called:
        wrong.append("비지원 시나리오")
    wrong = [category for category in wrong if category != meta["category"]]
    if meta["category"] is None or not wrong:
        return None
    meta["category"] = rng.choice(wrong)
    return record


MUTATIONS: Final = (
    Mutation("record field missing", drop_record_field),
    Mutation("record field mistyped", mistype_record_field),
    Mutation("no messages", empty_messages),
    Mutation("uid of another customer", mistake_uid),
    Mutation("system prompt: customer", mistake_customer_of_prompt),
    Mutation("system prompt: blank or foreign", blank_prompt),
    Mutation("date impossible", take_impossible_date),
    Mutation("date another", take_other_date),
    Mutation("system prompt: weekday", mistake_weekday),
    Mutation("text: today's date or weekday", say_wrong_day),
    Mutation("time impossible, performed", ask_impossible_time),
    Mutation("time another, performed", ask_other_time),
    Mutation("tool declarations unsound", damage_tools),
    Mutation("called tool not declared", undeclare_tool),
    Mutation("kind mislabelled", mistake_kind),
    Mutation("gold category mislabelled", mistake_category),
)
