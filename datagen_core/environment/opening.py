"""Decides how the backend stands when a dialogue begins: who, when, which restaurants deliver, what is in the cart."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.config import OrderStatus, PaymentMethod

Change = Literal[
    "restaurant_closes",
    "restaurant_leaves",
    "dish_sold_out",
    "dish_leaves",
    "cart_item_removed",
    "address_deleted",
    "checkout_expires",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SavedAddress(_Frozen):
    """An address the customer saved before the dialogue; handles A1, A2 … in order."""

    recipient_name: str
    phone: str
    line1: str
    line2: str | None = None
    is_default: bool = False


class CartLine(_Frozen):
    """A line already in the cart; handles C1, C2 … in order. All lines are of one restaurant."""

    menu: str = Field(description="Handle of the dish, as M3.")
    quantity: int = Field(ge=1)
    special_request: str | None = None


class PastOrder(_Frozen):
    """An order placed before the dialogue; handles O1, O2 … in order.

    `status` is what `get_order_status` says during the dialogue: the order was created long enough ago to have
    reached it, and late enough not to leave it while the dialogue lasts.
    """

    status: OrderStatus
    payment_method: PaymentMethod = "card"


class Happening(_Frozen):
    """What happens in the world, by nobody in the dialogue, right before the `nth` call (from 1) of a tool is answered.

    So the counsellor learns of it from a refusal: a restaurant closes early or stops delivering here, a dish sells out
    or leaves the menu, the customer takes a dish out of the cart or deletes an address on another screen, a prepared
    checkout expires.
    """

    before: str = Field(description="Name of the tool.")
    nth: int = Field(default=1, ge=1)
    what: Change
    target: str | None = Field(default=None, description="Handle of the restaurant, dish, cart line or address.")


class Opening(_Frozen):
    """Everything that decides an environment; two environments of one opening answer the same calls alike.

    Handles: R1, R2 … are `restaurants` in order; M1, M2 … their dishes, numbered through restaurant by restaurant.
    """

    catalogue_seed: int
    seed: int = Field(description="Decides the ids of carts, addresses and orders.")
    user_id: str
    now: str = Field(description="ISO 8601 with +09:00: the clock when the dialogue begins.")
    restaurants: tuple[int, ...] = Field(description="Indexes into the catalogue, in order of relevance.")
    closed: tuple[str, ...] = Field(default=(), description="Handles of restaurants that are shut today.")
    sold_out: tuple[str, ...] = Field(default=(), description="Handles of dishes that are not available.")
    addresses: tuple[SavedAddress, ...] = ()
    cart: tuple[CartLine, ...] = ()
    orders: tuple[PastOrder, ...] = ()
    foreign_orders: tuple[str, ...] = Field(
        default=(), description="Handles X1, X2 … of order numbers that are another customer's, not made up."
    )
    happenings: tuple[Happening, ...] = ()
