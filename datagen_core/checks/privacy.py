"""Decides whether a text or an argument holds what could be a real person's data (I01, I02)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import phonenumbers
from stdnum import ean, luhn
from stdnum.exceptions import ValidationError
from stdnum.kr import rrn

from datagen_core.checks.case import Case
from datagen_core.checks.registry import Finding, Severity, rule
from datagen_core.checks.written import blank_ids, read_written
from datagen_core.config import PHONE_PREFIX

_POOL: Final = PHONE_PREFIX.replace("-", "")
_POOL_LENGTH: Final = 11

_GAP: Final = r"[-–—‐‑.·/)( ]{0,3}"
_MOBILE: Final = re.compile(
    rf"(?=[+08])(?<![0-9])(?:(?:\+|00)?82{_GAP}0?|0){_GAP}1{_GAP}[016789]{_GAP}[0-9]{{3,4}}{_GAP}[0-9]{{4}}(?![0-9])"
)
_FIXED: Final = re.compile(
    r"(?=[+0])(?<![0-9.,-])(?:\+82[- ]?|0)"
    r"(?:2|[3-6][1-5]|70|50[2-8])[-. )]{1,2}[0-9]{3,4}[-. ]?[0-9]{4}(?![0-9]|-[0-9])"
)
"""A number with an area code, of a network telephone (070) or a personal one (050); 1588-1234 is a business's."""

_SPELLED_DIGITS: Final = dict(zip("공영빵일이삼사오육륙칠팔구", "0001234566789", strict=True))
_SPELLED: Final = re.compile(
    rf"(?<![가-힣])[공영빵]\s?일\s?[{''.join(_SPELLED_DIGITS)}](?:[\s-]?[{''.join(_SPELLED_DIGITS)}]){{7,8}}"
)

_PERSONAL_TYPES: Final = frozenset(
    {
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.VOIP,
        phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
    }
)


@rule(
    "I01",
    "Phone numbers are only from the pool that nobody can have.",
    korean=f"전화번호는 [배송지]에 적힌 것, 아니면 {PHONE_PREFIX}으로 시작하는 것만 씁니다.",
)
def check_phones(case: Case) -> Iterator[Finding]:
    """Find mobile numbers outside `config.PHONE_PREFIX`, and numbers with an area code that are in use.

    In other domains, whose pool is not ours, that is a warning.
    """
    severity: Severity | None = None if case.is_delivery else "W"
    for address in case.opening.addresses if case.opening is not None else ():
        if not _is_pool(_read_digits(address.phone)):
            yield Finding(None, f"the opening's phone number {address.phone!r} is not of the pool {PHONE_PREFIX}…")
    written = read_written(case)
    if not _MAY_HOLD_PHONE(written.plain):
        return
    for turn, _, text in written.turns:
        plain = blank_ids(text)
        for number in find_strange_phones(plain) if _MAY_HOLD_PHONE(plain) else ():
            yield Finding(turn, f"the phone number {number!r} is not of the pool {PHONE_PREFIX}…", severity)


_MAY_HOLD_PHONE: Final = re.compile(
    rf"(?=[08공영빵])(?:0{_GAP}1{_GAP}[016789]|82{_GAP}0?{_GAP}1|82[- ]?[2-7]|0[2-7][0-9]{{0,2}}[-. )]|[공영빵]\s?일)"
).search


@lru_cache(maxsize=1024)
def find_strange_phones(text: str) -> tuple[str, ...]:
    """Return the phone numbers in a text, as they stand there, that could be a person's."""
    found = [match[0] for match in _MOBILE.finditer(text) if not _is_pool(_read_digits(match[0]))]
    found += [match[0] for match in _FIXED.finditer(text) if _is_personal(match[0])]
    for match in _SPELLED.finditer(text):
        digits = "".join(_SPELLED_DIGITS.get(sign, "") for sign in match[0])
        if not _is_pool(digits):
            found.append(match[0])
    return tuple(number.strip() for number in found)


def _is_pool(digits: str) -> bool:
    national = "0" + digits.removeprefix("00").removeprefix("82").lstrip("0") if "82" in digits[:4] else digits
    return len(national) == _POOL_LENGTH and national.startswith(_POOL)


def _is_personal(text: str) -> bool:
    try:
        number = phonenumbers.parse(text, "KR")
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.number_type(number) in _PERSONAL_TYPES


Kind = Literal["resident registration number", "card number", "bank account number", "e-mail address"]


class Identifier(NamedTuple):
    """Something that points at a person: its kind, and how it stands in the text."""

    kind: Kind
    text: str


_RESIDENT: Final = re.compile(r"(?<![0-9])([0-9]{6})(\s?[-–—‐‑~.]\s?|\s)?([1-8][0-9]{6})(?![0-9])")
_CARD: Final = re.compile(
    r"(?=[2-69])(?<![0-9.-])(?:[2-69][0-9]{3}([ .–-]?)[0-9]{4}\1[0-9]{4}\1[0-9]{2,4}"
    r"|3[0-9]{3}([ .–-]?)[0-9]{6}\2[0-9]{4,5})(?![0-9])"
)
"""14 to 16 digits; the first is of an issuer of cards (ISO/IEC 7812: 2 to 6, and 9 for cards of one country)."""

