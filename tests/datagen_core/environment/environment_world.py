"""A small delivery area and short ways to call its tools, for the tests of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from datagen_core.config import USER_IDS
from datagen_core.environment import (
    Catalogue,
    Dish,
    Environment,
    Handles,
    Opening,
    Restaurant,
    SavedAddress,
    is_error,
)
from datagen_core.environment.catalogue import fold_text

USER = USER_IDS[0]
STRANGER = USER_IDS[1]
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def build_area() -> Catalogue:
    """Three restaurants with round numbers: R1 (M1-M3) and R2 (M4-M5) open at noon, R3 (M6) at night only."""
    restaurants = (
        _shop(
            1,
            "느티골반점",
            "중식",
            4.6,
            (660, 1290),
            2000,
            14000,
            (("짜장면", 7000), ("짬뽕", 8500), ("탕수육(소)", 16000)),
        ),
        _shop(2, "달무리 분식", "분식", 4.8, (600, 1320), 3000, 8000, (("떡볶이", 5000), ("참치 김밥", 4500))),
        _shop(3, "솔바람족발 서교점", "야식", 4.6, (1020, 1560), 0, 20000, (("족발(중)", 33000),)),
    )
    texts = tuple("\n".join(map(fold_text, (s.name, *(dish.name for dish in s.dishes)))) for s in restaurants)
    return Catalogue(0, restaurants, texts)


def _shop(
    number: int,
    name: str,
    category: str,
    rating: float,
    hours: tuple[int, int],
    fee: int,
    minimum: int,
    dishes: tuple[tuple[str, int], ...],
) -> Restaurant:
    menu = tuple(
        Dish(f"{number:08d}-0000-4000-9000-{position:012d}", dish, price)
        for position, (dish, price) in enumerate(dishes)
    )
    shop_id = f"{number:08d}-0000-4000-8000-000000000000"
    return Restaurant(shop_id, name, category, rating, *hours, fee, minimum, menu)  # pyright: ignore[reportArgumentType]


AREA = build_area()
HOME = SavedAddress(recipient_name="김민지", phone="010-0000-1234", line1="서울 마포구 월드컵로 45", line2="3층")
OPENING = Opening(
    catalogue_seed=0,
    seed=7,
    user_id=USER,
    now="2026-02-14T12:10:00+09:00",
    restaurants=(0, 1, 2),
    addresses=(HOME,),
)


class Desk:
    """Someone at the counter who calls tools by handle and needs not repeat the user id."""

    def __init__(self, **changes: object) -> None:
        self.environment = Environment(OPENING.model_copy(update=changes), AREA)
        self.handles = Handles(self.environment)

    def id(self, handle: str) -> str:
        found = self.handles.resolve(handle)
        assert isinstance(found, str), handle
        return found

    def call(self, tool: str, arguments: Mapping[str, object] | None = None) -> object:
        given = dict(arguments or {})
        if tool not in ("search_restaurants", "get_restaurant_detail", "place_order"):
            given = {"user_id": USER, **given}
        return self.environment.execute(tool, given)

    def ask(self, tool: str, arguments: Mapping[str, object] | None = None) -> dict[str, object]:
        response = self.call(tool, arguments)
        assert isinstance(response, dict), response
        assert not is_error(response), response
        return cast("dict[str, object]", response)

    def code(self, tool: str, arguments: Mapping[str, object] | None = None) -> str:
        response = cast("dict[str, dict[str, str]]", self.call(tool, arguments))
        assert is_error(response), response
        return response["error"]["code"]

    def add(self, restaurant: str, dish: str, quantity: int, request: str | None = None) -> dict[str, object]:
        extra = {} if request is None else {"special_request": request}
        ids = {"restaurant_id": self.id(restaurant), "menu_item_id": self.id(dish)}
        return self.ask("add_to_cart", {**ids, "quantity": quantity, **extra})

    def names(self, **filters: object) -> list[str]:
        items = cast("list[dict[str, str]]", self.ask("search_restaurants", filters)["items"])
        return [self.handles.handle_of(item["restaurant_id"]) or "?" for item in items]

    def prepare(self, **extra: object) -> dict[str, object]:
        return self.ask("prepare_checkout", {"address_id": self.id("A1"), **extra})
