"""The backend against an independent, naive model of carts, addresses, orders and money, over long runs of calls."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import cast

from environment_world import AREA, HOME, OPENING, UNKNOWN, USER
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from datagen_core.environment import CartLine, Environment, Handles, Happening, PastOrder, is_error

Json = dict[str, object]

SHOPS = {shop.id: shop for shop in AREA.restaurants}
DISHES = {dish.id: (shop.id, dish) for shop in AREA.restaurants for dish in shop.dishes}
REQUESTS = st.sampled_from([None, None, "덜 맵게", "소스 따로"])
CHANGES = [
    ("add_to_cart", "dish_sold_out", "M1"),
    ("add_to_cart", "restaurant_closes", "R1"),
    ("get_restaurant_detail", "dish_leaves", "M4"),
    ("search_restaurants", "restaurant_leaves", "R2"),
    ("update_cart_item", "cart_item_removed", "C1"),
    ("prepare_checkout", "address_deleted", "A1"),
    ("place_order", "checkout_expires", None),
]
HAPPENINGS = st.lists(
    st.builds(
        lambda change, nth: Happening(before=change[0], what=change[1], target=change[2], nth=nth),
        st.sampled_from(CHANGES),
        st.integers(1, 4),
    ),
    min_size=3,
    max_size=6,
)


class NaiveShop:
    """What a careful person would keep on paper: dictionaries and sums, nothing of the backend's own code."""

    def __init__(self, happenings: list[Happening]) -> None:
        self.happenings = happenings
        self.calls: dict[str, int] = {}
        self.now = datetime.fromisoformat(OPENING.now)
        self.cart: list[Json] = []
        self.cart_shop: str | None = None
        self.cart_id: str | None = None
        self.lines_ever: list[str] = []
        self.addresses: dict[str, Json] = {}
        self.addresses_ever: list[str] = []
        self.default: str | None = None
        self.orders: dict[str, tuple[datetime, int]] = {}
        self.checkout: Json | None = None
        self.closed: set[str] = set()
        self.gone: set[str] = set()
        self.sold_out: set[str] = set()

    def tick(self, tool: str) -> None:
        self.now += timedelta(seconds=10)
        self.calls[tool] = self.calls.get(tool, 0) + 1
        for happening in self.happenings:
            if (happening.before, happening.nth) == (tool, self.calls[tool]):
                self.happen(happening.what, int((happening.target or "x0")[1:]) - 1)

    def happen(self, what: str, index: int) -> None:
        shops, dishes = list(SHOPS), list(DISHES)
        if what == "dish_sold_out":
            self.sold_out.add(dishes[index])
        elif what == "dish_leaves":
            self.gone.add(dishes[index])
        elif what == "restaurant_closes":
            self.closed.add(shops[index])
        elif what == "restaurant_leaves":
            self.gone.add(shops[index])
        elif what == "checkout_expires":
            self.checkout = None
        elif what == "cart_item_removed" and index < len(self.lines_ever):
            before = len(self.cart)
            self.cart = [line for line in self.cart if line["id"] != self.lines_ever[index]]
            if len(self.cart) < before:
                self.checkout = None
        elif what == "address_deleted" and index < len(self.addresses_ever):
            gone = self.addresses_ever[index]
            if self.addresses.pop(gone, None) is not None:
                self.checkout = None
                if self.default == gone:
                    self.default = next(iter(self.addresses), None)

    def is_open(self, shop_id: str) -> bool:
        shop = SHOPS[shop_id]
        minute = self.now.hour * 60 + self.now.minute
        return shop_id not in self.closed and (
            shop.opens <= minute < shop.closes or shop.opens <= minute + 1440 < shop.closes
        )

    def subtotal(self) -> int:
        return sum(cast("int", line["price"]) * cast("int", line["quantity"]) for line in self.cart)


