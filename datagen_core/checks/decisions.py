"""Decides whether the counsellor decided as the dialogue's kind and gold category ask for (D01 to D05)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import orjson

from datagen_core.checks.acts import MUTATIONS
from datagen_core.checks.case import Case, Exchange, iter_spoken
from datagen_core.checks.corrections import find_ignored
from datagen_core.checks.kinds import judge_category, judge_kind
from datagen_core.checks.questions import asks_for, only_redirects, refuses
from datagen_core.checks.registry import Finding, rule
from datagen_core.config import NO_CALL_KINDS, Withheld
from datagen_core.environment.goals import AsksBefore, GoalCall, find_misses, refusal_code, resolve_argument

_LOOKS: Final = frozenset({"search_restaurants", "get_restaurant_detail", "list_addresses", "get_cart"})
_AGAIN: Final = re.compile(
    r"다시|또|한\s?번\s?더|아까|새로|재차|재조회|지금|이제|여전|아직|더\s|하나 더|추가|확인|보여|알려|찾아|봐"
)


@rule(
    "D01",
    "A dialogue of a kind without calls has none, and refuses or returns to the app where nothing can be done.",
    korean="도구로 할 수 없는 일이면 아무것도 호출하지 않고, 할 수 없다고 분명히 말한 뒤 할 수 있는 일을 권합니다.",
    needs=("kind",),
)
def check_restraint(case: Case) -> Iterator[Finding]:
    """Find calls where the kind allows none; and, in our domain, a request that is not refused in the answer to it.

    The first answer may be a greeting, and the customer may come to the point late, but a last word after other
    answers refuses nothing any more.
    """
    if case.kind not in NO_CALL_KINDS:
        return
    for exchange in case.exchanges:
        yield Finding(exchange.turn, f"{exchange.call.name} is called in a dialogue of kind {case.kind}")
    if not case.is_delivery or case.kind == "direct_answer":
        return
    answers = list(iter_spoken(case, "counsellor"))
    judged = answers if len(answers) < 3 else answers[:-1]
    if any(refuses(text) for _, text in judged):
        return
    if case.kind == "off_domain" and any(only_redirects(text) for _, text in judged):
        return
    yield Finding(judged[0][0] if judged else None, "the counsellor does not say that it cannot do this")


@rule(
    "D02",
    "What is missing is asked for, and answered, before the call that needs it.",
    korean="호출에 필요한 값이 빠졌으면 그 값을 콕 집어 묻고, 고객이 답한 다음에 호출합니다.",
    families=("delivery",),
    needs=("kind",),
)
def check_questions(case: Case) -> Iterator[Finding]:
    """Find calls made before the missing value was asked for; without a goal, a clarification that asks nothing."""
    wanted = [predicate for predicate in case.goal if predicate.type == "asks_before"]
    for predicate in wanted:
        place = _find_call(case, predicate)
        if place is None:
            continue
        start, call = place
        if not _is_asked(case, start, call.turn, predicate.asks):
            missing = predicate.asks or "what is missing"
            yield Finding(call.turn, f"{call.call.name} is called before the customer was asked for {missing}")
    if wanted or case.kind != "clarification":
        return
    main = [exchange for exchange in case.exchanges if exchange.call.name not in _LOOKS]
    end = main[-1].turn if main else len(case.turns)
    if not _is_asked(case, 0, end, None, has_answer=bool(main)):
        yield Finding(main[0].turn if main else None, "nothing is asked for in a dialogue of kind clarification")


@rule(
    "D03",
    "What happens matches the kind and the gold category.",
    korean="순서표의 종류와 범주에 맞는 호출과 대화를 빠짐없이 보여 줍니다.",
    families=("delivery",),
    needs=("kind",),
)
def check_kind(case: Case) -> Iterator[Finding]:
    """Find dialogues that do not show what their kind or their gold category must show; source: the domain's tables."""
    for message in (*judge_kind(case), *judge_category(case)):
        yield Finding(None, message)


