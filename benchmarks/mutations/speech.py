"""Decides how what the counsellor states is made untrue: amounts, counts, ratings, names, places, hours."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

import re
from random import Random
from typing import Final, cast

from benchmarks.mutations.base import (
    WON,
    Mutation,
    numbers_in,
    place_sentence,
    read_turns,
    responses_of,
    speak,
    text_of,
    walk_leaves,
    walk_objects,
)
from datagen_core.files import JsonObject

_SHOPS: Final = (
    "가람옛집 손칼국수",
    "청운각 본점",
    "바삭킹치킨 역삼점",
    "나폴리부엌",
    "을지로 골목포차",
    "소문난 김밥천하",
    "카페 온도차",
    "스시하루",
    "황제마라탕",
    "엄마손 순두부",
    "피자플래닛",
    "별미각 짬뽕",
)
_DISHES: Final = (
    "트러플감바스",
    "해물누룽지탕",
    "유린기",
    "고추바사삭볼",
    "명란크림우동",
    "바질페스토파스타",
    "불닭치즈퐁듀",
    "흑임자인절미빙수",
    "통영굴전",
    "가지튀김덮밥",
    "토마토해물스튜",
    "쑥절편",
)
_SHOP_FORMS: Final = (
    "근처 {}도 지금 주문이 많습니다.",
    "비슷한 곳으로 {}을 추천해 드립니다.",
    "{}에서도 같은 메뉴를 팝니다.",
    "{}도 함께 나왔습니다.",
    "참고로 {}은 오늘 할인 중입니다.",
    "{} 쪽이 조금 더 빠릅니다.",
    "원하시면 {}에서 주문하실 수 있습니다.",
    "{}도 평이 좋습니다.",
)
_DISH_FORMS: Final = (
    "{}도 많이들 드십니다.",
    "이 집은 {}이 유명합니다.",
    "사이드로 {}도 있습니다.",
    "{}을 추천해 드립니다.",
    "{}까지 담아 드릴까요?",
    "신메뉴 {}도 나왔습니다.",
    "함께 드시기에는 {}이 좋습니다.",
    "메뉴에는 {}도 있습니다.",
)
_PRICE_FORMS: Final = (
    "배달비는 {}입니다.",
    "합계는 {}입니다.",
    "지금 담긴 금액은 {}입니다.",
    "평균 가격은 {}입니다.",
    "최소 주문 금액은 {}입니다.",
    "{}만 내시면 됩니다.",
    "가장 싼 메뉴는 {}입니다.",
    "결제하실 금액은 {}입니다.",
    "한 그릇에 {}입니다.",
    "{}부터 시작합니다.",
)
_HOURS: Final = (
    "영업시간은 오전 10시부터 오후 9시 40분까지입니다.",
    "이 식당은 새벽 4시 20분까지 문을 엽니다.",
    "오후 3시 15분에 다시 엽니다.",
    "마지막 주문은 밤 11시 25분까지 받습니다.",
    "브레이크 타임은 15:10부터 16:50까지입니다.",
    "오전 7시 35분에 문을 엽니다.",
    "내일은 낮 12시 45분부터 영업합니다.",
    "매주 화요일은 03시 05분에 닫습니다.",
)
_ARRIVALS: Final = (
    "약 37분 뒤에 도착합니다.",
    "배달은 45~55분 정도 걸립니다.",
    "지금 주문하시면 33분 안에 받으실 수 있습니다.",
    "도착 예정 시각은 밤 11시 52분입니다.",
    "조리에 17분쯤 걸립니다.",
    "라이더님이 8분 거리에 계십니다.",
    "예상 도착까지 26분 남았습니다.",
    "한 시간 반쯤 걸릴 예정입니다.",
)


def _draw_amount(known: set[int], rng: Random, near: int) -> int:
    """Return an amount near another that nothing shows: a digit misread, or some hundreds more or less."""
    offs = (10, 50, 100, 300, 500, 700, 900, 1_000, 1_100, 2_000, 3_300, 9_000)
    amounts = [near + sign * off for off in offs for sign in (1, -1) if near + sign * off > 0]
    return rng.choice([amount for amount in amounts if amount not in known] or [max(known) + 10])


def misstate_price(record: JsonObject, rng: Random) -> JsonObject | None:
    """An amount in the counsellor's text is one that nothing shows."""
    known = numbers_in(record)

    def edit(text: str) -> str | None:
        found = list(WON.finditer(text))
        if not found:
            return None
        match = rng.choice(found)
        wrong = _draw_amount(known, rng, int(match[1].replace(",", "")))
        spelt = rng.choice((f"{wrong:,}원", f"{wrong:,}원", f"{wrong}원", f"{wrong:,} 원"))
        return text[: match.start()] + spelt + text[match.end() :]

    return speak(record, rng, edit)