class BackendMachine(RuleBasedStateMachine):
    """Every rule makes one call on both and compares what they say."""

    @initialize(happenings=HAPPENINGS, filled=st.booleans())
    def begin(self, happenings: list[Happening], filled: bool) -> None:
        lines = (CartLine(menu="M1", quantity=2), CartLine(menu="M2", quantity=1)) if filled else ()
        opening = OPENING.model_copy(
            update={
                "happenings": tuple(happenings),
                "cart": lines,
                "orders": (PastOrder(status="delivered"),),
                "foreign_orders": ("X1",),
            }
        )
        self.environment = Environment(opening, AREA)
        self.handles = Handles(self.environment)
        self.model = NaiveShop(happenings)
        self.model.addresses_ever = list(self.environment.address_ids)
        self.model.default = self.model.addresses_ever[0]
        self.model.addresses = {
            self.model.default: {"name": HOME.recipient_name, "line1": HOME.line1, "line2": HOME.line2}
        }
        if filled:
            self.model.cart_shop = AREA.restaurants[0].id
            self.model.lines_ever = list(self.environment.cart_item_ids)
            for line_id, dish, quantity in zip(self.model.lines_ever, AREA.restaurants[0].dishes, (2, 1), strict=False):
                self.model.cart.append(_line(line_id, dish.id, quantity, None))

        self.save_address(0, is_new=True, line1="달빛로 135", line2="302호", default=None)

    def call(self, tool: str, **arguments: object) -> object:
        self.model.tick(tool)
        given = {name: value for name, value in arguments.items() if value is not None}
        if tool not in ("search_restaurants", "get_restaurant_detail", "place_order"):
            given = {"user_id": USER, **given}
        return self.environment.execute(tool, given)

    def expect(self, response: object, code: str | None) -> bool:
        """Assert a refusal with the code, or none; tell whether the call was carried out."""
        found = cast("dict[str, Json]", response)["error"]["code"] if is_error(response) else None
        assert found == code, response
        return code is None

    @rule(dish=st.sampled_from([*DISHES, *list(DISHES)[:3] * 2]), quantity=st.integers(1, 4), request=REQUESTS)
    def add(self, dish: str, quantity: int, request: str | None) -> None:
        shop = DISHES[dish][0]
        response = self.call(
            "add_to_cart", restaurant_id=shop, menu_item_id=dish, quantity=quantity, special_request=request
        )
        model = self.model
        code = None
        if shop in model.gone:
            code = "RESTAURANT_NOT_FOUND"
        elif dish in model.gone:
            code = "MENU_ITEM_NOT_FOUND"
        elif not model.is_open(shop):
            code = "RESTAURANT_CLOSED"
        elif dish in model.sold_out:
            code = "MENU_ITEM_UNAVAILABLE"
        if not self.expect(response, code):
            return
        model.checkout = None
        if model.cart_shop != shop:
            model.cart, model.cart_shop = [], shop
        for line in model.cart:
            if (line["dish"], line["request"]) == (dish, request):
                line["quantity"] = cast("int", line["quantity"]) + quantity
                break
        else:
            new = self.environment.cart_item_ids[-1]
            assert new not in model.lines_ever
            model.lines_ever.append(new)
            model.cart.append(_line(new, dish, quantity, request))
        self.compare_cart(response)

    @rule(tamper=st.sampled_from(["no", "no", "total"]))
    def buy(self, tamper: str) -> None:
        dish = next((dish for dish in DISHES if DISHES[dish][1].price >= 16000), "")
        self.add(dish, 1, None)
        self.prepare(0, None)
        self.order(tamper)

    @rule(change=st.sampled_from(["add", "update", "remove", "address"]))
    def change_after_checkout(self, change: str) -> None:
        self.add(next(dish for dish in DISHES if DISHES[dish][1].price >= 16000), 1, None)
        self.prepare(len(self.model.addresses_ever) - 1, None)
        if change == "add":
            self.add(next(iter(DISHES)), 1, None)
        elif change == "update":
            self.update(len(self.model.lines_ever) - 1, 3, None)
        elif change == "remove":
            self.remove([0])
        else:
            self.save_address(0, is_new=True, line1="가온길 8", line2=None, default=None)
        self.order("no")

    @rule(number=st.integers(0, 8), quantity=st.integers(1, 5) | st.none(), request=REQUESTS)
    def update(self, number: int, quantity: int | None, request: str | None) -> None:
        line_id = self.pick(self.model.lines_ever, number)
        response = self.call("update_cart_item", cart_item_id=line_id, quantity=quantity, special_request=request)
        line = next((line for line in self.model.cart if line["id"] == line_id), None)
        code = "CART_ITEM_NOT_FOUND" if line is None else None
        if line is not None and quantity is None and request is None:
            code = "INVALID_ARGUMENT"
        if self.expect(response, code) and line is not None:
            line["quantity"] = quantity or line["quantity"]
            line["request"] = request or line["request"]
            self.model.checkout = None
            self.compare_cart(response)

    @rule(numbers=st.lists(st.integers(0, 8), min_size=1, max_size=3, unique=True))
    def remove(self, numbers: list[int]) -> None:
        ids = [self.pick(self.model.lines_ever, number) for number in numbers]
        response = self.call("remove_cart_items", cart_item_ids=ids)
        held = {line["id"] for line in self.model.cart}
        code = "INVALID_ARGUMENT" if len(set(ids)) < len(ids) else None
        if code is None and not set(ids) <= held:
            code = "CART_ITEM_NOT_FOUND"
        if self.expect(response, code):
            self.model.cart = [line for line in self.model.cart if line["id"] not in ids]
            self.model.checkout = None
            self.compare_cart(response)
            assert cast("Json", response)["removed_cart_item_ids"] == ids

    @rule()
    def view_cart(self) -> None:
        response = self.call("get_cart")
        if self.model.cart_shop is None:
            assert response is None
        else:
            self.compare_cart(response)

    @rule(number=st.integers(0, 4), note=st.sampled_from([None, "문 앞에 놔줘"]))
    def prepare(self, number: int, note: str | None) -> None:
        address = self.pick(self.model.addresses_ever, number)
        response = self.call("prepare_checkout", address_id=address, delivery_note=note)
        model = self.model
        code, fee = None, 0
        if not model.cart or model.cart_shop is None:
            code = "CART_EMPTY"
        elif address not in model.addresses:
            code = "ADDRESS_NOT_FOUND"
        elif model.cart_shop in model.gone:
            code = "RESTAURANT_NOT_FOUND"
        elif not model.is_open(model.cart_shop):
            code = "RESTAURANT_CLOSED"
        elif model.subtotal() < SHOPS[model.cart_shop].min_order_amount:
            code = "BELOW_MINIMUM"
        else:
            fee = SHOPS[model.cart_shop].delivery_fee
        if self.expect(response, code):
            snapshot = cast("Json", response)
            assert snapshot["subtotal"] == model.subtotal()
            assert snapshot["total"] == model.subtotal() + fee
            assert snapshot["delivery_note"] == note
            assert snapshot["delivery_line1"] == model.addresses[address]["line1"]
            model.checkout = snapshot

    @rule(tamper=st.sampled_from(["no", "no", "no", "total", "stale"]))
    def order(self, tamper: str) -> None:
        prepared = self.environment.snapshots
        snapshot = dict(prepared[-1]) if prepared else {}
        if tamper == "total" and snapshot:
            snapshot["total"] = cast("int", snapshot["total"]) + 1
        elif tamper == "stale" and len(prepared) > 1:
            snapshot = dict(prepared[0])
        response = self.call("place_order", snapshot=snapshot, payment_method="card")
        code = None if self.model.checkout is not None and snapshot == self.model.checkout else "SNAPSHOT_INVALID"
        if self.expect(response, code):
            assert response not in self.model.orders
            uuid.UUID(cast("str", response))
            self.model.orders[cast("str", response)] = (self.model.now, cast("int", snapshot["total"]))
            assert self.environment.placed_orders[-1].total == snapshot["total"]
            self.model.cart, self.model.cart_shop, self.model.checkout = [], None, None

    @rule(
        number=st.integers(0, 5),
        is_new=st.booleans(),
        line1=st.sampled_from(["가온길 8", "달빛로 135"]),
        line2=st.sampled_from([None, "302호"]),
        default=st.sampled_from([None, True, False]),
    )
    def save_address(self, number: int, is_new: bool, line1: str, line2: str | None, default: bool | None) -> None:
        known = None if is_new else self.pick(self.model.addresses_ever, number)
        response = self.call(
            "upsert_address",
            recipient_name="이서준",
            phone="010-0123-4567",
            line1=line1,
            line2=line2,
            address_id=known,
            is_default=default,
        )
        model = self.model
        if not self.expect(response, None if known is None or known in model.addresses else "ADDRESS_NOT_FOUND"):
            return
        address = cast("str", response)
        if known is None:
            assert address not in model.addresses_ever
            model.addresses_ever.append(address)
            if not model.addresses and default is not False:
                model.default = address
            model.addresses[address] = {"line2": None}
        assert known in (None, address)
        model.addresses[address].update(name="이서준", line1=line1)
        if line2 is not None:
            model.addresses[address]["line2"] = line2
        if default:
            model.default = address
        elif default is False and model.default == address:
            model.default = None
        model.checkout = None

    @rule()
    def view_addresses(self) -> None:
        listed = cast("list[Json]", self.call("list_addresses"))
        model = self.model
        assert [entry["address_id"] for entry in listed] == list(model.addresses)
        assert [entry["address_id"] for entry in listed if entry["is_default"]] == (
            [model.default] if model.default in model.addresses else []
        )
        for entry in listed:
            held = model.addresses[cast("str", entry["address_id"])]
            assert (entry["recipient_name"], entry["line1"], entry["line2"]) == (
                held["name"], held["line1"], held["line2"],
            )  # fmt: skip

    @rule(number=st.integers(0, 5), whose=st.sampled_from(["mine", "mine", "other", "nobody"]))
    def status(self, number: int, whose: str) -> None:
        if whose == "mine" and self.model.orders:
            order = list(self.model.orders)[number % len(self.model.orders)]
            response = cast("Json", self.call("get_order_status", order_id=order))
            created = self.model.orders[order][0]
            assert datetime.fromisoformat(cast("str", response["created_at"])) == created
            assert response["payment_status"] == "paid"
            waited = (self.model.now - created).total_seconds()
            assert response["status"] == "paid" if waited < 180 else response["status"] != "pending"
        elif whose == "other":
            self.expect(self.call("get_order_status", order_id=self.handles.resolve("X1")), "FORBIDDEN")
        else:
            self.expect(self.call("get_order_status", order_id=UNKNOWN), "ORDER_NOT_FOUND")

    @rule(category=st.sampled_from([None, "중식", "야식"]), least=st.sampled_from([None, 4.7]), is_open=st.booleans())
    def search(self, category: str | None, least: float | None, is_open: bool) -> None:
        response = cast("Json", self.call("search_restaurants", category=category, min_rating=least, only_open=is_open))
        wanted = [
            shop.id
            for shop in SHOPS.values()
            if shop.id not in self.model.gone
            and category in (None, shop.category)
            and shop.rating_avg >= (least or 0)
            and (not is_open or self.model.is_open(shop.id))
        ]
        assert [entry["restaurant_id"] for entry in cast("list[Json]", response["items"])] == wanted

    @rule(shop=st.sampled_from(list(SHOPS)))
    def open_menu(self, shop: str) -> None:
        response = self.call("get_restaurant_detail", restaurant_id=shop)
        if not self.expect(response, "RESTAURANT_NOT_FOUND" if shop in self.model.gone else None):
            return
        detail = cast("Json", response)
        assert detail["is_open"] == self.model.is_open(shop)
        menu = [(entry["menu_item_id"], entry["is_available"]) for entry in cast("list[Json]", detail["menus"])]
        expected = [d.id for d in SHOPS[shop].dishes if d.id not in self.model.gone]
        assert menu == [(dish, dish not in self.model.sold_out) for dish in expected]

    @invariant()
    def clock_and_money_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        assert self.environment.now == self.model.now
        cart = self.environment.cart
        assert (cart.subtotal if cart else 0) == self.model.subtotal()

    def pick(self, ids: list[str], number: int) -> str:
        """One that there is or was, or one that never was."""
        return ids[number] if 0 <= number < len(ids) else UNKNOWN

    def compare_cart(self, response: object) -> None:
        shown = cast("Json", response)
        lines = cast("list[Json]", shown["items"])
        model = self.model
        assert [
            (line["cart_item_id"], line["menu_item_id"], line["quantity"], line["special_request"], line["line_total"])
            for line in lines
        ] == [
            (
                line["id"], line["dish"], line["quantity"], line["request"],
                cast("int", line["price"]) * cast("int", line["quantity"]),
            )
            for line in model.cart
        ]  # fmt: skip
        assert shown["subtotal"] == model.subtotal()
        assert shown["item_count"] == sum(cast("int", line["quantity"]) for line in model.cart)
        assert shown["restaurant_id"] == model.cart_shop


def _line(line_id: str, dish: str, quantity: int, request: str | None) -> Json:
    return {"id": line_id, "dish": dish, "quantity": quantity, "request": request, "price": DISHES[dish][1].price}


TestBackendAgainstModel = BackendMachine.TestCase
TestBackendAgainstModel.settings = settings(
    max_examples=20,
    stateful_step_count=220,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
