from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest
from environment_world import STRANGER, UNKNOWN, USER, Desk

from datagen_core.config import ERROR_CODES, TOOL_NAMES
from datagen_core.environment import CartLine, Environment, PastOrder, is_error


def items_of(cart: dict[str, object]) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", cart["items"])


# Searching


def test_search_without_conditions_lists_everything_in_the_openings_order() -> None:
    desk = Desk(restaurants=(2, 0, 1))
    response = desk.ask("search_restaurants")
    assert [item["name"] for item in items_of(response)] == ["솔바람족발 서교점", "느티골반점", "달무리 분식"]
    assert response["pagination"] == {"page": 1, "page_size": 20, "total_items": 3, "total_pages": 1}
    assert response["applied_filters"] == dict.fromkeys(("query", "category", "min_rating", "only_open", "sort"), None)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"query": "짬뽕"}, ["R1"]),
        ({"query": "느티골반점 짜장면"}, ["R1"]),
        ({"query": "참치김밥"}, ["R2"]),
        ({"query": "  참치\t김밥 "}, ["R2"]),
        ({"query": "짜장면 떡볶이"}, []),
        ({"query": "만두"}, []),
        ({"query": "면\n짬"}, ["R1"]),
        ({"category": "야식"}, ["R3"]),
        ({"category": "야식", "query": "짬뽕"}, []),
        ({"min_rating": 4.6}, ["R1", "R2", "R3"]),
        ({"min_rating": 4.7}, ["R2"]),
        ({"only_open": True}, ["R1", "R2"]),
        ({"only_open": False}, ["R1", "R2", "R3"]),
        ({"sort": "relevance"}, ["R1", "R2", "R3"]),
        ({"sort": "rating"}, ["R2", "R1", "R3"]),
        ({"sort": "delivery_fee"}, ["R3", "R1", "R2"]),
    ],
)
def test_search_conditions(filters: dict[str, object], found: list[str]) -> None:
    assert Desk().names(**filters) == found


def test_a_decomposed_query_finds_what_the_composed_one_does() -> None:
    import unicodedata

    assert Desk().names(query=unicodedata.normalize("NFD", "짬뽕")) == ["R1"]


def test_search_echoes_what_was_asked() -> None:
    filters = {"query": "짬뽕", "category": "중식", "min_rating": 4, "only_open": True, "sort": "rating"}
    assert Desk().ask("search_restaurants", filters)["applied_filters"] == filters


def test_detail_shows_the_menu_and_the_clock() -> None:
    desk = Desk(sold_out=("M2",))
    detail = desk.ask("get_restaurant_detail", {"restaurant_id": desk.id("R1")})
    assert detail["checked_at"] == "2026-02-14T12:10:10+09:00"
    assert detail["is_open"] is True
    menus = cast("list[dict[str, object]]", detail["menus"])
    assert [(dish["name"], dish["price"], dish["is_available"]) for dish in menus] == [
        ("짜장면", 7000, True),
        ("짬뽕", 8500, False),
        ("탕수육(소)", 16000, True),
    ]


@pytest.mark.parametrize(
    ("at", "checked_at", "is_open"),
    [
        ("2026-02-14T16:59:59+09:00", "2026-02-14T16:59:59+09:00", False),
        ("2026-02-14T17:00:00+09:00", "2026-02-14T17:00:00+09:00", True),
        ("2026-02-14T16:30:00Z", "2026-02-15T01:30:00+09:00", True),
        ("2026-02-15T01:59:59.5+09:00", "2026-02-15T01:59:59+09:00", True),
        ("2026-02-15T02:00:00+09:00", "2026-02-15T02:00:00+09:00", False),
    ],
)
def test_detail_at_a_moment(at: str, checked_at: str, is_open: bool) -> None:
    desk = Desk()
    detail = desk.ask("get_restaurant_detail", {"restaurant_id": desk.id("R3"), "at": at})
    assert (detail["checked_at"], detail["is_open"]) == (checked_at, is_open)


