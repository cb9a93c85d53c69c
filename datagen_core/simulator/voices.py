"""Decides how a customer of one persona spells a line: 존댓말 or 반말, dialect, haste, mood, habits of typing.

Lines are written once for both registers. `[가|나]` is 가 in 반말 and 나 in 존댓말; `~` ends a clause: nothing in 반말,
요 in 존댓말; `줘~` is however this persona asks. What stands between `KEEP` marks is never respelled: arguments
depend on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from datagen_core.config import Persona
from datagen_core.simulator.korean import Name

_OPEN: Final = "\ue000"
_CLOSE: Final = "\ue001"
_APART: Final = "\ue002"
_KEPT: Final = re.compile(f"{_OPEN}[^{_CLOSE}]*{_CLOSE}")
_CHOICE: Final = re.compile(r"\[([^|\]]*)\|([^\]]*)\]")
_MARKS: Final = str.maketrans("", "", _OPEN + _CLOSE)

_ASKING: Final[dict[str, tuple[str, ...]]] = {
    "무덤덤함/반말": ("줘",),
    "차분함/존댓말": (" 주세요", " 주세요", " 주시겠어요?"),
    "조심스러움/존댓말": (" 주시겠어요?", " 주실 수 있을까요?", " 주세요"),
    "들뜸/반말": ("줘", "줘라", "주라"),
    "무덤덤함/존댓말": ("주세요", " 주세요"),
    "화남/존댓말": (" 주세요", "주세요", " 주시죠"),
    "화남/반말": ("줘", "달라고", "줘 좀"),
    "들뜸/존댓말": ("주세요", "주세용", "주실래요?"),
    "느긋함/반말": (" 주게", " 주겠나?", " 주게나"),
    "공손함/존댓말": (" 주시겠어요?", " 주세요", " 주시면 감사하겠습니다", " 주실 수 있나요?"),
    "피곤함/존댓말": (" 주세요", "주세요"),
    "차분함/반말": ("줘", "줄래?"),
    "경상도/반말": ("도", "도", "줘라"),
    "경상도/존댓말": (" 주이소", "주이소"),
    "전라도/반말": ("줘", "줘잉", "주라잉"),
    "충청도/존댓말": (" 주세유", "주셔유"),
    "급함/반말": ("줘",),
    "급함/존댓말": ("주세요", "줘요"),
}
"""How 줘 is said, by dialect, haste or mood, and by register; a persona not listed says 주세요 or 줘."""

_OPENERS: Final[dict[str, tuple[str, ...]]] = {
    "급함/반말": ("빨리 ", "급해 ", "나 지금 급한데 ", "아 ", "야 빨리 ", "시간 없어 "),
    "차분함/존댓말": ("안녕하세요. ", "저기 ", "네, ", "음, "),
    "조심스러움/존댓말": ("저기요, ", "실례합니다만 ", "혹시 괜찮으시면 ", "제가 이런 걸 잘 몰라서요. ", "저, "),
    "들뜸/반말": ("오 ", "헐 ", "대박 ", "나 배고픈데 ", "야호 "),
    "급함/존댓말": ("빨리요. ", "급해서요. ", "바빠서 그런데 ", "시간이 없어서요. ", "회의 들어가야 해서요. "),
    "화남/존댓말": ("아니, ", "몇 번을 말해요. ", "참, 답답하네요. ", "도대체가. ", "아 진짜, "),
    "화남/반말": ("아 진짜 ", "아 짜증나 ", "또 그래? ", "하 참 "),
    "들뜸/존댓말": ("안녕하세요! ", "와 ", "오늘 기분 좋은 날이라! ", "저요! "),
    "무덤덤함/반말": ("어 ", "음 ", "그냥 "),
    "무덤덤함/존댓말": ("네 ", "저기요 "),
    "느긋함/반말": ("거, 보자. ", "어디 보자. ", "그 뭐냐, ", "여보게, ", "허허, "),
    "공손함/존댓말": ("안녕하세요, ", "수고 많으십니다. ", "바쁘신데 죄송합니다만 ", "실례지만 "),
    "피곤함/존댓말": ("아… ", "음… ", "하… 이제 퇴근했는데… ", "저기… "),
    "차분함/반말": ("저기 ", "음 ", "있잖아 "),
    "경상도/반말": ("보이소, ", "그래 ", "있다 아이가, ", "아이고, "),
    "경상도/존댓말": ("보이소, ", "저기예, ", "안녕하십니꺼, "),
    "전라도/반말": ("아따 ", "어이 ", "거시기 ", "있잖애 "),
    "충청도/존댓말": ("저기유, ", "안녕하세유. ", "있잖아유, ", "거시기, "),
}
"""What may stand before a first line, by dialect, haste or mood, and by register."""

_CLOSERS: Final[dict[str, tuple[str, ...]]] = {
    "급함/반말": (" 빨리", " ㄱㄱ", " 급해ㅠ"),
    "조심스러움/존댓말": (" 천천히 하셔도 돼요.", " 이렇게 하면 되나요?"),
    "급함/존댓말": (" 빨리요.", " 얼른요."),
    "화남/존댓말": (" 빨리 좀요.", " 제대로 좀 부탁합니다."),
    "화남/반말": (" 좀 제대로 해", " 빨리 좀"),
    "느긋함/반말": (" 천천히 하게.", " 급할 건 없네."),
    "공손함/존댓말": (" 부탁드립니다.", " 감사합니다."),
    "피곤함/존댓말": (" 기운이 없네요.",),
    "경상도/반말": (" 알겠제.", " 퍼뜩 안 해도 된다."),
    "경상도/존댓말": (" 단디 부탁합니더.",),
    "전라도/반말": (" 부탁한당께.", " 알겄제."),
    "충청도/존댓말": (" 천천히 하셔도 돼유.", " 급할 거 없어유."),
}

_TYPOS: Final[tuple[tuple[str, str], ...]] = (
    ("담아줘", "담아조"), ("해줘", "해죠"), ("알려줘", "알려죠"), ("보여줘", "보여조"),
    ("찾아줘", "차자줘"), ("바꿔", "바꺼"), ("넣어", "너어"), ("있어", "잇어"),
    ("있는", "잇는"), ("됐", "됬"), ("했", "햇"), ("맞아", "마자"),
    ("그리고", "글고"), ("그냥", "걍"), ("잠깐", "잠만"), ("어떻게", "어케"),
    ("빨리", "빨랑"), ("괜찮", "갠찮"), ("좋아", "조아"), ("없어", "업어"),
    ("뭐", "머"), ("응", "ㅇㅇ"), ("같이", "가치"), ("내 ", "내"),
    ("먹고 싶은", "먹구시픈"), ("아니다", "아니당"), ("싶은데", "시픈데"), ("알겠어", "알겟어"),
    ("고마워", "고마웡"),
)  # fmt: skip

_DIALECT: Final[tuple[tuple[str, str], ...]] = (
    (r"있어\?", "있나?"), (r"돼\?", "되나?"), (r"얼마야\?", "얼마고?"), (r"뭐야\?", "뭐꼬?"),
    (r"어디야\?", "어데고?"), (r"팔아\?", "파노?"), (r"열어\?", "여나?"), (r"어떻게 됐어\?", "우째 됐노?"),
    (r"됐어\?", "됐나?"), (r"되나\?", "되나?"), (r"상태야\?", "상태고?"), (r"거야\?", "거가?"),
    (r"누구야\?", "누고?"), (r"해\?", "하나?"), (r"이야\?", "이가?"), ("빨리", "퍼뜩"),
    ("그냥", "마 그냥"), ("그거", "그기"), ("아니다", "아이다"), ("아니", "아이"),
    (r"\b좀 ", "쫌 "), ("할게", "하께"), ("알겠어", "알긋다"), ("고마워", "고맙데이"),
    ("맞아", "맞다"), ("어떻게", "우째"), ("왜", "와"), (r"\b응\b", "그래"),
    ("좋아", "좋다"), ("됐어", "됐다"),
)  # fmt: skip

_POLITE_END: Final = r"(?<![필중주수개월화목금토일])요(?=[.?!…~,]|$| )"

_SOUTHEAST_POLITE: Final[tuple[tuple[str, str], ...]] = (
    (r"안녕하세요", "안녕하십니꺼"), (r"주세요", "주이소"), (r"있어요\?", "있습니꺼?"), (r"돼요\?", "됩니꺼?"),
    (r"얼마예요\?", "얼맙니꺼?"), (r"뭐예요\?", "뭡니꺼?"), (_POLITE_END, "예"), (r"습니다", "습니더"),
    (r"고마워예", "고맙십니더"), (r"그거", "그기"), (r"빨리", "퍼뜩"), (r"그냥", "마 그냥"),
)  # fmt: skip

_SOUTHWEST: Final[tuple[tuple[str, str], ...]] = (
    (r"있어\?", "있당가?"), (r"돼\?", "된당가?"), (r"얼마야\?", "얼마여?"), (r"뭐야\?", "뭐여?"),
    (r"어디야\?", "어디여?"), (r"됐어\?", "됐당가?"), (r"상태야\?", "상태여?"), (r"거야\?", "거여?"),
    (r"누구야\?", "누구여?"), (r"팔아\?", "판당가?"), (r"열어\?", "연당가?"), (r"할게(?=[.]|$)", "할게잉"),
    ("고마워", "고맙당께"), ("그냥", "기냥"), ("알겠어", "알겄어"), (r"좋네(?=[.]|$)", "좋구만"),
    ("빨리", "싸게"), (r"먹고 싶은데", "먹고 자픈디"), (r"하는데(?= |$)", "하는디"), (r"인데(?= |$)", "인디"),
)  # fmt: skip

_MIDWEST_POLITE: Final[tuple[tuple[str, str], ...]] = (
    (_POLITE_END, "유"), (r"예유(?=[.?!…]|$| )", "여유"), (r"는데유", "는디유"),
    (r"그렇군유", "그렇구먼유"), (r"빨리", "싸게"),
)  # fmt: skip

_ELDERLY: Final[tuple[tuple[str, str], ...]] = (
    (r"있어\?", "있나?"), (r"돼\?", "되나?"), (r"얼마야\?", "얼만가?"), (r"뭐야\?", "뭔가?"),
    (r"어디야\?", "어딘가?"), (r"팔아\?", "파나?"), (r"열어\?", "여나?"), (r"됐어\?", "됐나?"),
    (r"상태야\?", "상탠가?"), (r"거야\?", "건가?"), (r"누구야\?", "누군가?"), (r"해\?", "하나?"),
    ("할게", "하겠네"), ("할래", "하겠네"), ("먹을래", "먹겠네"), (r"\b응\b", "그래"),
    ("알겠어", "알겠네"), ("고마워", "고맙네"), ("맞아", "맞네"), ("됐어", "됐네"),
    ("좋아", "좋네"), (r"됐네\?", "됐나?"), ("있네", "있구먼"), (r"싶은데(?=[ .?]|$)", "싶은데 말이야"),
)  # fmt: skip


class Voice:
    """One persona's way of writing. Draws from the random generator it is given, and from nothing else."""

    def __init__(self, persona: Persona, rng: Random) -> None:
        self.persona = persona
        self._rng = rng
        self._is_polite = persona.register == "존댓말"
        tempers = (persona.dialect, persona.pace, persona.mood)
        self._tempers = tuple(f"{temper}/{persona.register}" for temper in tempers)
        self._said: set[str] = set()
        self._spell = _SPELLING.get(persona.typing, _leave)
        self._speak = _DIALECTS.get(f"{persona.dialect}/{persona.register}", _leave)

    def pick(self, bank: Sequence[str], **slots: str) -> str:
        """Return one line of a bank in this register, its slots filled; what was said before comes last."""
        fresh = [line for line in bank if line not in self._said] or list(bank)
        line = self._rng.choice(fresh)
        self._said.add(line)
        return self.fill(line, **slots)

    def agree(self, bank: Sequence[str], **slots: str) -> str:
        """Return one line of a bank that settles something: asked for without a question."""
        return self.pick([re.sub(r"(?<=[가-힣])줘~", "[줘| 주세요]", line) for line in bank], **slots)

    def fill(self, line: str, **slots: str) -> str:
        """Put a line into this register and fill its slots. Slots are `Name`s where the line asks for particles."""
        line = _CHOICE.sub(r"\2" if self._is_polite else r"\1", line)
        while "줘~" in line:
            line = line.replace("줘~", self._ask(), 1)
        line = line.replace("~", "요" if self._is_polite else "")
        line = re.sub(r"\?[.?]", "?", line)
        return line.format(**slots)

    def spell(self, text: str, *, is_first: bool = False, is_request: bool = True) -> str:
        """Return the line as this persona types it; now and then a first line or a request has more around it."""
        rng = self._rng
        if is_first and rng.random() < 0.45:
            text = rng.choice(self._choose(_OPENERS)) + text
        if is_request and rng.random() < 0.12:
            text += rng.choice(self._choose(_CLOSERS))
        kept = _KEPT.findall(text)
        # A kept value travels as one letter that no rule of spelling touches.
        bare = _KEPT.sub(_CLOSE, text)
        spelled = self._spell(self._speak(re.sub(r" {2,}", " ", bare).strip(), rng), rng)
        for value in kept:
            spelled = spelled.replace(_CLOSE, value[1:-1], 1)
        return spelled.translate(_MARKS).strip()

    def _ask(self) -> str:
        plain = " 주세요" if self._is_polite else "줘"
        return self._rng.choice(self._choose(_ASKING, (plain,)))

    def _choose(self, table: Mapping[str, tuple[str, ...]], default: tuple[str, ...] = ("",)) -> tuple[str, ...]:
        """Return the entry of the dialect, else of haste, else of the mood."""
        return next((table[temper] for temper in self._tempers if temper in table), default)