def spell_price(record: JsonObject, rng: Random) -> JsonObject | None:
    """An amount that nothing shows is told in Korean numerals: 2만 3천 원, 이만삼천오백원."""
    known = numbers_in(record)
    digits = "일이삼사오육칠팔구"

    def edit(text: str) -> str | None:
        found = list(WON.finditer(text))
        if not found:
            return None
        match = rng.choice(found)
        amounts = [t * 10_000 + k * 1_000 for t in range(1, 6) for k in range(1, 10)]
        wrong = rng.choice([amount for amount in amounts if amount not in known])
        tens, thousands = divmod(wrong // 1_000, 10)
        spelt = rng.choice(
            (
                f"{tens}만 {thousands}천 원",
                f"{tens}만{thousands}천원",
                f"{digits[tens - 1]}만{digits[thousands - 1]}천원",
            )
        )
        return text[: match.start()] + spelt + text[match.end() :]

    return speak(record, rng, edit)


def add_price(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor adds an amount out of nowhere."""
    wrong = _draw_amount(numbers_in(record), rng, rng.randrange(20, 400) * 100)
    sentence = rng.choice(_PRICE_FORMS).format(f"{wrong:,}원")
    return speak(record, rng, lambda text: place_sentence(text, sentence, rng))


def misstate_count(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor, who counted a list of restaurants, dishes or addresses rightly, counts more than any has."""
    responses = responses_of(read_turns(record))
    inner = [value for found in walk_objects(responses) for value in found.values()]
    lengths = {len(cast("list[object]", value)) for value in (*inner, *responses) if isinstance(value, list)}
    taken = lengths | numbers_in(record)

    def edit(text: str) -> str | None:
        match = re.search(r"(?<![\d,.])(\d{1,2}|한|두|세|네|다섯)( ?)(곳|가지)", text)
        if match is None:
            return None
        words = {"한": 1, "두": 2, "세": 3, "네": 4, "다섯": 5}
        told = words.get(match[1]) or int(match[1])
        if told not in lengths:
            return None
        wrong = next(number for number in range(told + 1, 200) if number not in taken)
        return text[: match.start()] + f"{wrong}{match[2]}{match[3]}" + text[match.end() :]

    return speak(record, rng, edit)


def misstate_quantity(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor tells another quantity of a dish than was put in, taken or ordered."""
    taken = numbers_in(record)

    def edit(text: str) -> str | None:
        found = list(re.finditer(r"(?<![\d,.])(\d{1,2})개", text))
        if not found:
            return None
        match = rng.choice(found)
        wrong = next(number for number in range(int(match[1]) + 1, 200) if number not in taken)
        return text[: match.start()] + f"{wrong}개" + text[match.end() :]

    return speak(record, rng, edit)


def misstate_rating(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor tells a rating that no restaurant seen has."""
    shown = {f"{leaf:.1f}" for leaf in walk_leaves(responses_of(read_turns(record))) if isinstance(leaf, (int, float))}
    free = [f"{tenth / 10:.1f}" for tenth in range(31, 51) if f"{tenth / 10:.1f}" not in text_of(record)]

    def edit(text: str) -> str | None:
        found = [match for match in re.finditer(r"(?<![\d.,])[0-5]\.\d(?!\d)", text) if match[0] in shown]
        if not found or not free:
            return None
        match = rng.choice(found)
        return text[: match.start()] + rng.choice(free) + text[match.end() :]

    return speak(record, rng, edit)


def _names_seen(record: JsonObject, *, shops: bool) -> list[str]:
    """Return the names of restaurants or dishes that responses showed, longest first, equal lengths by the alphabet."""
    names: set[str] = set()
    for found in walk_objects(responses_of(read_turns(record))):
        if "menu_name" in found and not shops:
            names.add(str(found["menu_name"]))
        elif "name" in found and ("rating_avg" in found) == shops:
            names.add(str(found["name"]))
    return sorted(names, key=lambda name: (-len(name), name))


def _rename(record: JsonObject, rng: Random, names: list[str], others: tuple[str, ...]) -> JsonObject | None:
    seen = text_of(record)
    other = rng.choice([name for name in others if name not in seen])

    def edit(text: str) -> str | None:
        named = [name for name in names if name in text]
        return text.replace(named[0], other) if named else None

    return speak(record, rng, edit)


def rename_shop(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor calls a restaurant by a name that none has."""
    return _rename(record, rng, _names_seen(record, shops=True), _SHOPS)


def rename_dish(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor calls a dish by a name that no menu has."""
    return _rename(record, rng, _names_seen(record, shops=False), _DISHES)


def mistake_branch(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor names another branch of the restaurant than was seen."""
    branches = ("강남점", "판교점", "해운대점", "본점", "부평점", "일산점", "잠실점", "신촌점", "분당점")
    seen = text_of(record)
    other = rng.choice([branch for branch in branches if branch not in seen])
    names = [name for name in _names_seen(record, shops=True) if name.endswith("점") and " " in name]

    def edit(text: str) -> str | None:
        named = [name for name in names if name in text]
        return text.replace(named[0], f"{named[0].rsplit(' ', 1)[0]} {other}") if named else None

    return speak(record, rng, edit)


def _add(record: JsonObject, rng: Random, sentence: str) -> JsonObject | None:
    return speak(record, rng, lambda text: place_sentence(text, sentence, rng))


def add_shop(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor brings up a restaurant that does not exist."""
    return _add(record, rng, rng.choice(_SHOP_FORMS).format(rng.choice(_SHOPS)))


def add_dish(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor brings up a dish that nobody has seen."""
    return _add(record, rng, rng.choice(_DISH_FORMS).format(rng.choice(_DISHES)))


def add_hours(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor tells opening hours that nothing shows."""
    return _add(record, rng, rng.choice(_HOURS))


def add_arrival(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor tells how long it takes, which no tool knows."""
    return _add(record, rng, rng.choice(_ARRIVALS))


def misstate_address(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor repeats a street or unit with another number."""
    seen = text_of(record)
    places = re.compile(r"(?<=[로길] )\d+(?![\d,]*원)|\d+(?=호)|\d+(?=층)")

    def edit(text: str) -> str | None:
        found = list(places.finditer(text))
        if not found:
            return None
        match = rng.choice(found)
        numbers = [str(number) for number in range(int(match[0]) + 1, int(match[0]) + 400)]
        wrong = next(number for number in numbers if number not in seen)
        return text[: match.start()] + wrong + text[match.end() :]

    return speak(record, rng, edit)


def misstate_phone(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor repeats the recipient's number with a digit wrong, still none that anybody has."""
    seen = text_of(record)

    def edit(text: str) -> str | None:
        match = re.search(r"010-0\d{3}-\d{4}", text)
        if match is None:
            return None
        wrong = match[0][:-1] + str((int(match[0][-1]) + rng.randrange(1, 9)) % 10)
        return None if wrong in seen else text.replace(match[0], wrong)

    return speak(record, rng, edit)


MUTATIONS: Final = (
    Mutation("text: price", misstate_price),
    Mutation("text: price in words", spell_price),
    Mutation("text: price added", add_price),
    Mutation("text: count", misstate_count, "W"),
    Mutation("text: quantity", misstate_quantity, "W"),
    Mutation("text: rating", misstate_rating),
    Mutation("text: restaurant renamed", rename_shop),
    Mutation("text: restaurant that does not exist", add_shop),
    Mutation("text: another branch", mistake_branch),
    Mutation("text: dish renamed", rename_dish),
    Mutation("text: dish not seen", add_dish),
    Mutation("text: opening hours", add_hours),
    Mutation("text: arrival", add_arrival),
    Mutation("text: street or unit", misstate_address),
    Mutation("text: phone digit", misstate_phone),
)