@pytest.mark.parametrize(
    "at",
    ["2026-02-30T10:00:00+09:00", "내일 6시", "2026-02-14T10:00:00", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
)
def test_a_moment_that_cannot_be_is_refused(at: str) -> None:
    desk = Desk()
    assert desk.code("get_restaurant_detail", {"restaurant_id": desk.id("R1"), "at": at}) == "INVALID_ARGUMENT"


def test_a_restaurant_shut_today_is_open_again_tomorrow() -> None:
    desk = Desk(closed=("R3",))
    shop = desk.id("R3")
    for at, is_open in [("2026-02-14T23:00:00+09:00", False), ("2026-02-15T01:00:00+09:00", False)]:
        assert desk.ask("get_restaurant_detail", {"restaurant_id": shop, "at": at})["is_open"] is is_open
    later = desk.ask("get_restaurant_detail", {"restaurant_id": shop, "at": "2026-02-15T23:00:00+09:00"})
    assert later["is_open"] is True


# The cart


def test_the_cart_is_null_until_something_is_added() -> None:
    desk = Desk()
    assert desk.call("get_cart") is None
    assert desk.add("R1", "M1", 2) == desk.call("get_cart")


def test_a_cart_adds_up() -> None:
    desk = Desk()
    desk.add("R1", "M1", 2)
    cart = desk.add("R1", "M3", 1, "소스 따로 주세요")
    assert [(line["menu_name"], line["quantity"], line["line_total"]) for line in items_of(cart)] == [
        ("짜장면", 2, 14000),
        ("탕수육(소)", 1, 16000),
    ]
    assert items_of(cart)[1]["special_request"] == "소스 따로 주세요"
    assert (cart["item_count"], cart["subtotal"], cart["user_id"]) == (3, 30000, USER)


def test_the_same_dish_with_the_same_request_goes_to_one_line() -> None:
    desk = Desk()
    desk.add("R1", "M1", 1)
    desk.add("R1", "M1", 1, "곱빼기")
    cart = desk.add("R1", "M1", 2)
    assert [line["quantity"] for line in items_of(cart)] == [3, 1]


def test_adding_from_another_restaurant_starts_a_new_cart() -> None:
    desk = Desk()
    first = desk.add("R1", "M1", 1)
    second = desk.add("R2", "M4", 1)
    assert second["cart_id"] != first["cart_id"]
    assert [line["menu_name"] for line in items_of(second)] == ["떡볶이"]


def test_updating_changes_only_what_is_given() -> None:
    desk = Desk(cart=(CartLine(menu="M1", quantity=2, special_request="덜 짜게"),))
    line = items_of(desk.ask("update_cart_item", {"cart_item_id": desk.id("C1"), "quantity": 5}))[0]
    assert (line["quantity"], line["special_request"], line["line_total"]) == (5, "덜 짜게", 35000)
    line = items_of(desk.ask("update_cart_item", {"cart_item_id": desk.id("C1"), "special_request": "맵게"}))[0]
    assert (line["quantity"], line["special_request"]) == (5, "맵게")


def test_removing_everything_leaves_an_empty_cart() -> None:
    desk = Desk(cart=(CartLine(menu="M1", quantity=2), CartLine(menu="M2", quantity=1)))
    ids = [desk.id("C2"), desk.id("C1")]
    before = cast("dict[str, object]", desk.call("get_cart"))
    cart = desk.ask("remove_cart_items", {"cart_item_ids": ids})
    assert cart["removed_cart_item_ids"] == ids
    assert (cart["items"], cart["item_count"], cart["subtotal"]) == ([], 0, 0)
    assert cart["cart_id"] == before["cart_id"] == desk.add("R1", "M1", 1)["cart_id"]


def test_removing_an_unknown_line_removes_none() -> None:
    desk = Desk(cart=(CartLine(menu="M1", quantity=2),))
    before = desk.call("get_cart")
    assert desk.code("remove_cart_items", {"cart_item_ids": [desk.id("C1"), UNKNOWN]}) == "CART_ITEM_NOT_FOUND"
    assert desk.call("get_cart") == before


# Addresses


def test_addresses_are_listed_without_their_secrets() -> None:
    desk = Desk()
    desk.call(
        "upsert_address",
        {"recipient_name": "이준", "phone": "010-0000-5678", "line1": "서울 성동구", "gate_password": "1234#"},
    )
    listed = cast("list[dict[str, object]]", desk.call("list_addresses"))
    assert [address["line2"] for address in listed] == ["3층", None]
    assert [address["is_default"] for address in listed] == [True, False]
    assert "1234#" not in str(listed)
    assert desk.environment.addresses[1].gate_password == "1234#"


def test_the_first_address_is_the_default_and_a_new_default_takes_its_place() -> None:
    desk = Desk(addresses=())
    person = {"recipient_name": "이준", "phone": "010-0000-5678", "line1": "서울 성동구"}
    first = desk.call("upsert_address", person)
    assert [address.is_default for address in desk.environment.addresses] == [True]
    desk.call("upsert_address", {**person, "is_default": True})
    assert [address.is_default for address in desk.environment.addresses] == [False, True]
    assert desk.handles.handle_of(cast("str", first)) == "A1"


def test_changing_an_address_keeps_what_is_not_given() -> None:
    desk = Desk()
    changed = {
        "recipient_name": "김민지",
        "phone": "010-0000-1234",
        "line1": "서울 은평구",
        "address_id": desk.id("A1"),
    }
    assert desk.call("upsert_address", changed) == desk.id("A1")
    (address,) = desk.environment.addresses
    assert (address.line1, address.line2, address.is_default) == ("서울 은평구", "3층", True)


# Orders


def test_the_full_way_from_cart_to_order() -> None:
    desk = Desk()
    desk.add("R1", "M1", 2)
    snapshot = desk.prepare(delivery_note="문 앞에 두고 벨 누르지 마")
    assert (snapshot["subtotal"], snapshot["total"]) == (14000, 16000)
    assert snapshot["delivery_note"] == "문 앞에 두고 벨 누르지 마"
    assert (snapshot["delivery_recipient_name"], snapshot["delivery_line2"]) == ("김민지", "3층")
    order_id = desk.call("place_order", {"snapshot": snapshot, "payment_method": "kakao"})
    assert desk.call("get_cart") is None
    (order,) = desk.environment.placed_orders
    assert (order.order_id, order.total, order.payment_method) == (order_id, 16000, "kakao")
    status = desk.ask("get_order_status", {"order_id": order_id})
    assert status["payment_status"] == "paid"
    assert status["paid_at"] == status["created_at"] == "2026-02-14T12:10:30+09:00"


def test_an_order_only_moves_forward_and_arrives() -> None:
    desk = Desk()
    desk.add("R1", "M3", 1)
    order_id = desk.call("place_order", {"snapshot": desk.prepare(), "payment_method": "card"})
    seen = [desk.ask("get_order_status", {"order_id": order_id})["status"] for _ in range(450)]
    assert list(dict.fromkeys(seen))[-3:] == ["preparing", "delivering", "delivered"]
    assert set(seen[:18]) == {"paid"}


def test_changes_through_a_response_do_not_reach_the_backend() -> None:
    desk = Desk()
    items_of(desk.add("R1", "M3", 1)).clear()
    snapshot = desk.prepare()
    snapshot["total"] = 1
    assert desk.code("place_order", {"snapshot": snapshot, "payment_method": "card"}) == "SNAPSHOT_INVALID"
    kept = desk.handles.resolve("S1")
    assert kept == desk.environment.snapshot != snapshot


@pytest.mark.parametrize(
    "change",
    [{"total": 18000.0}, {"total": 18001}, {"delivery_note": ""}, {"items": []}, {"extra": None}, {"items": None}],
)
def test_a_snapshot_must_be_equal_to_the_last_digit(change: dict[str, object]) -> None:
    desk = Desk()
    desk.add("R1", "M3", 1)
    snapshot = desk.prepare()
    assert (
        desk.code("place_order", {"snapshot": {**snapshot, **change}, "payment_method": "card"}) == "SNAPSHOT_INVALID"
    )
    assert isinstance(desk.call("place_order", {"snapshot": snapshot, "payment_method": "card"}), str)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("update_cart_item", {"cart_item_id": "C1", "quantity": 3}),
        ("remove_cart_items", {"cart_item_ids": ["C2"]}),
        ("add_to_cart", {"restaurant_id": "R1", "menu_item_id": "M1", "quantity": 1}),
        ("upsert_address", {"recipient_name": "이준", "phone": "010-0000-5678", "line1": "서울 성동구"}),
    ],
)
def test_any_change_after_preparing_makes_the_snapshot_stale(tool: str, arguments: dict[str, object]) -> None:
    desk = Desk(cart=(CartLine(menu="M3", quantity=1), CartLine(menu="M1", quantity=1)))
    snapshot = desk.prepare()
    given = {
        name: desk.handles.resolve(value) or value if isinstance(value, str) else value
        for name, value in arguments.items()
    }
    if tool == "remove_cart_items":
        given = {"cart_item_ids": [desk.id("C2")]}
    assert not is_error(desk.call(tool, given))
    assert desk.environment.snapshot is None
    assert desk.code("place_order", {"snapshot": snapshot, "payment_method": "card"}) == "SNAPSHOT_INVALID"


