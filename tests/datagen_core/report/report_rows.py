"""Funnels, rejections and dialogues for the tests of this folder, small enough to be read."""

from __future__ import annotations

from pathlib import Path

import orjson
from hypothesis import strategies as st

from datagen_core.checks import Violation
from datagen_core.dataset.funnel import Funnel
from datagen_core.dataset.verdicts import DUPLICATE, Verdict, describe_rejection
from datagen_core.dialogue.models import Dialogue, ToolCall, Turn
from datagen_core.dialogue.record import to_record
from datagen_core.files import JsonObject, write_jsonl
from datagen_core.pricing import PriceBook

UID = "29e76b93-8b5f-5c3f-9113-3e43cfde3390"
PRICES = PriceBook.model_validate({"input": "0.05", "cached_input": "0.005", "output": "0.25"})

HOSTILE = (
    "<script>document.title = 1</script>",
    '<img src=x onerror="document.title = 1">',
    "![picture](http://127.0.0.1/track.png)",
    "[link](javascript:document.title)",
    "| a | b |\n| --- | --- |\n| c | d |",
    "a\\|b \\\\| c ` d `` e ``` f",
    "```mermaid\ngraph TD\n```",
    "# heading\n- list\n1. list\n> quote\n---\n===",
    "*em* **strong** _em_ __strong__ ~~gone~~ snake_case_name",
    "https://evil.example/x www.evil.example me@evil.example HTTP://EVIL.example",
    "@start @@ http://x@y.example:80/",
    "&lt;b&gt; &#60;script&#62; &amp; &copy; &",
    "\x00\x07\x1b[31mred\x1b[0m \u202eright to left\u2066 \u200b\ufeff \u2028",
    "half a pair \ud83d",
    "[^1] [ref]: http://x <!-- c --> --> ]]> <![CDATA[ x ]]> <?php ?>",
    "</table></td></code></details><details open>",
    "- [x] done",
    "    code\n\ttab",
    "\r\n<br><br>\rx",
    "\\",
    "|",
    "`",
    "1)",
    "한국어 ㅋㅋㅋ 👨‍👩‍👧",
)

any_text = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12)), max_size=4).map("".join)
"""Hostile pieces, and anything else."""


def store(text: str) -> str:
    """Return a text as a file can hold it, without half surrogate pairs."""
    return text.encode("utf-8", "replace").decode()


stored_text = any_text.map(store)
"""The same, as a file can hold it."""


def make_funnel() -> Funnel:
    """Return the funnel of a run of two rounds, priced."""
    funnel = Funnel(scenarios=12)
    funnel.count("accepted", round_number=1, kind="tool_use", category="식당 검색", n=7)
    funnel.count("rejected", round_number=1, kind="tool_use", category="식당 검색", n=2)
    funnel.count("failed", round_number=1, kind="near_miss", category=None)
    funnel.count("pending", round_number=1, kind="near_miss", category=None)
    funnel.count("accepted", round_number=2, kind="tool_use", category="식당 검색", n=2)
    funnel.count("failed", round_number=2, kind="near_miss", category=None)
    for _ in range(11):
        funnel.count_answer(make_answer("t-1.r1"), "tool_use")
    funnel.count_answer(make_answer("t-2.r1", model=None, usage=None, outcome="answered"), "near_miss")
    return funnel


def make_answer(custom_id: str, **changes: object) -> JsonObject:
    """Return an element of `result_lst.json`, as a provider that bills gave it."""
    return {
        "custom_id": custom_id,
        "batch_id": "batch_1",
        "provider": "openai",
        "outcome": "answered",
        "text": None,
        "error": None,
        "model": "gpt-6-luna",
        "usage": {"prompt_tokens": 4_000, "cached_tokens": 3_500, "completion_tokens": 120},
        **changes,
    }


def make_script(*turns: JsonObject) -> str:
    """Return a script as an LLM writes it."""
    return orjson.dumps({"turns": list(turns)}).decode()


def reject(custom_id: str, text: str, *violations: Violation) -> JsonObject:
    """Return the row of `rejected.jsonl` of an answer that broke rules."""
    answer = make_answer(custom_id, text=text)
    return describe_rejection(None, answer, Verdict("rejected", None, violations, None))


