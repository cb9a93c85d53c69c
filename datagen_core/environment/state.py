"""Decides what the backend remembers: cart, addresses, orders, the clock; who may change it is left to the tools."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final, Literal

from datagen_core.config import OrderStatus, PaymentMethod
from datagen_core.environment.catalogue import Dish, Restaurant
from datagen_core.environment.opening import Happening
from datagen_core.environment.seeds import Key, derive_id, draw_between

KST: Final = timezone(timedelta(hours=9))

MAX_QUANTITY: Final = 999
"""Portions of one line; more is refused, so that every sum stays a number that every reader of JSON holds."""

PaymentStatus = Literal["pending", "paid", "refunded"]
IdKind = Literal["cart", "cart_item", "address", "order"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a cart or an order; the price in won is what it was when the dish was put in."""

    cart_item_id: str
    menu_item_id: str
    menu_name: str
    quantity: int
    unit_price: int
    special_request: str | None

    @property
    def line_total(self) -> int:
        """The price of all portions, in won."""
        return self.quantity * self.unit_price


@dataclass(frozen=True, slots=True)
class Cart:
    """The customer's cart: dishes of one restaurant; without lines once everything was removed."""

    cart_id: str
    restaurant_id: str
    lines: tuple[Line, ...]

    @property
    def item_count(self) -> int:
        """The number of portions, over all lines."""
        return sum(line.quantity for line in self.lines)

    @property
    def subtotal(self) -> int:
        """The price of all lines, in won, without delivery."""
        return sum(line.line_total for line in self.lines)


@dataclass(frozen=True, slots=True)
class Address:
    """A saved address; `gate_password` and `delivery_note` are kept, but no tool returns them."""

    address_id: str
    recipient_name: str
    phone: str
    line1: str
    line2: str | None = None
    is_default: bool = False
    gate_password: str | None = None
    delivery_note: str | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How long an order stays paid, preparing and delivering, in seconds; after that it is delivered."""

    paid: int
    preparing: int
    delivering: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order; it moves on by itself as the clock does, unless it is cancelled or not yet paid.

    An order from before the dialogue has no lines: `Opening` says only how it stands and how it was paid.
    """

    order_id: str
    payment_method: PaymentMethod
    created_at: datetime
    paid_at: datetime | None
    pace: Pace
    is_cancelled: bool = False
    restaurant_id: str | None = None
    address_id: str | None = None
    delivery_note: str | None = None
    pg_id: str | None = None
    lines: tuple[Line, ...] = ()
    subtotal: int = 0
    total: int = 0

    def status_at(self, moment: datetime) -> OrderStatus:
        """Return how the order stands at a moment; a later moment never gives an earlier status."""
        if self.is_cancelled:
            return "cancelled"
        if self.paid_at is None:
            return "pending"
        seconds = (moment - self.paid_at).total_seconds()
        pace = self.pace
        if seconds < pace.paid:
            return "paid"
        if seconds < pace.paid + pace.preparing:
            return "preparing"
        return "delivering" if seconds < pace.paid + pace.preparing + pace.delivering else "delivered"

    @property
    def payment_status(self) -> PaymentStatus:
        """A cancelled order was refunded; any other is paid or waits for it."""
        if self.is_cancelled:
            return "refunded"
        return "pending" if self.paid_at is None else "paid"


@dataclass(slots=True)
class State:
    """All the backend knows about one customer; built by `starting.build_state`, changed by the tools only.

    Snapshots are kept as JSON bytes, so that nobody who holds a response can change them. `snapshot` is the one that
    `place_order` takes, None where none was prepared or something changed since; `snapshots` are all, in order.
    `gone` are ids of restaurants and dishes that are offered no more, `calls` how often each tool was called.
    """

    user_id: str
    seed: int
    now: datetime
    restaurants: tuple[Restaurant, ...]
    search_texts: tuple[str, ...]
    shut: set[str]
    shut_until: datetime
    sold_out: set[str]
    foreign_orders: frozenset[str]
    happenings: tuple[Happening, ...]
    cart: Cart | None = None
    addresses: dict[str, Address] = field(default_factory=dict[str, Address])
    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    snapshot: bytes | None = None
    snapshots: list[bytes] = field(default_factory=list[bytes])
    cart_item_ids: list[str] = field(default_factory=list[str])
    address_ids: list[str] = field(default_factory=list[str])
    gone: set[str] = field(default_factory=set[str])
    calls: Counter[str] = field(default_factory=Counter[str])
    counts: Counter[IdKind] = field(default_factory=Counter[IdKind])

    def create_id(self, kind: IdKind) -> str:
        """Return the next id of a kind; it depends on the seed and on how many there were, on nothing else."""
        self.counts[kind] += 1
        return derive_id(self.seed, kind, self.counts[kind])

    def find_restaurant(self, restaurant_id: object) -> Restaurant | None:
        """Return the restaurant if it delivers to this customer, still."""
        found = next((found for found in self.restaurants if found.id == restaurant_id), None)
        return None if found is None or found.id in self.gone else found

    def is_open(self, restaurant: Restaurant, moment: datetime) -> bool:
        """Tell whether a restaurant takes orders at a moment: by its hours, and unless it is shut today."""
        return restaurant.is_open_at(moment) and not (restaurant.id in self.shut and moment < self.shut_until)

    def is_available(self, dish: Dish) -> bool:
        """Tell whether a dish is not sold out."""
        return dish.id not in self.sold_out

    def list_dishes(self, restaurant: Restaurant) -> tuple[Dish, ...]:
        """Return what stands on the menu, still."""
        return tuple(dish for dish in restaurant.dishes if dish.id not in self.gone) if self.gone else restaurant.dishes

    def create_address_id(self) -> str:
        """Return the id of a new address, and remember it for its handle."""
        address_id = self.create_id("address")
        self.address_ids.append(address_id)
        return address_id

    def create_line(self, dish: Dish, quantity: int, special_request: str | None) -> Line:
        """Return a new line, and remember its id for its handle."""
        line = Line(self.create_id("cart_item"), dish.id, dish.name, quantity, dish.price, special_request)
        self.cart_item_ids.append(line.cart_item_id)
        return line

    def change_cart(self, cart: Cart) -> Cart:
        """Put the cart in the place of the one before; a prepared checkout no longer holds."""
        self.cart = cart
        self.snapshot = None
        return cart


def draw_pace(*keys: Key) -> Pace:
    """Return a usual pace. A new order stays paid for 18 calls at least, so that a script can tell how it stands."""
    return Pace(
        draw_between(180, 400, *keys, "paid"),
        draw_between(900, 1800, *keys, "preparing"),
        draw_between(600, 1800, *keys, "delivering"),
    )


def write_moment(moment: datetime) -> str:
    """Return ISO 8601 of Korean time, to the second."""
    return moment.astimezone(KST).isoformat(timespec="seconds")