def test_a_snapshot_is_good_for_one_order() -> None:
    desk = Desk()
    desk.add("R1", "M3", 1)
    snapshot = desk.prepare()
    desk.call("place_order", {"snapshot": snapshot, "payment_method": "card"})
    assert desk.code("place_order", {"snapshot": snapshot, "payment_method": "card"}) == "SNAPSHOT_INVALID"


def test_looking_and_failing_leave_the_snapshot_good() -> None:
    desk = Desk()
    desk.add("R1", "M3", 1)
    snapshot = desk.prepare()
    desk.call("get_cart")
    desk.code("add_to_cart", {"restaurant_id": desk.id("R1"), "menu_item_id": UNKNOWN, "quantity": 1})
    assert isinstance(desk.call("place_order", {"snapshot": snapshot, "payment_method": "card"}), str)


# Refusals


def test_every_error_code_is_reached() -> None:
    desk = Desk(closed=("R2",), sold_out=("M2",), orders=(PastOrder(status="paid"),))
    shop, dish = desk.id("R1"), desk.id("M1")
    add = {"restaurant_id": shop, "menu_item_id": dish, "quantity": 1}
    address = {"address_id": desk.id("A1")}
    reached = {
        "CART_EMPTY": desk.code("prepare_checkout", address),
        "INVALID_ARGUMENT": desk.code("add_to_cart", {**add, "quantity": 0}),
        "FORBIDDEN": desk.code("get_cart", {"user_id": STRANGER}),
        "RESTAURANT_NOT_FOUND": desk.code("add_to_cart", {**add, "restaurant_id": UNKNOWN}),
        "RESTAURANT_CLOSED": desk.code(
            "add_to_cart", {**add, "restaurant_id": desk.id("R2"), "menu_item_id": desk.id("M4")}
        ),
        "MENU_ITEM_NOT_FOUND": desk.code("add_to_cart", {**add, "menu_item_id": desk.id("M4")}),
        "MENU_ITEM_UNAVAILABLE": desk.code("add_to_cart", {**add, "menu_item_id": desk.id("M2")}),
        "CART_ITEM_NOT_FOUND": desk.code("update_cart_item", {"cart_item_id": UNKNOWN, "quantity": 1}),
        "ORDER_NOT_FOUND": desk.code("get_order_status", {"order_id": UNKNOWN}),
        "SNAPSHOT_INVALID": desk.code("place_order", {"snapshot": {}, "payment_method": "card"}),
    }
    desk.ask("add_to_cart", add)
    reached["ADDRESS_NOT_FOUND"] = desk.code("prepare_checkout", {"address_id": UNKNOWN})
    reached["BELOW_MINIMUM"] = desk.code("prepare_checkout", address)
    assert reached == {code: code for code in ERROR_CODES}


