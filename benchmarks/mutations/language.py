"""Decides how the language of a dialogue is damaged: English, foreign scripts, invisible characters, 반말."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

from random import Random
from typing import Final

from benchmarks.mutations.base import (
    Mutation,
    add_sentence,
    calls_of,
    perform_again,
    read_turns,
    speak,
    with_argument,
    with_turns,
)
from datagen_core.files import JsonObject

_ENGLISH: Final = (
    "Sure, let me check that for you.",
    "I have found a few restaurants near you. Which one would you like?",
    "Your order has been received. Thank you for using our service!",
    "I'm sorry, but I can't help with that request.",
    "Could you please tell me your order number?",
    "The item was added to your cart. Anything else?",
    "Thanks for waiting. The total is shown above.",
    "Have a great day, and enjoy your meal.",
)
_ENGLISH_VALUES: Final = (
    "chicken",
    "spicy rice cakes",
    "extra sauce please",
    "pizza near me",
    "no onions please",
    "leave it at the door",
    "fried rice",
    "please call on arrival",
    "less spicy",
    "Korean soup",
)
_HANJA: Final = (
    "您好",
    "注文이 完了되었습니다.",
    "配達 準備 中입니다.",
    "感謝합니다.",
    "請稍等一下。",
    "謝謝您的訂購。",
    "確認 後 案內드리겠습니다.",
    "金額은 上記와 같습니다.",
    "店鋪 情報입니다.",
    "没有问题。",
)
_JAPANESE: Final = (
    "はい、かしこまりました。",
    "ありがとうございます。",
    "少々お待ちください。",
    "ラーメン 한 그릇입니다.",
    "ご注文を承りました。",
    "おすすめ 메뉴입니다.",
    "すみません。",
    "カートに追加しました。",
    "またのご利用をお待ちしております。",
)
_OTHER_SCRIPTS: Final = (
    "Спасибо за заказ.",
    "Пожалуйста.",
    "شكرا لك",
    "ขอบคุณครับ",
    "Ευχαριστώ πολύ.",
    "धन्यवाद",
    "תודה רבה",
    "Хорошо, 확인했습니다.",
)
_INVISIBLE: Final = (
    "\u200b",
    "\u200e",
    "\ufeff",
    "\u202e",
    "\x07",
    "\x00",
    "\x1b[0m",
    "\ufffd",
    "\ue000",
    "\u00ad",
    "\u2060",
    "\x7f",
    "\u3164",
)
_PLAIN_SPEECH: Final = (
    ("했습니다.", "했어."),
    ("됐습니다.", "됐어."),
    ("되었습니다.", "됐어."),
    ("입니다.", "이야."),
    ("있습니다.", "있어."),
    ("없습니다.", "없어."),
    ("합니다.", "해."),
    ("겠습니다.", "을게."),
    ("드릴까요?", "줄까?"),
    ("주시겠어요?", "줄래?"),
    ("주세요.", "줘."),
    ("할까요?", "할까?"),
    ("있을까요?", "있어?"),
    ("하시겠어요?", "할래?"),
    ("습니다.", "어."),
    ("으신가요?", "어?"),
    ("신가요?", "니?"),
    ("세요.", "라."),
    ("세요?", "니?"),
    ("까요?", "까?"),
)
_CASUAL: Final = (
    "그건 내가 해 줄게.",
    "응, 알겠어.",
    "뭐 더 필요한 거 있어?",
    "그거 진짜 맛있어.",
    "조금만 기다려 봐.",
    "너 뭐 먹을래?",
    "이걸로 하자.",
    "그렇게 해 둘게, 걱정 마.",
    "나도 잘 몰라.",
    "또 놀러 와!",
)


def reply_in_english(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor answers in English."""
    return speak(record, rng, lambda _: rng.choice(_ENGLISH))


def translate_argument(record: JsonObject, rng: Random) -> JsonObject | None:
    """What the customer said in Korean is handed to a tool in English; performed."""
    turns = read_turns(record)
    names = ("query", "special_request", "delivery_note")
    choices = [(place, name) for place in calls_of(turns) for name in names if name in place.call.arguments]
    if not choices:
        return None
    place, name = rng.choice(choices)
    return with_turns(record, perform_again(record, with_argument(turns, place, name, rng.choice(_ENGLISH_VALUES))))


def add_hanja(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor uses Chinese characters."""
    return add_sentence(record, rng, _HANJA)


def add_japanese(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor slips into Japanese."""
    return add_sentence(record, rng, _JAPANESE)


def add_other_script(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor slips into Cyrillic, Arabic, Thai, Greek, Devanagari or Hebrew."""
    return add_sentence(record, rng, _OTHER_SCRIPTS)


def add_invisible(record: JsonObject, rng: Random) -> JsonObject | None:
    """A character that nobody sees or that controls a terminal stands in a line."""

    def edit(text: str) -> str:
        place = rng.randrange(1, len(text)) if len(text) > 1 else 0
        return text[:place] + rng.choice(_INVISIBLE) + text[place:]

    return speak(record, rng, edit, role=rng.choice(("customer", "counsellor")))


def talk_down(record: JsonObject, rng: Random) -> JsonObject | None:
    """The endings of a line of the counsellor are 반말."""

    def edit(text: str) -> str | None:
        plain = text
        for polite, casual in _PLAIN_SPEECH:
            plain = plain.replace(polite, casual)
        return plain

    return speak(record, rng, edit)


def add_casual(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor adds a sentence in 반말."""
    return add_sentence(record, rng, _CASUAL)


MUTATIONS: Final = (
    Mutation("English reply", reply_in_english),
    Mutation("English in an argument, performed", translate_argument, "W"),
    Mutation("Hanja", add_hanja),
    Mutation("Japanese", add_japanese),
    Mutation("another script", add_other_script),
    Mutation("invisible or control character", add_invisible),
    Mutation("반말, endings", talk_down, "W"),
    Mutation("반말, a sentence", add_casual, "W"),
)