def keep(value: str) -> Name:
    """Return a value that stays as it is however the line around it is typed."""
    return Name(f"{_OPEN}{value}{_CLOSE}")


def _leave(text: str, rng: Random) -> str:
    return text


def _replace_some(text: str, table: Sequence[tuple[str, str]], rng: Random, share: float) -> str:
    for pattern, other in table:
        if rng.random() < share:
            text = re.sub(pattern, other, text)
    return text


def _hurry(text: str, rng: Random) -> str:
    text = _replace_some(text, _TYPOS, rng, 0.6)
    text = re.sub(r"\.(?= |$)", "", text).replace(",", "")
    return text + rng.choice(("", "", "", "ㅠ", "ㅠㅠ", " ㄱㄱ", "!!"))


def _squeeze(text: str, rng: Random) -> str:
    # Two kept values stay apart: a street's number and a flat's would make one number.
    apart = re.sub(f"(?<={_CLOSE})[ ,]+(?={_CLOSE})", _APART, text)
    sentences = [re.sub(r"[ ,]", "", part).replace(_APART, " ") for part in re.split(r"\.(?: |$)", apart)]
    return rng.choice((" ", " ", ".")).join(sentence for sentence in sentences if sentence)


def _giggle(text: str, rng: Random) -> str:
    text = re.sub(r"\.(?= |$)", lambda _: rng.choice((" ㅋㅋ", "", "ㅋㅋ")), text)
    return text.rstrip() + rng.choice(("ㅋㅋ", "ㅋㅋㅋ", " ㅋㅋ", "ㅋㅋㅋㅋ", ""))