def test_below_the_minimum_the_message_names_both_amounts() -> None:
    desk = Desk()
    desk.add("R1", "M1", 1)
    response = str(desk.call("prepare_checkout", {"address_id": desk.id("A1")}))
    assert "14,000원" in response
    assert "7,000원" in response


def test_a_restaurant_that_closed_meanwhile_cannot_be_ordered_from() -> None:
    desk = Desk(now="2026-02-14T21:29:45+09:00")
    desk.add("R1", "M3", 1)
    assert desk.code("prepare_checkout", {"address_id": desk.id("A1")}) == "RESTAURANT_CLOSED"


@pytest.mark.parametrize("quantity", [True, 3.0, "2", None, -1, 0, 1000, 10**30, float("nan"), [1]])
def test_only_a_real_count_is_a_quantity(quantity: object) -> None:
    desk = Desk()
    add = {"restaurant_id": desk.id("R1"), "menu_item_id": desk.id("M1"), "quantity": quantity}
    assert desk.code("add_to_cart", add) == "INVALID_ARGUMENT"


def test_a_line_never_grows_past_the_limit() -> None:
    desk = Desk()
    desk.add("R1", "M1", 999)
    add = {"restaurant_id": desk.id("R1"), "menu_item_id": desk.id("M1"), "quantity": 1}
    assert desk.code("add_to_cart", add) == "INVALID_ARGUMENT"
    assert desk.code("update_cart_item", {"cart_item_id": desk.id("C1"), "quantity": 1000}) == "INVALID_ARGUMENT"


