"""Decides how the saved addresses must have changed from one response to the next, by calls and what was shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from datagen_core.checks.fields import as_list, as_object, as_text, read_code
from datagen_core.environment import is_error

_FIELDS: Final = ("recipient_name", "phone", "line1", "line2", "is_default")
_DELIVERY_FIELDS: Final = {
    "delivery_recipient_name": "recipient_name",
    "delivery_phone": "phone",
    "delivery_line1": "line1",
    "delivery_line2": "line2",
}
"""How a checkout names an address's fields."""

Fields = dict[str, object]


@dataclass(slots=True)
class AddressBook:
    """The addresses as the dialogue knows them; a field that nobody has shown is absent.

    `is_whole`: all of them are known. `gone` are those that a refusal said are not saved. `may_shrink`: the opening
    lets the customer delete an address on another screen, which no response needs to tell.
    """

    may_shrink: bool = False
    is_whole: bool = False
    saved: dict[str, Fields] = field(default_factory=dict[str, Fields])
    gone: set[str] = field(default_factory=set[str])

    def follow(self, tool: str, arguments: Mapping[str, object], response: object) -> Iterator[str]:
        """Yield what a response shows otherwise than it must be after the call, and take over what it shows."""
        if is_error(response):
            if read_code(response) == "ADDRESS_NOT_FOUND":
                self._forget(as_text(arguments.get("address_id")))
        elif tool == "list_addresses":
            yield from self._follow_list(response)
        elif tool == "upsert_address":
            yield from self._follow_upsert(arguments, response)
        elif tool == "prepare_checkout":
            yield from self._follow_checkout(as_object(response))

    def _forget(self, address_id: str | None) -> None:
        """Take an address out; which one is the default now is not known if it was."""
        if address_id is None:
            return
        self.gone.add(address_id)
        self.is_whole = self.is_whole and address_id in self.saved
        if self.saved.pop(address_id, {}).get("is_default") is not False:
            for address in self.saved.values():
                address.pop("is_default", None)

    def _follow_list(self, response: object) -> Iterator[str]:
        shown = _read_list(response)
        if shown is None:
            self.is_whole, self.saved = False, {}
            return
        if sum(address.get("is_default") is True for address in shown.values()) > 1:
            yield "more than one address is the default"
        missing = self.saved.keys() - shown.keys()
        for address_id in sorted(missing) if not self.may_shrink else ():
            yield f"the address {address_id} is missing, although nothing deleted it"
        is_moved = bool(missing)
        for address_id, address in shown.items():
            if address_id in self.gone:
                yield f"the address {address_id} was gone and is back"
            elif address_id in self.saved:
                yield from _compare(address_id, address, self.saved[address_id], is_moved=is_moved)
            elif self.is_whole:
                yield f"the address {address_id} was never saved"
        if self.is_whole and not missing and list(shown)[: len(self.saved)] != list(self.saved):
            yield "the addresses changed their order: a new one comes last"
        self.saved, self.is_whole = shown, True

    def _follow_upsert(self, arguments: Mapping[str, object], response: object) -> Iterator[str]:
        known = as_text(arguments.get("address_id"))
        if known is not None and (known in self.gone or (self.is_whole and known not in self.saved)):
            yield f"the address {known} is not saved, and yet it was changed"
        address_id = known or as_text(response)
        if address_id is None:
            self.is_whole = False
            return
        if known is None and (address_id in self.saved or address_id in self.gone):
            yield f"the new address has the id {address_id}, which was another's"
        fields: Fields = {"line2": None} if known is None else self.saved.get(address_id, {})
        fields = {**fields, **{name: arguments[name] for name in _FIELDS if name in arguments}}
        if known is None and self.is_whole:
            fields.setdefault("is_default", not self.saved)
        if fields.get("is_default") is True:
            for other in self.saved.values():
                other["is_default"] = False
        self.saved[address_id] = fields

    def _follow_checkout(self, snapshot: Fields) -> Iterator[str]:
        address_id = as_text(snapshot.get("address_id"))
        if address_id is None:
            return
        if address_id in self.gone or (self.is_whole and address_id not in self.saved):
            yield f"the checkout goes to {address_id}, which is not saved"
        saved = self.saved.get(address_id, {})
        for shown, name in _DELIVERY_FIELDS.items():
            if shown in snapshot and name in saved and snapshot[shown] != saved[name]:
                yield f"{shown} is {snapshot[shown]!r}, the address has {saved[name]!r}"


def _compare(address_id: str, shown: Fields, saved: Fields, *, is_moved: bool) -> Iterator[str]:
    """Compare field by field; where an address was deleted, another may have become the default."""
    for name, value in saved.items():
        if name in shown and shown[name] != value and not (is_moved and name == "is_default"):
            yield f"{name} of the address {address_id} is {shown[name]!r}, it must be {value!r}"


def _read_list(response: object) -> dict[str, Fields] | None:
    """Return the addresses by id; None where the list cannot be understood."""
    if type(response) is not list:
        return None
    shown: dict[str, Fields] = {}
    for element in as_list(cast("object", response)):
        address = as_object(element)
        address_id = as_text(address.get("address_id"))
        if address_id is None or address_id in shown:
            return None
        shown[address_id] = {name: address[name] for name in _FIELDS if name in address}
    return shown
