"""Decides whether what responses show goes on as it began: state by the calls (K02), entities (K03), time (K04)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from datagen_core.checks.address_book import AddressBook
from datagen_core.checks.carts import CartBook, find_minimum_faults
from datagen_core.checks.case import Case, Exchange
from datagen_core.checks.entities import Trait, iter_traits
from datagen_core.checks.evidence import Evidence
from datagen_core.checks.fields import as_list, as_object, as_text, as_whole, is_as_executed, read_code
from datagen_core.checks.progress import Timeline
from datagen_core.checks.registry import Finding, rule
from datagen_core.environment import is_error


@rule(
    "K02",
    "Carts, addresses and orders evolve as the calls say.",
    korean="담고 바꾸고 뺀 그대로 장바구니가 달라지고, 저장한 그대로 배송지가 남습니다.",
    families=("delivery",),
)
def check_evolution(case: Case) -> Iterator[Finding]:
    """Find states that do not follow from the state before and the call.

    Everything is worked out from calls and responses alone. What a refusal says is gone is gone; after a response that
    cannot be understood nothing is expected of what it should have shown. What an opening lets happen outside the
    dialogue is allowed for.
    """
    if is_as_executed(case):
        return
    changes = {happening.what for happening in case.opening.happenings} if case.opening is not None else set[str]()
    cart = CartBook(may_shrink="cart_item_removed" in changes)
    addresses = AddressBook(may_shrink="address_deleted" in changes)
    orders, offers = _OrderBook(), _Offers()
    for exchange in case.exchanges:
        tool, arguments, response = exchange.call.name, exchange.call.arguments, exchange.response
        problems = [
            *_find_minimum(case.evidence, cart, exchange),
            *cart.follow(tool, arguments, response),
            *addresses.follow(tool, arguments, response),
            *orders.follow(case.evidence, exchange),
        ]
        yield from (Finding(exchange.response_turn, f"{tool}: {problem}") for problem in problems)
        for problem in offers.follow(tool, arguments, response):
            yield Finding(exchange.response_turn, f"{tool}: {problem}", "W")


@rule(
    "K03",
    "An entity keeps its name, price, rating, category, fee and minimum; an order its date.",
    korean="한 번 나온 이름, 가격, 평점, 배달비, 최소 주문 금액은 끝까지 같아야 합니다.",
    families=("delivery",),
)
def check_entities(case: Case) -> Iterator[Finding]:
    """Find restaurants, dishes and orders of which two responses say different things; that one is open may change."""
    if is_as_executed(case):
        return
    known: dict[Trait, object] = {}
    for exchange in case.exchanges:
        for trait, value in iter_traits(exchange.call.name, exchange.response):
            before = known.setdefault(trait, value)
            if before != value:
                message = f"{trait.name} of the {trait.kind} {trait.entity_id} is {value!r}, it was {before!r}"
                yield Finding(exchange.response_turn, message)
                known[trait] = value


@rule(
    "K04",
    "Orders only move forward; times do not run backwards.",
    korean="주문 상태는 앞으로만 나아가고, 시각은 거꾸로 가지 않습니다.",
    families=("delivery",),
)
def check_progress(case: Case) -> Iterator[Finding]:
    """Find orders that go back or contradict themselves, and clocks that do, or that stand on another day."""
    if is_as_executed(case):
        return
    timeline = Timeline(case.dialogue.date)
    for exchange in case.exchanges:
        for problem in timeline.follow(exchange.call.name, exchange.call.arguments, exchange.response):
            yield Finding(exchange.response_turn, f"{exchange.call.name}: {problem}")


def _find_minimum(evidence: Evidence, cart: CartBook, exchange: Exchange) -> Iterator[str]:
    """Compare a checkout, or its refusal, with the minimum order that was shown of the cart's restaurant."""
    if exchange.call.name != "prepare_checkout":
        return
    snapshot = as_object(exchange.response)
    is_refused = is_error(exchange.response)
    restaurant = as_text(cart.restaurant_id if is_refused else snapshot.get("restaurant_id"))
    subtotal = cart.subtotal if is_refused else as_whole(snapshot.get("subtotal"))
    shown = [least for least in evidence.minimums.get(restaurant or "", ()) if least.turn < exchange.turn]
    if shown and not (is_refused and cart.may_shrink):
        yield from find_minimum_faults(subtotal, shown[-1].amount, exchange.response)


@dataclass(slots=True)
class _OrderBook:
    """Which order numbers there are: `known` were placed or shown, `unknown` were refused as nobody's."""

    known: set[str] = field(default_factory=set[str])
    unknown: set[str] = field(default_factory=set[str])

    def follow(self, evidence: Evidence, exchange: Exchange) -> Iterator[str]:
        response, asked = exchange.response, as_text(exchange.call.arguments.get("order_id"))
        if exchange.call.name == "place_order" and isinstance(response, str):
            if any(first < exchange.response_turn for first in evidence.ids.get(response, {}).values()):
                yield f"the new order has the number {response}, which was shown before"
            self.known.add(response)
        elif exchange.call.name == "get_order_status" and asked is not None:
            if read_code(response) in ("ORDER_NOT_FOUND", "FORBIDDEN"):
                if asked in self.known:
                    yield f"the order {asked} is there, and yet it is refused"
                self.unknown.add(asked)
            elif not is_error(response):
                if asked in self.unknown:
                    yield f"the order {asked} was refused before, and nobody has placed it"
                self.known.add(asked)


@dataclass(slots=True)
class _Offers:
    """What was shown last as closed or sold out; a shop may open, so that adding from it is only worth a warning."""

    refused: set[str | None] = field(default_factory=set[str | None])

    def follow(self, tool: str, arguments: Mapping[str, object], response: object) -> Iterator[str]:
        fields = as_object(response)
        if tool == "search_restaurants":
            self._note(map(as_object, as_list(fields.get("items"))), "restaurant_id", "is_open")
        elif tool == "get_restaurant_detail":
            if "at" not in arguments:
                self._note([fields], "restaurant_id", "is_open")
            self._note(map(as_object, as_list(fields.get("menus"))), "menu_item_id", "is_available")
        elif tool == "add_to_cart" and not is_error(response):
            for name in ("restaurant_id", "menu_item_id"):
                if as_text(arguments.get(name)) in self.refused:
                    yield f"{name} {arguments[name]!r} was shown as closed or sold out, and yet it was added"

    def _note(self, shown: Iterable[dict[str, object]], id_name: str, name: str) -> None:
        for fields in shown:
            entity = as_text(fields.get(id_name))
            if fields.get(name) is False:
                self.refused.add(entity)
            elif fields.get(name) is True:
                self.refused.discard(entity)