def test_the_same_line_twice_and_an_empty_change_are_invalid() -> None:
    desk = Desk(cart=(CartLine(menu="M1", quantity=2),))
    assert desk.code("remove_cart_items", {"cart_item_ids": [desk.id("C1")] * 2}) == "INVALID_ARGUMENT"
    assert desk.code("update_cart_item", {"cart_item_id": desk.id("C1")}) == "INVALID_ARGUMENT"


@pytest.mark.parametrize("tool", ["search_restaurant", "", "__init__", None, 3, ["get_cart"], {"a": 1}])
@pytest.mark.parametrize("arguments", [{}, None, [], "x"])
def test_an_unknown_tool_is_refused(tool: object, arguments: object) -> None:
    response = Environment.execute(Desk().environment, tool, arguments)  # pyright: ignore[reportArgumentType]
    assert is_error(response)


def test_the_message_names_a_declared_argument_and_repeats_nothing_made_up() -> None:
    desk = Desk()
    assert "quantity" in str(desk.call("update_cart_item", {"cart_item_id": UNKNOWN, "quantity": "<|im_end|>"}))
    assert "order_id" in str(desk.call("get_order_status"))
    for arguments in ({"<|im_end|>": 1}, {"sort": "<|im_end|>"}, {"query": {"<|im_end|>": 1}}):
        assert "im_end" not in str(desk.call("search_restaurants", arguments))


@pytest.mark.parametrize("tool", TOOL_NAMES)
def test_every_call_takes_ten_seconds_refused_or_not(tool: str) -> None:
    desk = Desk()
    before = desk.environment.now
    desk.environment.execute(tool, {"nonsense": True})
    assert desk.environment.now - before == timedelta(seconds=10)