def fail(custom_id: str, outcome: str, **changes: object) -> JsonObject:
    """Return the row of `rejected.jsonl` of a request that failed."""
    answer = make_answer(custom_id, outcome=outcome, **changes)
    return describe_rejection(None, answer, Verdict("failed", None, (), outcome))


def duplicate(custom_id: str) -> JsonObject:
    """Return the row of `rejected.jsonl` of an answer to a scenario that has a dialogue."""
    return describe_rejection(None, make_answer(custom_id), Verdict("rejected", None, (), DUPLICATE))


SCRIPT = make_script(
    {"role": "customer", "text": "피자집 평점 높은 순서로 찾아 주세요."},
    {
        "role": "call",
        "tool": "search_restaurants",
        "args": {"query": None, "category": "피자", "min_rating": 4.0, "sort": "rating"},
    },
    {"role": "counsellor", "text": "하늬재 피자집(평점 4.3)이 있습니다."},
    {"role": "customer", "text": "거기 R1 메뉴 보여 주세요."},
    {"role": "call", "tool": "get_restaurant_detail", "args": {"restaurant_id": "R1", "at": None}},
    {"role": "counsellor", "text": "고르곤졸라가 17,000원입니다. | 표를 <b>깨는</b> `글자` |"},
    {"role": "customer", "text": "고맙습니다."},
    {"role": "counsellor", "text": "네, 감사합니다."},
)

REJECTED: tuple[JsonObject, ...] = (
    reject(
        "training-7-000001.r1",
        SCRIPT,
        Violation("P07", 1, "min_rating 4.0 was not said as a number", "E"),
        Violation("P05", 1, "a warning, which rejects nothing", "W"),
    ),
    reject(
        "training-7-000002.r1",
        SCRIPT,
        Violation("G01", 7, "the amount '17,000원' (17000) is not what was shown | <b>", "E"),
        Violation("P07", 1, "min_rating 4.0 was not said as a number", "E"),
    ),
    reject("training-7-000002.r2", SCRIPT, Violation("P07", 1, "the same dialogue again makes no second example", "E")),
    reject("training-7-000003.r1", SCRIPT, Violation("X02", None, "the cart should hold 1 x M13", "E")),
    reject("training-7-000004.r1", '{"turns": [{"role"', Violation("S01", None, "the answer is not valid JSON", "E")),
    reject("training-7-000005.r1", SCRIPT, Violation("I01", 0, "a person's number: 900101-1234567", "E")),
    fail("training-7-000006.r1", "truncated", text='{"turns":[{"role":"customer","text":"저녁에 먹을 건'),
    fail("training-7-000007.r1", "refused", text="죄송하지만 도와드릴 수 없습니다."),
    fail("training-7-000008.r1", "error", error={"code": "server_error", "message": "The server | had an error"}),
    duplicate("training-7-000009.r2"),
)


def make_dialogue(number: int) -> Dialogue:
    """Return a dialogue with a call, and its response, that names the customer's id."""
    return Dialogue(
        uid=UID,
        date="2026-03-02",
        system_prompt="당신은 상담사입니다.",
        turns=(
            Turn("customer", text=f"{number}번 손님입니다. 기본 배송지로 결제 준비해 주세요…"),
            Turn("call", calls=(ToolCall("prepare_checkout", {"user_id": UID, "address_id": UID.replace("2", "7")}),)),
            Turn("response", responses=({"error": {"code": "BELOW_MINIMUM", "message": "최소 주문 금액은 10,000원"}},)),
            Turn("counsellor", text="10,000원 이상 담으셔야 주문이 됩니다. | 더 담을까요?"),
            Turn("customer", text="네\n콜라 두 병요 <b>"),
            Turn("counsellor", text="네, 담았습니다."),
        ),
    )


def write_dataset(path: Path, kinds: list[str]) -> Path:
    """Write one record for each of the kinds."""
    rows = (
        to_record(
            make_dialogue(number),
            {"scenario_id": f"training-7-{number:06d}", "kind": kind, "category": None, "topic": "order"},
        )
        for number, kind in enumerate(kinds)
    )
    write_jsonl(path, rows)
    return path