@rule(
    "D04",
    "No identical call is repeated without a reason.",
    severity="W",
    korean="같은 인자로 같은 도구를 까닭 없이 다시 호출하지 않습니다.",
)
def check_repetition(case: Case) -> Iterator[Finding]:
    """Find calls that were made before, alike, with nothing changed or asked since.

    A reason is a refusal before (what was refused is P04's), a change in between, or the customer, who asks again or
    wants the same once more.
    """
    exchanges = case.exchanges
    last: dict[tuple[str, int], int] = {}
    for place, exchange in enumerate(exchanges):
        call = exchange.call
        # Most calls differ in tool or in the number of arguments already; only the others are compared.
        key = (call.name, len(call.arguments))
        before = last.get(key)
        last[key] = place
        if before is None:
            continue
        earlier = [i for i in range(place) if _is_alike(exchanges[i], exchange)]
        if earlier and not _has_reason(case, earlier[-1], place):
            turn = exchanges[earlier[-1]].turn
            yield Finding(exchange.turn, f"{call.name} was called with the same arguments in turn {turn}")


@rule(
    "D05",
    "Of what the customer took back nothing is executed: only the last settled intent counts.",
    korean="고객이 말을 바꾸면 마지막으로 정한 것만 실행합니다. 거둬들인 것으로 호출하지 않습니다.",
    families=("delivery",),
)
def check_corrections(case: Case) -> Iterator[Finding]:
    """Find calls with a value that the customer took back: by the goal, and by what was said in one line."""
    avoided = [predicate for predicate in case.goal if predicate.type == "avoids"]
    if avoided and case.replay is not None:
        replay = case.replay
        for miss in find_misses(avoided, replay.environment, replay.handles, replay.executed):
            yield Finding(None, miss)
    yield from (Finding(turn, message) for turn, message in find_ignored(case))


def _find_call(case: Case, predicate: AsksBefore) -> tuple[int, Exchange] | None:
    """Return the first call that needs the value, and the turn from which on it may have been asked for."""
    start = 0
    if predicate.after is not None:
        after = next((e for e in case.exchanges if _is_call(case, predicate.after, e)), None)
        if after is None:
            return None  # X02 tells that it is missing
        start = after.turn
    call = next((e for e in case.exchanges if e.call.name == predicate.tool and e.turn > start), None)
    return None if call is None else (start, call)


def _is_call(case: Case, wanted: GoalCall, exchange: Exchange) -> bool:
    arguments = wanted.arguments
    if case.replay is not None:
        arguments = {name: resolve_argument(value, case.replay.handles) for name, value in arguments.items()}
    given = {name: value for name, value in exchange.call.arguments.items() if name != "user_id"}
    return exchange.call.name == wanted.tool and given == arguments


def _is_asked(case: Case, start: int, end: int, wanted: Withheld | None, *, has_answer: bool = True) -> bool:
    """Tell whether the counsellor asks between the two turns, and the customer speaks after that."""
    is_open = False
    for turn in case.turns[start:end]:
        if turn.role == "counsellor":
            is_open = is_open or asks_for(turn.text, wanted)
        elif turn.role == "customer" and is_open:
            return True
    return is_open and not has_answer


def _is_alike(one: Exchange, other: Exchange) -> bool:
    if one.call.name != other.call.name:
        return False
    first, second = one.call.arguments, other.call.arguments
    return first == second and _write(first) == _write(second)


def _has_reason(case: Case, before: int, place: int) -> bool:
    earlier, call = case.exchanges[before], case.exchanges[place]
    between = case.exchanges[before + 1 : place]
    if refusal_code(earlier.response) is not None:
        return True
    if not case.is_delivery:
        return bool(between) or call.turn == earlier.turn or call.customer_turns > earlier.customer_turns
    if any(e.call.name in MUTATIONS and refusal_code(e.response) is None for e in between):
        return True
    if any(refusal_code(e.response) is not None for e in between):
        return True
    if call.customer_turns == earlier.customer_turns:
        return False
    lines = [text for turn, text in iter_spoken(case, "customer") if earlier.turn < turn < call.turn]
    is_moving = call.call.name in ("get_order_status", "add_to_cart")
    return is_moving or any(_AGAIN.search(line) for line in lines)


def _write(value: object) -> bytes:
    """Write with sorted keys; 1 and True are equal in Python, but not as JSON."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return repr(value).encode()
