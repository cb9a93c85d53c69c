"""Decides what happens to addresses: `list_addresses` and `upsert_address`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from datagen_core.environment.refusals import refuse
from datagen_core.environment.state import Address, State


def list_addresses(state: State, _arguments: Mapping[str, object]) -> object:
    """Return the saved addresses, oldest first; gate password and note are not shown."""
    return [
        {
            "address_id": address.address_id,
            "user_id": state.user_id,
            "recipient_name": address.recipient_name,
            "phone": address.phone,
            "line1": address.line1,
            "line2": address.line2,
            "is_default": address.is_default,
        }
        for address in state.addresses.values()
    ]


def upsert_address(state: State, arguments: Mapping[str, object]) -> object:
    """Save a new address, or change the fields given of the one that `address_id` names; return its id.

    The very first address is the default unless it is said not to be; a new default takes the place of the old one.
    """
    known = cast("str | None", arguments.get("address_id"))
    if known is not None and known not in state.addresses:
        return refuse("ADDRESS_NOT_FOUND")
    if known is None:
        blank = Address(state.create_address_id(), "", "", "", is_default=not state.addresses)
    else:
        blank = state.addresses[known]
    address = _apply(blank, arguments)
    if address.is_default:
        for other in state.addresses.values():
            if other.is_default:
                state.addresses[other.address_id] = replace(other, is_default=False)
    state.addresses[address.address_id] = address
    state.snapshot = None
    return address.address_id


def _apply(address: Address, arguments: Mapping[str, object]) -> Address:
    return Address(
        address.address_id,
        recipient_name=cast("str", arguments["recipient_name"]),
        phone=cast("str", arguments["phone"]),
        line1=cast("str", arguments["line1"]),
        line2=cast("str | None", arguments.get("line2", address.line2)),
        is_default=cast("bool", arguments.get("is_default", address.is_default)),
        gate_password=cast("str | None", arguments.get("gate_password", address.gate_password)),
        delivery_note=cast("str | None", arguments.get("delivery_note", address.delivery_note)),
    )