_GROUPED_CARD: Final = re.compile(
    r"카드[^0-9\n]{0,12}(?<![0-9])([0-9]{4}[ .–-][0-9]{4}[ .–-][0-9]{4}[ .–-][0-9]{4})(?![0-9])"
)
_BANK: Final = r"계좌|은행|뱅크|농협|신협|수협|새마을금고|우체국|예금주|입금"
_SHORT_BANK: Final = r"국민|신한|우리|하나|기업|부산|대구|광주|전북|경남|제주|씨티|제일|산업|KB|IBK|NH|SC"
_ACCOUNT: Final = re.compile(
    r"(?=[계은뱅농신수새우예입국하기부대광전경제씨산KINS])"
    rf"(?:(?:{_BANK})[^0-9\n]{{0,15}}([0-9](?:[ -]?[0-9]){{9,13}})(?![0-9])"
    rf"|(?:{_SHORT_BANK})[^0-9\n가-힣]{{0,3}}([0-9]{{3,6}}-[0-9]{{2,6}}-[0-9]{{2,7}}(?:-[0-9]{{1,3}})?)(?![0-9]))"
)
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}[@＠][A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,}"
)
"""The parts are as long as RFC 5321 (4.5.3.1) lets them be."""

_MAY_IDENTIFY: Final = re.compile(r"[@＠0-9０-９](?:(?<=[@＠])|(?:[ .~‐-—-]{0,3}[0-9０-９]){9})").search
_ALWAYS_GRAVE: Final = frozenset[Kind]({"resident registration number", "card number"})


@rule(
    "I02",
    "There is no resident registration, card or account number and no e-mail address.",
    korean="주민등록번호, 카드 번호, 계좌 번호, 이메일 주소를 쓰지 않습니다.",
)
def check_identifiers(case: Case) -> Iterator[Finding]:
    """Find what points at a person. In other domains accounts and e-mail addresses are warnings: some live by them."""
    written = read_written(case)
    if not _MAY_IDENTIFY(written.plain):
        return
    for turn, role, text in written.turns:
        plain = blank_ids(text)
        for kind, found in find_identifiers(plain) if _MAY_IDENTIFY(plain) else ():
            # A response counts milliseconds since 1970 in 13 digits; there only a hyphen makes a resident's number.
            if role == "response" and kind == "resident registration number" and found.isdigit():
                continue
            is_grave = case.is_delivery or kind in _ALWAYS_GRAVE
            yield Finding(turn, f"a text holds the {kind} {found!r}", None if is_grave else "W")


@lru_cache(maxsize=1024)
def find_identifiers(text: str) -> tuple[Identifier, ...]:
    """Return the identifiers in a text without UUIDs."""
    plain = text if text.isascii() else _narrow_digits(text)
    found = [Identifier("resident registration number", m[0]) for m in _RESIDENT.finditer(plain) if _has_birthday(m)]
    cards = [m[0] for m in _CARD.finditer(plain) if luhn.is_valid(_read_digits(m[0]))]
    cards += [m[1] for m in _GROUPED_CARD.finditer(plain) if m[1] not in cards]
    found += [Identifier("card number", card) for card in cards]
    accounts = (m[1] or m[2] for m in _ACCOUNT.finditer(plain))
    found += [Identifier("bank account number", number) for number in accounts if _is_account(number, cards)]
    if "@" in plain or "＠" in plain:
        found += [Identifier("e-mail address", match[0]) for match in _EMAIL.finditer(plain)]
    return tuple(found)


def _has_birthday(match: re.Match[str]) -> bool:
    """Tell whether the first six digits are a day. The rest proves nothing: since October 2020 it is drawn at random.

    Source: the Ministry of the Interior's change of the Enforcement Rule of the Resident Registration Act, 2020-10-05.
    """
    try:
        birthday = rrn.get_birth_date(match[1] + match[3])
    except ValidationError:
        return False
    return match[2] is not None or birthday.year <= _LAST_BIRTH or not _is_barcode(match[0])


_LAST_BIRTH: Final = 2049
_KOREAN_BARCODE: Final = "880"
"""What GS1 gave to Korea."""


def _is_barcode(digits: str) -> bool:
    """Tell a barcode, 13 digits too, from a number that is made up with a birthday to come.

    An LLM that invents a barcode seldom gets its check digit right, but begins as Korean ones do.
    """
    return digits.startswith(_KOREAN_BARCODE) or ean.is_valid(digits)


def _is_account(number: str, cards: list[str]) -> bool:
    digits = _read_digits(number)
    return 10 <= len(digits) <= 14 and not digits.startswith("01") and number not in cards


_WIDE_DIGIT: Final = re.compile(r"(?![0-9])\d")


def _narrow_digits(text: str) -> str:
    return _WIDE_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)


def _read_digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdecimal())