def _smile(text: str, rng: Random) -> str:
    text = re.sub(r"\.(?= )", lambda _: rng.choice(("!", "~", " ㅎㅎ")), text).rstrip(".")
    return text + rng.choice((" ㅎㅎ", "ㅎㅎ", " ^^", " 😊", "~", "~!", " 🙏", "! ㅎㅎ"))


def _shorten(text: str, rng: Random) -> str:
    text = re.sub(r"(혹시|좀|음|그럼|그냥),? ", "", text)
    return text if rng.random() < 0.5 else text.removesuffix(".")


def _trail_off(text: str, rng: Random) -> str:
    text = re.sub(r"\.(?= |$)", "…", text)
    if rng.random() < 0.4:
        text = re.sub(r"(은데|는데|려고|거든)(요?)(?= )", r"\1\2…", text, count=1)
    return text if text.endswith(("…", "?")) else text + rng.choice(("…", "", "…"))


def _take_time(text: str, rng: Random) -> str:
    if "요" not in text and "니다" not in text and "주시" not in text:
        text = _replace_some(text, _ELDERLY, rng, 0.9)
    return text if text.endswith(("?", "!", ".")) else text + "."


def _exclaim(text: str, rng: Random) -> str:
    text = re.sub(r"\.(?= |$)", lambda _: rng.choice(("!", "!!", ".")), text)
    return text if text.endswith(("?", "!")) else text.removesuffix(".") + rng.choice(("!", "!!", "!!!"))


def _drop_marks(text: str, rng: Random) -> str:
    return re.sub(r"[.,!](?= |$)", "", text)


def _speaker_of(table: Sequence[tuple[str, str]], share: float) -> Callable[[str, Random], str]:
    def speak(text: str, rng: Random) -> str:
        return _replace_some(text, table, rng, share)

    return speak


_DIALECTS: Final[dict[str, Callable[[str, Random], str]]] = {
    "경상도/반말": _speaker_of(_DIALECT, 0.85),
    "경상도/존댓말": _speaker_of(_SOUTHEAST_POLITE, 0.85),
    "전라도/반말": _speaker_of(_SOUTHWEST, 0.85),
    "충청도/존댓말": _speaker_of(_MIDWEST_POLITE, 0.9),
}

_SPELLING: Final[dict[str, Callable[[str, Random], str]]] = {
    "오타": _hurry,
    "띄어쓰기 없음": _squeeze,
    "ㅋㅋ": _giggle,
    "ㅎㅎ와 이모티콘": _smile,
    "짧게": _shorten,
    "말줄임": _trail_off,
    "또박또박": _take_time,
    "느낌표": _exclaim,
    "문장부호 없음": _drop_marks,
}
