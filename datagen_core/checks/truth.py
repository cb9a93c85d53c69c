"""Decides whether what the counsellor states was shown: money here, the rest by modules of its own (G01)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from datagen_core.checks.amounts import Amount, find_amounts, find_numbers
from datagen_core.checks.case import Case, find_last_line, hear_before, iter_spoken
from datagen_core.checks.counted import find_miscounted
from datagen_core.checks.evidence import Evidence
from datagen_core.checks.labels import find_allowed
from datagen_core.checks.owners import find_misattributed
from datagen_core.checks.registry import Finding, rule
from datagen_core.checks.stated import find_unshown
from datagen_core.checks.sums import Talk, derive_amounts, differences, sum_neighbours


@rule(
    "G01",
    "Prices, ids, times and counts in the counsellor's text occur in responses or customer lines, or follow from them.",
    korean="응답이나 고객의 말에 없는 금액, 평점, 시각, 소요 시간, 수량, 번호를 말하지 않고, 합계는 정확히 셈합니다.",
)
def check_stated(case: Case) -> Iterator[Finding]:
    """Find figures that come from nowhere.

    An amount may also be the sum of up to four that stand next to it in the text, or the difference of two. One that
    is said to be a dish's price, a delivery fee or a minimum order must be just that, and a restaurant's that of the
    restaurant named. Of tools that are not ours only money is judged: what their responses mean is not known.
    """
    for turn, text in iter_spoken(case, "counsellor"):
        amounts = find_amounts(text)
        yield from _check_amounts(case, turn, text, amounts)
        if case.is_delivery:
            for message in find_misattributed(case.evidence, text, amounts, turn):
                yield Finding(turn, message)
            for message in (*find_miscounted(case, turn, text), *find_unshown(case, turn, text)):
                yield Finding(turn, message)


def _check_amounts(case: Case, turn: int, text: str, amounts: Sequence[Amount]) -> Iterator[Finding]:
    if not amounts:
        return
    wrong = _find_mislabelled(case, turn, text, amounts)
    for amount in wrong:
        yield Finding(turn, f"the amount {amount.text!r} ({amount.won}) is not what was shown of what it names")
    if all(case.evidence.numbers.get(amount.won, turn) < turn for amount in amounts):
        return
    for amount in _find_unsupported(case, turn, text, amounts):
        if amount not in wrong:
            yield Finding(turn, f"the amount {amount.text!r} ({amount.won}) was never shown, nor does it follow")


def _find_mislabelled(case: Case, turn: int, text: str, amounts: Sequence[Amount]) -> list[Amount]:
    """Return the amounts that are said to be a price, a fee, a minimum or a sum, and are not; the customer may err."""
    wrong: list[Amount] = []
    since = find_last_line(case, turn)
    for place, amount in enumerate(amounts):
        allowed = find_allowed(case.evidence, text, amounts, place, turn, since)
        if allowed is not None and amount.won not in allowed:
            wrong.append(amount)
    if not wrong:
        return []
    said = {number for spoken in hear_before(case, turn) for number in find_numbers(spoken)}
    return [amount for amount in wrong if amount.won not in said]


def _find_unsupported(case: Case, turn: int, text: str, amounts: Sequence[Amount]) -> list[Amount]:
    customer = hear_before(case, turn)
    known = _gather_known(case.evidence, case.dialogue.system_prompt, customer, turn)
    talk = Talk(turn, text, customer[-1] if customer else "", _find_restaurants(case, turn))
    known |= derive_amounts(case.evidence, talk)
    said = [amount.won for amount in find_amounts(talk.customer)]
    found: list[Amount] = []
    for place, amount in enumerate(amounts):
        if amount.won not in known and not _follows_from_text(amount.won, place, amounts, known, said):
            found.append(amount)
    return found


def _follows_from_text(won: int, place: int, amounts: Sequence[Amount], known: set[int], said: list[int]) -> bool:
    """Tell whether an amount is the sum or the difference of supported ones that stand next to it."""
    stated = [amount.won if amount.won in known else 0 for amount in amounts]
    near = [*stated[max(0, place - 2) : place], *stated[place + 1 : place + 3]]
    return won in sum_neighbours(stated, place) or won in differences([*filter(None, near), *said])


def _gather_known(evidence: Evidence, system_prompt: str, customer: list[str], turn: int) -> set[int]:
    known = {number for number, first in evidence.numbers.items() if first < turn}
    known.update(find_numbers(system_prompt))
    for text in customer:
        known.update(find_numbers(text))
    for index, text in evidence.strings:
        if index < turn:
            known.update(find_numbers(text))
            # A refusal names the minimum order and what is in the cart; what lacks is their difference.
            known.update(differences(amount.won for amount in find_amounts(text)))
    return known


def _find_restaurants(case: Case, turn: int) -> tuple[str, ...]:
    """Return the restaurant that a call named last before the turn."""
    named = (exchange.call.arguments.get("restaurant_id") for exchange in case.exchanges if exchange.turn < turn)
    return tuple(restaurant for restaurant in named if isinstance(restaurant, str))[-1:]
