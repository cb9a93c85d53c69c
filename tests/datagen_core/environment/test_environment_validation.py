from __future__ import annotations

from decimal import Decimal

import pytest
from environment_world import UNKNOWN, Desk
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.environment import (
    argument_errors,
    is_error,
    is_same_json,
    json_problem,
    response_errors,
    validator_for,
)
from datagen_core.errors import ConfigError

DEEP: list[object] = []
for _ in range(5000):
    DEEP = [DEEP]

ADD = {"user_id": UNKNOWN, "restaurant_id": UNKNOWN, "menu_item_id": UNKNOWN}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "quantity",
    [
        3.0,
        True,
        "3",
        None,
        0,
        -1,
        10**30,
        float("nan"),
        float("inf"),
        Decimal(3),
        b"3",
        (3,),
        {3},
        object(),
        DEEP,
        {1: 2},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_strict_integer_is_an_error(quantity: object) -> None:
    assert argument_errors("add_to_cart", {**ADD, "quantity": quantity})


def test_good_arguments_have_no_errors() -> None:
    assert argument_errors("add_to_cart", {**ADD, "quantity": 3}) == []
    assert argument_errors("search_restaurants", {"min_rating": 4}) == []
    assert argument_errors("search_restaurants", {"min_rating": 4.0}) == []


def test_the_path_and_the_reason_are_named() -> None:
    (error,) = argument_errors("add_to_cart", {**ADD, "quantity": 3.0})
    assert error == '$.quantity: 3.0 is not of type "integer"'
    (error,) = argument_errors("remove_cart_items", {"user_id": UNKNOWN, "cart_item_ids": [UNKNOWN, "C1"]})
    assert error.startswith("$.cart_item_ids[1]: ")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_cart", {}),
        ("get_cart", {"user_id": UNKNOWN.replace("0", "A")}),
        ("get_cart", {"user_id": UNKNOWN + "\n"}),
        ("get_cart", {"user_id": UNKNOWN, "memo": "x"}),
        ("search_restaurants", {"query": ""}),
        ("search_restaurants", {"query": None}),
        ("search_restaurants", {"query": "\ud800"}),
        ("search_restaurants", {"min_rating": 5.1}),
        ("search_restaurants", {"min_rating": float("nan")}),
        ("search_restaurants", {"sort": "가까운순"}),
        ("get_restaurant_detail", {"restaurant_id": UNKNOWN, "at": "2026-02-30T10:00:00+09:00"}),
        ("upsert_address", {"user_id": UNKNOWN, "recipient_name": "a", "phone": "02-123-4567", "line1": "b"}),
        ("order_pizza", {}),
        ("get_cart", None),
    ],
)
def test_bad_arguments_have_errors(tool: str, arguments: object) -> None:
    assert argument_errors(tool, arguments)


def test_responses_are_held_to_their_schema_or_to_the_error_shape() -> None:
    refused = Desk().call("get_order_status", {"order_id": UNKNOWN})
    assert is_error(refused)
    assert response_errors("get_order_status", refused) == []
    assert response_errors("get_order_status", {"error": {"code": "OOPS", "message": "?"}})
    assert response_errors("get_order_status", {"order_id": UNKNOWN})
    assert response_errors("place_order", UNKNOWN) == []
    assert response_errors("get_cart", None) == []
    assert response_errors("get_cart", float("nan"))
    assert response_errors("order_pizza", None)


@pytest.mark.parametrize("response", [None, [], "error", {"errors": 1}, 3])
def test_other_responses_are_no_errors(response: object) -> None:
    assert not is_error(response)


def test_equal_schemas_share_one_validator() -> None:
    assert validator_for({"type": "integer"}) is validator_for({"type": "integer"})


@pytest.mark.parametrize(
    ("schema", "value", "is_valid"),
    [
        ({"type": ["integer", "null"]}, 3.0, False),
        ({"type": ["integer", "null"]}, None, True),
        ({"type": ["integer", "number"]}, 3.0, True),
        ({"properties": {"enum": {"type": "integer"}}}, {"enum": 3.0}, False),
        ({"enum": [{"type": "integer"}]}, {"type": "integer"}, True),
        ({"items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}, [3.0], False),
        ({"$defs": {"n": {"type": "integer"}}, "items": {"$ref": "#/$defs/n"}}, [3.0], False),
        ({"type": "string", "format": "date-time"}, "tomorrow", False),
    ],
)
def test_any_schema_is_held_strictly(schema: dict[str, object], value: object, is_valid: bool) -> None:
    validator = validator_for(schema)
    assert validator.is_valid(value) is is_valid
    assert (validator.errors(value) == []) is is_valid


@pytest.mark.parametrize(
    "schema",
    [{"type": "strin"}, {"properties": []}, {"$ref": "https://example.com/x.json"}, {"pattern": "("}, {"a": {1}}],
)
def test_a_wrong_schema_is_a_clear_error(schema: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="schema"):
        validator_for(schema)


@given(JSON)
def test_json_is_the_same_as_itself_and_has_no_problem(value: object) -> None:
    assert json_problem(value) is None
    assert is_same_json(value, value)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0),
        (1, True),
        (0, False),
        (None, 0),
        ({"a": 1}, {"a": 1.0}),
        ([1], [1, 2]),
        ({"a": 1}, {}),
        ([], {}),
        ("1", 1),
    ],
)
def test_json_of_another_type_is_not_the_same(left: object, right: object) -> None:
    assert not is_same_json(left, right)
    assert not is_same_json(right, left)


def test_the_order_of_keys_does_not_matter() -> None:
    assert is_same_json({"a": 1, "b": [2]}, {"b": [2], "a": 1})
