"""Decides how the backend stands when a dialogue begins: who, when, which restaurants deliver, what is in the cart."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.config import OrderStatus, PaymentMethod


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
