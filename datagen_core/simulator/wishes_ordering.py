"""Decides in which words the customer keeps addresses, checks out, orders, asks after orders, and asks in vain."""

from __future__ import annotations

from datagen_core.plans import Step
from datagen_core.simulator import phrases, phrases_asked, talk
from datagen_core.simulator.korean import Name
from datagen_core.simulator.phrases import Bank
from datagen_core.simulator.voices import keep
from datagen_core.simulator.wording import Wording


class OrderingWishes(Wording):
    """Lines about addresses, checkout and orders."""

    def save_address(self, step: Step) -> str:
        """Ask for an address to be saved or changed."""
        if step.address is not None:
            return self._change_address(step)
        fields = {name: keep(str(value)) for name, value in step.fields.items()}
        slots = {name: fields[name] for name in ("line1", "line2", "phone")} | {"recipient": fields["recipient_name"]}
        if step.withhold is not None:
            return self._voice.pick(phrases_asked.SAVE_ADDRESS_WITHOUT[step.withhold], **slots)
        if step.retracted is not None:
            return self._voice.pick(phrases.SAVE_ADDRESS_RETRACTED, old=keep(step.retracted), **slots)
        return self._voice.pick(phrases.SAVE_ADDRESS, **slots)

    def _change_address(self, step: Step) -> str:
        fields = {name: keep(str(value)) for name, value in step.fields.items()}
        address = self._street(step.address or "")
        before = self._scene.brief.opening.addresses[int((step.address or "A1")[1:]) - 1]
        if step.withhold == "비밀번호":
            return self._voice.pick(phrases_asked.CHANGE_WITHOUT_GATE)
        if step.withhold is not None:
            return self._voice.pick(phrases_asked.CHANGE_WITHOUT_ADDRESS, line2=fields["line2"])
        if "is_default" in fields:
            return self._voice.pick(phrases.CHANGE_DEFAULT, addr=address)
        if "gate_password" in fields:
            return self._voice.pick(phrases.CHANGE_GATE, addr=address, gate=fields["gate_password"])
        if "delivery_note" in fields:
            return self._voice.pick(phrases.CHANGE_NOTE, addr=address, note=fields["delivery_note"])
        if step.fields["phone"] != before.phone:
            return self._voice.pick(phrases.CHANGE_PHONE, addr=address, phone=fields["phone"])
        if step.fields["recipient_name"] != before.recipient_name:
            return self._voice.pick(phrases.CHANGE_RECIPIENT, addr=address, recipient=fields["recipient_name"])
        return self._voice.pick(phrases.CHANGE_UNIT, addr=address, line2=fields["line2"])

    def checkout(self, step: Step) -> str:
        """Ask for the checkout."""
        if step.withhold is not None:
            line = self._voice.pick(phrases_asked.CHECKOUT_WITHOUT_ADDRESS)
        elif step.retracted is not None and step.note is None:
            slots = {"old": self._street(step.retracted), "addr": self._street(step.address or "")}
            return self._voice.pick(phrases.CHECKOUT_RETRACTED, **slots)
        else:
            bank = phrases.CHECKOUT_INSTEAD if self._scene.refused == "ADDRESS_NOT_FOUND" else phrases.CHECKOUT
            line = self._voice.pick(bank, addr=self._name_address(step))
        if step.note is not None and step.retracted is not None:
            old, new = keep(step.retracted), keep(step.note)
            return line + self._voice.pick(phrases.NOTE_TAILS_RETRACTED, old=old, request=new)
        return line + self._quote(phrases.NOTE_TAILS, step.note)

    def _name_address(self, step: Step) -> Name:
        return keep(step.request) if step.request is not None else self._address(step.address or "")

    def save_and_check_out(self, save: Step, checkout: Step) -> str:
        """Ask for an address to be saved, and for the checkout to it."""
        return f"{self.save_address(save)} {self._voice.pick(phrases.CHECKOUT_THERE)}"

    def order(self, step: Step) -> str:
        """Agree to the order."""
        payment = keep(phrases.PAYMENTS[step.payment or "card"])
        if step.withhold is not None:
            return self._voice.agree(phrases_asked.ORDER_WITHOUT_PAYMENT)
        if step.retracted is not None:
            return self._voice.agree(phrases.ORDER_RETRACTED, old=keep(phrases.PAYMENTS[step.retracted]), pay=payment)
        if step.pg_id is not None:
            return self._voice.agree(phrases.ORDER_WITH_CODE, pay=payment, code=keep(step.pg_id))
        return self._voice.agree(self._bank_of_order(), pay=payment)

    def _bank_of_order(self) -> Bank:
        if self._scene.declined == "쿠폰 적용":
            return phrases.ORDER_WITHOUT_COUPON
        if self._scene.declined is not None:
            return phrases.ORDER_REGARDLESS
        return phrases.ORDER_AGAIN if self._scene.n_expired else phrases.ORDER

    def status(self, step: Step) -> str:
        """Ask how an order stands."""
        order, asks_payment = step.order or "", step.request is not None
        slots = {"order": keep(f"{{{order}}}")}
        if step.mistaken is not None:
            return self._voice.pick(phrases_asked.STATUS_MISTAKEN, number=keep(step.mistaken))
        if step.withhold is not None:
            bank = phrases_asked.STATUS_PAYMENT_WITHOUT if asks_payment else phrases_asked.STATUS_WITHOUT_ORDER
            return self._voice.pick(bank)
        if self._scene.is_own_order(order):
            return self._voice.pick(phrases.STATUS_JUST_ORDERED)
        if self._scene.refused is not None:
            bank = phrases.STATUS_OWN if self._scene.refused == "FORBIDDEN" else phrases.STATUS_CORRECTED
            return self._voice.pick(bank, **slots)
        if step.refused == "FORBIDDEN":
            return self._voice.pick(phrases.STATUS_FOREIGN, **slots)
        if self._scene.n_calls and not asks_payment:
            return self._voice.pick(phrases.STATUS_ALSO, **slots)
        return self._voice.pick(phrases.STATUS_PAYMENT if asks_payment else phrases.STATUS, **slots)

    def two_statuses(self, first: Step, second: Step) -> str:
        """Ask how two orders stand."""
        slots = {"first": keep(f"{{{first.order}}}"), "second": keep(f"{{{second.order}}}")}
        return self._voice.pick(phrases.STATUS_OF_TWO, **slots)

    def decline(self, step: Step) -> str:
        """Ask for what no tool does."""
        request = step.request or ""
        is_aside = step.together and request == "식당 자리 예약"
        bank = talk.RESERVE_TOO if is_aside else talk.REFUSABLE[request].asks
        return self._voice.pick(bank, order=keep(f"{{{step.order}}}"))
