"""Decides how an order may move on, and that no clock shown in a dialogue runs backwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from datagen_core.checks.fields import as_object, as_text, read_moment

_STEPS: Final = ("pending", "paid", "preparing", "delivering", "delivered")
_IN_FORCE: Final = frozenset({"paid", "preparing", "delivering", "delivered"})
_PAST_MIDNIGHT: Final = timedelta(hours=1)
"""A dialogue that begins shortly before midnight may end after it."""

Fields = Mapping[str, object]


@dataclass(slots=True)
class Timeline:
    """What the dialogue has shown of its orders and its clock, which stands at `latest` or later."""

    day: str
    latest: datetime | None = None
    orders: dict[str, Fields] = field(default_factory=dict[str, Fields])
    placed_after: dict[str, datetime | None] = field(default_factory=dict[str, "datetime | None"])

    def follow(self, tool: str, arguments: Fields, response: object) -> Iterator[str]:
        """Yield what a response shows against what was shown before, and take over what it shows."""
        if tool == "place_order" and isinstance(response, str):
            self.placed_after[response] = self.latest
        elif tool == "get_restaurant_detail" and "at" not in arguments:
            yield from self._follow_clock(as_object(response).get("checked_at"))
        elif tool == "get_order_status":
            order = as_object(response)
            order_id = as_text(order.get("order_id"))
            if order_id is not None and "status" in order:
                yield from find_contradictions(order)
                yield from find_steps_back(self.orders.get(order_id, {}), order)
                yield from self._follow_order_times(order_id, order)
                self.orders[order_id] = order

    def _follow_clock(self, shown: object) -> Iterator[str]:
        text = as_text(shown) or ""
        moment = read_moment(text)
        if moment is None:
            return
        if not self._is_today(moment, text):
            yield f"checked_at is {text!r}, the dialogue takes place on {self.day}"
        elif self.latest is not None and moment < self.latest:
            yield f"checked_at is {text!r}, earlier than {self.latest.isoformat()}, which was shown before"
        else:
            self.latest = moment

    def _follow_order_times(self, order_id: str, order: Fields) -> Iterator[str]:
        """Compare an order's times with the clock: nothing happened after now, nor an order before it was placed."""
        placed_after = self.placed_after.get(order_id)
        for name in ("created_at", "paid_at"):
            text = as_text(order.get(name)) or ""
            moment = read_moment(text)
            if moment is None:
                continue
            if placed_after is not None and moment < placed_after:
                yield f"{name} is {text!r}, before the order was placed"
            if self._is_future(moment, text):
                yield f"{name} is {text!r}, after the dialogue's day {self.day}"
            elif order_id in self.placed_after and not self._is_today(moment, text):
                yield f"{name} is {text!r}, the order was placed on {self.day}"
            elif self.latest is None or moment > self.latest:
                self.latest = moment

    def _is_today(self, moment: datetime, text: str) -> bool:
        """Tell whether a moment is of the dialogue's day, as it is written or in Korean time."""
        return self.day in (text[:10], moment.date().isoformat(), (moment - _PAST_MIDNIGHT).date().isoformat())

    def _is_future(self, moment: datetime, text: str) -> bool:
        try:
            day = date.fromisoformat(self.day)
        except ValueError:
            return False
        return moment.date() > day and not self._is_today(moment, text)


def find_contradictions(order: Fields) -> Iterator[str]:
    """Yield what an order's state says against itself."""
    status, payment = as_text(order.get("status")), as_text(order.get("payment_status"))
    if status in _IN_FORCE and payment in ("pending", "failed", "cancelled", "refunded"):
        yield f"the order is {status}, its payment {payment}"
    elif status == "pending" and payment in ("cancelled", "refunded"):
        yield f"the order is pending, its payment {payment}"
    if "paid_at" not in order:
        return
    if payment in ("paid", "refunded") and order["paid_at"] is None:
        yield f"the payment is {payment}, and paid_at is null"
    if payment == "pending" and order["paid_at"] is not None:
        yield "the payment is pending, and paid_at is a time"
    created, paid = (read_moment(as_text(order.get(name)) or "") for name in ("created_at", "paid_at"))
    if created is not None and paid is not None and paid < created:
        yield f"paid_at {order['paid_at']!r} is before created_at {order['created_at']!r}"


def find_steps_back(before: Fields, now: Fields) -> Iterator[str]:
    """Yield how an order moved otherwise than forward; delivered and cancelled are final, refunded and paid_at too."""
    was, status = before.get("status"), now.get("status")
    if was == "cancelled" and status != "cancelled":
        yield f"a cancelled order is {status}"
    elif was == "delivered" and status == "cancelled":
        yield "a delivered order is cancelled"
    elif was in _STEPS and status in _STEPS and _STEPS.index(str(status)) < _STEPS.index(str(was)):
        yield f"the order went back from {was} to {status}"
    paid, payment = before.get("payment_status"), now.get("payment_status")
    if (paid == "refunded" and payment != "refunded") or (paid == "paid" and payment in ("pending", "failed")):
        yield f"the payment went back from {paid} to {payment}"
    if before.get("paid_at") is not None and "paid_at" in now and now["paid_at"] != before["paid_at"]:
        yield f"paid_at is {now['paid_at']!r}, it was {before['paid_at']!r}"
