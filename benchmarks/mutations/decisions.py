"""Decides how what the counsellor does is made wrong, all responses true: the calls are performed again."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Final, cast

from benchmarks.mutations.base import (
    NUMERALS,
    PAYMENTS,
    UUID,
    Mutation,
    calls_of,
    indexes_of,
    is_refusal,
    meta_of,
    perform_again,
    perform_with,
    read_turns,
    response_to,
    spoken_by,
    walk_objects,
    with_turns,
)
from datagen_core.config import NO_CALL_KINDS, PAYMENT_METHODS
from datagen_core.dialogue.models import ToolCall, Turn
from datagen_core.files import JsonObject

_NO_YES: Final = (
    "음, 조금만 더 생각해 볼게요. 결제는 {}로 할까 싶은데…",
    "아직 주문하지 마세요. 하게 되면 {}로 할 거예요.",
    "{}로 결제하면 할인되나요?",
    "생각보다 비싸네요. {}도 되긴 하죠?",
    "잠깐만요, 남편한테 물어보고 올게요. {}로 낼지도 모르겠어요.",
    "배달비가 왜 이렇게 나와요? {}면 좀 싸요?",
    "주문은 나중에 할게요. 그때는 {}로요.",
    "{}로 낼 수 있는지만 궁금했어요.",
    "아니요, 아직이요. {} 한도부터 볼게요.",
    "그럼 {}로 하면 영수증은 어떻게 나와요?",
)


def change_quantity(record: JsonObject, rng: Random) -> JsonObject | None:
    """Another quantity than the customer said is put in, and the counsellor says so as if it were right."""
    turns = read_turns(record)
    said = {
        NUMERALS.get(word) or int(word)
        for word in re.findall(r"\d+|" + "|".join(NUMERALS), spoken_by(turns, "customer"))
    }
    places = [
        place
        for place in calls_of(turns, "add_to_cart", "update_cart_item")
        if "quantity" in place.call.arguments and not is_refusal(response_to(turns, place))
    ]
    if not places:
        return None
    place = rng.choice(places)
    before = cast("int", place.call.arguments["quantity"])
    wrong = rng.choice([number for number in range(1, 30) if number != before and number not in said][:4])
    return perform_with(record, turns, place, "quantity", wrong)


def change_payment(record: JsonObject, rng: Random) -> JsonObject | None:
    """It is paid otherwise than the customer said."""
    turns = read_turns(record)
    places = calls_of(turns, "place_order")
    if not places:
        return None
    place = rng.choice(places)
    said = spoken_by(turns, "customer")
    others = [
        method
        for method in PAYMENT_METHODS
        if method != place.call.arguments["payment_method"] and PAYMENTS[method] not in said
    ]
    return perform_with(record, turns, place, "payment_method", rng.choice(others)) if others else None


def change_saved_address(record: JsonObject, rng: Random) -> JsonObject | None:
    """Checkout is prepared for another saved address than the customer chose, and told so."""
    turns = read_turns(record)
    for place in calls_of(turns, "prepare_checkout"):
        chosen = place.call.arguments.get("address_id")
        shown = [
            found
            for earlier in calls_of(turns[: place.turn], "list_addresses")
            for found in walk_objects(response_to(turns, earlier))
            if found.get("address_id") not in (None, chosen)
        ]
        if shown and not is_refusal(response_to(turns, place)):
            return perform_with(record, turns, place, "address_id", rng.choice(shown)["address_id"])
    return None


def change_line_of_address(record: JsonObject, rng: Random) -> JsonObject | None:
    """An address is saved with a street number, unit or recipient that the customer did not say."""
    turns = read_turns(record)
    places = calls_of(turns, "upsert_address")
    if not places:
        return None
    place = rng.choice(places)
    name = rng.choice([field for field in ("recipient_name", "line1", "line2") if field in place.call.arguments])
    value = str(place.call.arguments[name])
    number = re.search(r"\d+", value)
    wrong = value.replace(number[0], str(int(number[0]) + rng.choice((1, 2, 10))), 1) if number else value[0] + "하늘"
    return (
        None
        if wrong in spoken_by(turns, "customer") or wrong == value
        else perform_with(record, turns, place, name, wrong)
    )


def order_without_yes(record: JsonObject, rng: Random) -> JsonObject | None:
    """The customer hesitates, asks or says no, and it is ordered all the same; how to pay was said."""
    turns = read_turns(record)
    places = [place for place in calls_of(turns, "place_order") if not is_refusal(response_to(turns, place))]
    if not places:
        return None
    place = places[0]
    index = indexes_of(turns[: place.turn], "customer")[-1]
    prepared = calls_of(turns[:index], "prepare_checkout")
    if not prepared:
        return None
    method = PAYMENTS[str(place.call.arguments["payment_method"])]
    line = rng.choice(_NO_YES).format(method)
    return with_turns(record, [*turns[:index], replace(turns[index], text=line), *turns[index + 1 :]])


def order_unasked(record: JsonObject, rng: Random) -> JsonObject | None:
    """The customer only wanted to know the total, and it is ordered at once."""
    turns = read_turns(record)
    places = [place for place in calls_of(turns, "prepare_checkout") if not is_refusal(response_to(turns, place))]
    if not places or calls_of(turns, "place_order"):
        return None
    place = places[-1]
    arguments: JsonObject = {"snapshot": response_to(turns, place), "payment_method": rng.choice(PAYMENT_METHODS)}
    call = (Turn("call", calls=(ToolCall("place_order", arguments),)), Turn("response", responses=(None,)))
    at = place.turn + 2
    return with_turns(record, perform_again(record, [*turns[:at], *call, *turns[at:]]))


def repeat_call(record: JsonObject, rng: Random) -> JsonObject | None:
    """A look-up is made twice in a row, for nothing."""
    turns = read_turns(record)
    look_ups = ("search_restaurants", "get_restaurant_detail", "get_cart", "list_addresses", "get_order_status")
    places = [place for place in calls_of(turns, *look_ups) if len(turns[place.turn].calls) == 1]
    if not places:
        return None
    at = rng.choice(places).turn
    return with_turns(record, perform_again(record, [*turns[: at + 2], *turns[at:]]))


def add_twice(record: JsonObject, rng: Random) -> JsonObject | None:
    """A dish is put into the cart a second time."""
    turns = read_turns(record)
    places = [
        p
        for p in calls_of(turns, "add_to_cart")
        if not is_refusal(response_to(turns, p)) and len(turns[p.turn].calls) == 1
    ]
    if not places:
        return None
    at = rng.choice(places).turn
    return with_turns(record, perform_again(record, [*turns[: at + 2], *turns[at:]]))


def call_needlessly(record: JsonObject, rng: Random) -> JsonObject | None:
    """A dialogue that needs no tool calls one, and nothing is wrong with the call."""
    if meta_of(record)["kind"] not in NO_CALL_KINDS:
        return None
    turns = read_turns(record)
    user: JsonObject = {"user_id": record["uid"]}
    calls = [ToolCall("get_cart", user), ToolCall("list_addresses", user), ToolCall("search_restaurants", {})]
    number = UUID.search(spoken_by(turns, "customer"))
    if number:
        calls.append(ToolCall("get_order_status", {**user, "order_id": number[0]}))
    at = rng.choice(indexes_of(turns, "counsellor"))
    at = max(
        at,
        next(
            (i for i in indexes_of(turns, "counsellor") if number and number[0] in spoken_by(turns[:i], "customer")), at
        ),
    )
    exchange = (Turn("call", calls=(rng.choice(calls),)), Turn("response", responses=(None,)))
    return with_turns(record, perform_again(record, [*turns[:at], *exchange, *turns[at:]]))


MUTATIONS: Final = (
    Mutation("quantity, performed", change_quantity),
    Mutation("payment method, performed", change_payment),
    Mutation("another saved address, performed", change_saved_address),
    Mutation("address saved wrongly, performed", change_line_of_address),
    Mutation("order without a yes", order_without_yes),
    Mutation("order unasked, performed", order_unasked),
    Mutation("look-up repeated, performed", repeat_call, "W"),
    Mutation("dish added twice, performed", add_twice, "W"),
    Mutation("needless call, performed", call_needlessly),
)
