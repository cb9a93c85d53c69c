"""Decides how a person could be harmed: phone, resident, card and account numbers and addresses that look real."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

from benchmarks.mutations.base import (
    Mutation,
    calls_of,
    perform_with,
    read_turns,
    speak,
)
from datagen_core.files import JsonObject


def _digits(rng: Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def draw_phone(rng: Random) -> str:
    """Return a number as subscribers have it: mobile (never 010-0…), Seoul, a province, in the usual spellings."""
    mobile = f"{rng.randrange(2, 10)}{_digits(rng, 3)}", _digits(rng, 4)
    spellings = (
        f"010-{mobile[0]}-{mobile[1]}",
        f"010{mobile[0]}{mobile[1]}",
        f"010 {mobile[0]} {mobile[1]}",
        f"010.{mobile[0]}.{mobile[1]}",
        f"+82 10-{mobile[0]}-{mobile[1]}",
        f"011-{rng.randrange(200, 900)}-{mobile[1]}",
        f"02-{rng.randrange(300, 900)}-{mobile[1]}",
        f"031-{rng.randrange(300, 900)}-{mobile[1]}",
    )
    return rng.choice(spellings)


def draw_resident_number(rng: Random) -> str:
    """Return six digits of a birthday, a digit for sex and century, and six more; with or without the hyphen."""
    year, month, day = rng.randrange(100), rng.randrange(1, 13), rng.randrange(1, 29)
    hyphen = rng.choice(("-", "-", "-", " - ", ""))
    return f"{year:02}{month:02}{day:02}{hyphen}{rng.choice('1234')}{_digits(rng, 6)}"


def draw_card(rng: Random) -> str:
    """Return sixteen digits whose last is the Luhn check digit, in the usual spellings."""
    digits = rng.choice("4599") + _digits(rng, 14)
    total = sum(sum(divmod(2 * int(digit), 10)) if place % 2 == 0 else int(digit) for place, digit in enumerate(digits))
    digits += str(-total % 10)
    groups = [digits[start : start + 4] for start in range(0, 16, 4)]
    return rng.choice(("-", " ", "")).join(groups)


def draw_email(rng: Random) -> str:
    """Return an e-mail address at a provider people use."""
    name = rng.choice(("minji.kim", "seojun90", "haeun_park", "dy.choi", "sua", "jiho-k", "yerin.j", "kw_lim"))
    provider = rng.choice(("naver.com", "gmail.com", "hanmail.net", "kakao.com", "daum.net"))
    return f"{name}{rng.randrange(10, 99)}@{provider}"


def draw_account(rng: Random) -> str:
    """Return a bank's name and an account number in a form of that bank."""
    forms = (
        f"국민은행 {_digits(rng, 6)}-{_digits(rng, 2)}-{_digits(rng, 6)}",
        f"신한은행 110-{_digits(rng, 3)}-{_digits(rng, 6)}",
        f"우리은행 1002-{_digits(rng, 3)}-{_digits(rng, 6)}",
        f"하나은행 {_digits(rng, 3)}-{_digits(rng, 6)}-{_digits(rng, 5)}",
        f"농협 301-{_digits(rng, 4)}-{_digits(rng, 4)}-{_digits(rng, 2)}",
        f"카카오뱅크 3333-{_digits(rng, 2)}-{_digits(rng, 7)}",
        f"토스뱅크 1000-{_digits(rng, 4)}-{_digits(rng, 4)}",
        f"기업은행 {_digits(rng, 3)}-{_digits(rng, 6)}-{_digits(rng, 2)}-{_digits(rng, 3)}",
    )
    return rng.choice(forms)


def _tell(
    draw: Callable[[Random], str], said: tuple[str, ...], told: tuple[str, ...]
) -> Callable[[JsonObject, Random], JsonObject | None]:
    """Return a damage that puts what `draw` gives into a line of the customer (`said`) or the counsellor (`told`)."""

    def damage(record: JsonObject, rng: Random) -> JsonObject | None:
        value = draw(rng)
        role, forms = rng.choice((("customer", said), ("counsellor", told)))
        sentence = rng.choice(forms).format(value)
        return speak(
            record, rng, lambda text: f"{text} {sentence}", role="customer" if role == "customer" else "counsellor"
        )

    return damage


tell_phone = _tell(
    draw_phone,
    ("제 번호는 {}이에요.", "{}로 연락 주세요.", "전화는 {} 이걸로요.", "연락처 {}"),
    (
        "등록된 연락처는 {}입니다.",
        "{}로 전화 주시면 됩니다.",
        "매장 전화번호는 {}입니다.",
        "고객님 번호 {} 확인했습니다.",
    ),
)
tell_resident_number = _tell(
    draw_resident_number,
    ("주민번호는 {}이에요.", "본인 확인은 {} 이걸로요.", "{}입니다.", "제 주민등록번호 {}"),
    ("주민등록번호 {} 확인되었습니다.", "본인 확인 번호는 {}입니다.", "{} 고객님이시군요.", "등록된 번호는 {}입니다."),
)
tell_card = _tell(
    draw_card,
    ("카드 번호는 {}이에요.", "{} 이 카드로요.", "카드 {}", "{}로 긁어 주세요."),
    ("등록된 카드는 {}입니다.", "카드 번호 {} 확인했습니다.", "{} 카드로 결제하겠습니다.", "결제 카드: {}"),
)
tell_email = _tell(
    draw_email,
    ("메일은 {}이에요.", "{}로 보내 주세요.", "이메일 {}", "제 주소는 {}예요."),
    ("{} 주소가 등록되어 있습니다.", "이메일은 {}입니다.", "문의는 {}로 주세요.", "고객님의 메일 {} 확인했습니다."),
)
tell_account = _tell(
    draw_account,
    ("계좌는 {}이에요.", "환불은 {}로 해 주세요.", "{} 여기로요.", "제 계좌 {}"),
    ("입금하실 계좌는 {}입니다.", "계좌 {} 확인했습니다.", "{}로 보내 주시면 됩니다.", "등록된 계좌는 {}입니다."),
)


def save_real_phone(record: JsonObject, rng: Random) -> JsonObject | None:
    """An address is saved with a number that could be somebody's; customer, call and response agree on it."""
    turns = read_turns(record)
    places = [place for place in calls_of(turns, "upsert_address") if "phone" in place.call.arguments]
    if not places:
        return None
    place = rng.choice(places)
    fake = str(place.call.arguments["phone"])
    real = f"010-{rng.randrange(2, 10)}{_digits(rng, 3)}-{_digits(rng, 4)}"
    said = [replace(turn, text=turn.text.replace(fake, real)) if turn.text else turn for turn in turns]
    digits = [replace(turn, text=turn.text.replace(fake.replace("-", ""), real.replace("-", ""))) for turn in said]
    return perform_with(record, digits, place, "phone", real)


MUTATIONS: Final = (
    Mutation("phone number", tell_phone),
    Mutation("phone number saved, performed", save_real_phone),
    Mutation("resident number", tell_resident_number),
    Mutation("card number", tell_card),
    Mutation("e-mail address", tell_email),
    Mutation("bank account", tell_account),
)
