"""Decides what the counsellor of a scripted dialogue says: only what responses showed, in short 존댓말."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Final, NamedTuple, cast

from datagen_core.files import JsonObject
from datagen_core.plans import Intent, PlannedCall, Step
from datagen_core.simulator import phrases, talk
from datagen_core.simulator.korean import Name, tell_moment, write_money
from datagen_core.simulator.scene import Scene

MAX_LISTED: Final = 5
_MONEY: Final = re.compile(r"[\d,]+원")
_STATUS_WORDS: Final = {
    "pending": "접수를 기다리고 있는 상태",
    "paid": "결제가 완료된 상태",
    "preparing": "준비 중인 상태",
    "delivering": "배달 중인 상태",
    "delivered": "배달이 완료된 상태",
    "cancelled": "취소된 상태",
}
_PAYMENT_WORDS: Final = {"pending": "아직 대기 중", "paid": "완료", "refunded": "환불 완료"}


class Exchange(NamedTuple):
    """A call and what the backend answered."""

    call: PlannedCall
    response: object


class Counsellor:
    """The counsellor's words; draws from the generator given."""

    def __init__(self, scene: Scene, rng: Random) -> None:
        self._scene = scene
        self._rng = rng
        self._tellers: Mapping[Intent, Callable[[Step, Sequence[Exchange]], str]] = {
            "search": self._tell_search,
            "narrow": self._tell_search,
            "menu": self._tell_menu,
            "add": self._tell_add,
            "update": self._tell_update,
            "remove": self._tell_remove,
            "cart": self._tell_cart,
            "addresses": self._tell_addresses,
            "save_address": self._tell_save,
            "checkout": self._tell_checkout,
            "order": self._tell_order,
            "status": self._tell_status,
            "answer": lambda step, _: self._pick(*talk.ANSWERABLE[step.request or ""].answers),
            "decline": self._tell_decline,
        }

    def tell(self, step: Step, exchanges: Sequence[Exchange], *, with_sum: bool = True) -> str:
        """Return what is to be said after a step's calls; `with_sum` adds what the cart now costs."""
        told = self._tellers[step.intent](step, exchanges)
        changes_cart = step.intent in ("add", "update", "remove") and step.refused is None
        return f"{told} {self._sum_up(exchanges)}".strip() if changes_cart and with_sum else told

    def ask_for(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Return the question after what the customer left out of the step."""
        match step.withhold:
            case "수량":
                dish = Name(self._scene.dish_name(step.menu or ""))
                return self._pick(
                    f"{dish:을} 몇 개 담아 드릴까요?",
                    f"{dish:은} 몇 개 필요하신가요?",
                    f"네, {dish} 수량을 알려 주시겠어요?",
                    f"{dish} 몇 개로 담으면 될까요?",
                )
            case "메뉴":
                shop = self._scene.shop_name(self._scene.shop_of(step.menu or ""))
                return self._pick(
                    f"{shop}에서 어떤 메뉴를 담아 드릴까요?",
                    "담으실 메뉴와 수량을 말씀해 주시겠어요?",
                    f"네, {shop}의 어떤 메뉴를 몇 개 담을까요?",
                    "어떤 메뉴로 담아 드릴지 알려 주시겠어요?",
                )
            case "전화번호":
                return self._pick(
                    "받는 분의 전화번호도 알려 주시겠어요?",
                    "저장하려면 연락처가 필요합니다. 전화번호를 말씀해 주시겠어요?",
                    "네, 받으시는 분의 연락처는 어떻게 되나요?",
                    "전화번호가 빠져 있습니다. 번호를 알려 주시면 저장하겠습니다.",
                )
            case "배송지":
                return self._ask_address(exchanges)
            case "결제 수단":
                return self._pick(
                    "결제는 카드, 카카오페이, 네이버페이, 토스 가운데 어떤 것으로 하시겠어요?",
                    "결제 수단을 골라 주시겠어요? 카드, 카카오페이, 네이버페이, 토스가 가능합니다.",
                    "네, 어떤 수단으로 결제해 드릴까요? 카드, 카카오페이, 네이버페이, 토스 중에 말씀해 주세요.",
                )
            case _:
                return self._pick(
                    "확인해 드리겠습니다. 주문 번호를 알려 주시겠어요?",
                    "주문 번호를 말씀해 주시면 바로 조회해 드리겠습니다.",
                    "조회하려면 주문 번호가 필요합니다. 번호를 알려 주시겠어요?",
                    "네, 주문 번호가 어떻게 되시나요?",
                )

    def offer_more(self, step: Step, upcoming: Step | None) -> str:
        """Return the question, if any, with which the counsellor hands over to the customer after a step."""
        if step.intent == "checkout" and step.refused is None:
            return self._ask_consent(upcoming)
        if step.refused is not None or step.intent in ("answer", "decline", "order"):
            return ""
        if upcoming is None:
            return self._pick(
                "더 필요하신 것이 있을까요?", "", "더 도와드릴 일이 있을까요?", "필요하신 것이 더 있으면 말씀해 주세요."
            )
        if step.intent in ("search", "narrow"):
            return self._pick("메뉴를 보고 싶으신 곳이 있을까요?", "어떤 곳이 좋으세요?", "더 좁혀 드릴까요?", "")
        if step.intent == "menu":
            return self._pick(
                "어떤 것으로 하시겠어요?",
                "마음에 드시는 메뉴가 있을까요?",
                "더 궁금하신 메뉴가 있으면 말씀해 주세요.",
                "",
            )
        return self._pick("더 필요하신 것이 있을까요?", "더 담으실 것이 있을까요?" if step.intent == "add" else "", "")

    def greet(self) -> str:
        """Return the answer to a bare greeting."""
        return self._pick(
            "안녕하세요. 무엇을 도와드릴까요?",
            "네, 안녕하세요. 어떤 도움이 필요하신가요?",
            "안녕하세요, 배달 앱 상담사입니다. 편하게 말씀해 주세요.",
            "네, 말씀해 주세요. 무엇을 도와드릴까요?",
        )

    def take_leave(self) -> str:
        """Return a last word."""
        return self._pick(
            "네, 이용해 주셔서 감사합니다. 좋은 하루 보내세요.",
            "감사합니다. 필요하시면 언제든 다시 말씀해 주세요.",
            "네, 언제든 편하게 찾아 주세요. 감사합니다.",
            "도움이 되었다니 다행입니다. 좋은 시간 보내세요.",
            "네, 알겠습니다. 편안한 하루 보내세요.",
        )

    def _pick(self, *options: str) -> str:
        return self._rng.choice(options)

    def _tell_search(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        response = cast("JsonObject", exchanges[-1].response)
        found = cast("list[JsonObject]", response["items"])
        if not found:
            return self._pick(
                "죄송합니다. 말씀하신 조건에 맞는 식당이 없습니다. 조건을 바꿔 다시 찾아 드릴까요?",
                "아쉽게도 조건에 맞는 식당을 찾지 못했습니다. 다른 조건으로 찾아 드릴까요?",
                "지금은 그 조건에 맞는 곳이 없습니다. 조건을 조금 넓혀 보시겠어요?",
            )
        shown = found[:MAX_LISTED]
        names = ", ".join(self._describe_shop(entry, step) for entry in shown)
        total = len(found)
        if total == 1:
            return self._pick(
                f"한 곳을 찾았습니다. {names}입니다.",
                f"조건에 맞는 곳은 {names} 한 곳입니다.",
                f"{names}, 이렇게 한 곳이 있습니다.",
            )
        if total > len(shown):
            return f"모두 {total}곳을 찾았습니다. {len(shown)}곳만 먼저 말씀드리면 {names}입니다."
        return self._pick(
            f"{total}곳을 찾았습니다. {names}입니다.",
            f"조건에 맞는 식당은 {total}곳입니다. {names}, 이 순서로 나옵니다.",
            f"모두 {total}곳이 있습니다: {names}.",
            f"네, {names} 이렇게 {total}곳이 나옵니다.",
        )

    def _describe_shop(self, entry: JsonObject, step: Step) -> str:
        fee = cast("int", entry["delivery_fee"])
        facts = [f"평점 {entry['rating_avg']}", f"배달비 {write_money(fee)}" if fee else "배달비 무료"]
        if step.filters.get("sort") == "delivery_fee":
            facts.reverse()
        if not entry["is_open"]:
            facts.append("지금은 영업 종료")
        return f"{entry['name']}({', '.join(facts)})"

    def _tell_menu(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        response = cast("JsonObject", exchanges[-1].response)
        name = Name(str(response["name"]))
        if step.at is not None:
            return self._tell_hours(name, step.at, is_open=response["is_open"] is True)
        menus = cast("list[JsonObject]", response["menus"])
        shown = self._choose_dishes(menus, cast("str", exchanges[-1].call.arguments["restaurant_id"]))
        listed = ", ".join(
            f"{dish['name']} {write_money(cast('int', dish['price']))}{'' if dish['is_available'] else '(품절)'}"
            for dish in shown
        )
        state = "" if response["is_open"] else f"{name:은} 지금 영업 시간이 아닙니다. "
        if len(shown) == len(menus):
            return state + self._pick(f"{name}의 메뉴는 {listed}입니다.", f"{name}에는 {listed}, 이렇게 있습니다.")
        count = len(menus)
        return state + self._pick(
            f"{name}에는 메뉴가 {count}가지 있습니다. 몇 가지만 말씀드리면 {listed}입니다.",
            f"{name}의 메뉴는 모두 {count}가지이고, 그중에 {listed} 등이 있습니다.",
            f"{name}에는 {listed} 등 {count}가지 메뉴가 있습니다.",
        )

    def _choose_dishes(self, menus: Sequence[JsonObject], restaurant: str) -> list[JsonObject]:
        """Take the dishes that the customer is going to want, and the first ones besides; in the menu's order."""
        scene = self._scene
        wanted = {
            scene.dish_name(step.menu)
            for step in scene.brief.steps
            if step.menu and step.request is None and scene.shop_of(step.menu) == restaurant
        }
        most = self._rng.choice((3, 4, 5))
        names = [str(dish["name"]) for dish in menus]
        chosen = [name for name in names if name in wanted][:MAX_LISTED]
        chosen += [name for name in names if name not in wanted][: max(0, most - len(chosen))]
        return [dish for dish in menus if dish["name"] in chosen]

    def _tell_hours(self, name: Name, at: str, *, is_open: bool) -> str:
        moment, now = datetime.fromisoformat(at), self._scene.brief.now
        when = tell_moment(moment, now)
        if moment < now:
            done = "문을 연 시간이었습니다" if is_open else "영업하지 않는 시간이었습니다"
            return self._pick(f"{name:은} {when}에는 {done}.", f"확인해 보니 {when}에 {name:은} {done}.")
        if is_open:
            return self._pick(
                f"네, {name:은} {when}에 영업합니다.",
                f"확인해 보니 {name:은} {when}에 영업합니다. 그때 주문하실 수 있습니다.",
                f"{when}에는 {name:이} 영업 중입니다.",
            )
        return self._pick(
            f"아쉽지만 {name:은} {when}에는 영업하지 않습니다.",
            f"확인해 보니 {when}에는 {name:이} 영업하지 않습니다. 다른 시각도 확인해 드릴까요?",
            f"{name:은} {when}에 영업 시간이 아닙니다.",
        )

    def _tell_add(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        scene = self._scene
        menu = step.menu or ""
        dish, shop = Name(scene.dish_name(menu)), Name(scene.shop_name(scene.shop_of(menu)))
        if step.refused == "MENU_ITEM_UNAVAILABLE":
            return self._tell_sold_out(dish, shop, scene.shop_of(menu), exchanges)
        if step.refused is not None:
            return self._pick(
                f"죄송합니다. {shop:은} 지금 영업하지 않아 담을 수 없습니다. 다른 식당에서 고르시겠어요?",
                f"확인해 보니 {shop:은} 지금 영업 시간이 아닙니다. 그래서 {dish:을} 담을 수 없는데, 다른 곳으로 하시겠어요?",
                f"아쉽지만 {shop:은} 지금 문을 닫았습니다. 다른 식당을 말씀해 주시면 도와드리겠습니다.",
            )
        portions = f"{dish} {step.quantity}개"
        price = write_money(scene.brief.dishes[menu].price)
        if step.request is not None:
            return self._pick(
                f"{step.request}는 {price}인 {dish}입니다. {step.quantity}개를 장바구니에 담았습니다.",
                f"가장 저렴한 메뉴인 {dish}({price}) {step.quantity}개를 담았습니다.",
                f"메뉴 가운데 {dish:이} {price}으로 가장 저렴해서 {step.quantity}개 담았습니다.",
            )
        request = f" '{step.special_request}' 요청도 함께 남겼습니다." if step.special_request else ""
        return (
            self._pick(
                f"{shop}의 {portions}를 장바구니에 담았습니다.",
                f"네, {portions} 담았습니다.",
                f"{shop} {portions}를 담아 드렸습니다.",
                f"{dish:을} {step.quantity}개 담았습니다.",
            )
            + request
        )

    def _tell_sold_out(self, dish: Name, shop: Name, restaurant: str, exchanges: Sequence[Exchange]) -> str:
        menus = cast("list[JsonObject]", cast("JsonObject", exchanges[-1].response)["menus"])
        left = [entry for entry in menus if entry["is_available"]]
        names = ", ".join(str(entry["name"]) for entry in self._choose_dishes(left, restaurant)[:3])
        return self._pick(
            f"죄송합니다. {dish:은} 지금 품절이라 담을 수 없습니다. {names} 같은 메뉴는 어떠세요?",
            f"확인해 보니 {shop}의 {dish:이} 품절입니다. 대신 {names} 중에서 고르시겠어요?",
            f"아쉽게도 {dish:은} 품절되었습니다. 다른 메뉴로는 {names} 등이 있습니다.",
        )

    def _tell_update(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        dish = Name(self._scene.line_name(step.items[0]))
        if step.special_request is not None:
            words = step.special_request
            return self._pick(
                f"{dish}에 '{words}' 요청을 남겼습니다.",
                f"네, {dish} 요청 사항을 '{words}'로 바꿨습니다.",
                f"{dish} 요청을 '{words}'로 적었습니다.",
            )
        return self._pick(
            f"{dish:을} {step.quantity}개로 바꿨습니다.",
            f"네, {dish} 수량을 {step.quantity}개로 변경했습니다.",
            f"{dish:은} 이제 {step.quantity}개입니다.",
        )

    def _tell_remove(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        names = [Name(self._scene.line_name(line)) for line in step.items]
        dishes = Name(", ".join(names))
        return self._pick(
            f"{dishes:을} 장바구니에서 뺐습니다.",
            f"네, {dishes:은} 뺐습니다.",
            f"말씀하신 {dishes:을} 뺐습니다.",
        )

    def _sum_up(self, exchanges: Sequence[Exchange]) -> str:
        cart = cast("JsonObject", exchanges[-1].response)
        if not cart["items"]:
            return "이제 장바구니가 비어 있습니다."
        subtotal = cast("int", cart["subtotal"])
        shop = self._scene.rehearsal.handles.handle_of(str(cart["restaurant_id"])) or ""
        minimum = self._scene.minimums.get(shop, 0)
        told = self._pick(
            f"현재 금액은 {write_money(subtotal)}입니다.",
            f"지금 담긴 금액은 {write_money(subtotal)}입니다.",
            f"장바구니 합계는 {write_money(subtotal)}입니다.",
        )
        if subtotal < minimum:
            told += f" 최소 주문 금액은 {write_money(minimum)}이라 주문하시려면 조금 더 담으셔야 합니다."
        return told

    def _tell_cart(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        cart = cast("JsonObject | None", exchanges[-1].response)
        if cart is None or not cart["items"]:
            return "지금은 장바구니가 비어 있습니다."
        lines = Name(", ".join(_describe_line(line) for line in cast("list[JsonObject]", cart["items"])))
        total = write_money(cast("int", cart["subtotal"]))
        return self._pick(
            f"장바구니에는 {lines:이} 담겨 있고, 합계는 {total}입니다.",
            f"지금 담긴 것은 {lines}입니다. 모두 {total}입니다.",
            f"네, {lines}, 이렇게 담겨 있습니다. 합계는 {total}입니다.",
        )

    def _tell_addresses(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        saved = cast("list[JsonObject]", exchanges[-1].response)
        if not saved:
            return "저장된 배송지가 없습니다. 새로 저장해 드릴까요?"
        listed = ", ".join(_describe_address(address) for address in saved)
        return self._pick(
            f"저장된 배송지는 {len(saved)}곳입니다. {listed}입니다.",
            f"배송지 {len(saved)}곳이 저장되어 있습니다: {listed}.",
            f"네, {listed}, 이렇게 {len(saved)}곳이 저장되어 있습니다.",
        )

    def _ask_address(self, exchanges: Sequence[Exchange]) -> str:
        if not exchanges:
            return self._pick(
                "어느 배송지로 보내 드릴까요?",
                "받으실 배송지를 말씀해 주시겠어요?",
                "네, 어디로 배달해 드릴까요?",
            )
        saved = cast("list[JsonObject]", exchanges[-1].response)
        listed = Name(", ".join(map(_describe_address, saved)))
        return self._pick(
            f"저장된 배송지로 {listed:이} 있습니다. 어디로 보내 드릴까요?",
            f"어느 배송지로 받으시겠어요? {listed} 중에 골라 주세요.",
            f"배송지를 먼저 정해 주세요. {listed}, 이렇게 저장되어 있습니다.",
        )

    def _tell_save(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        fields = step.fields
        street = Name(str(fields["line1"]))
        unit = Name(str(fields.get("line2", "")))
        if step.address is None:
            return self._pick(
                f"{fields['recipient_name']} 님 앞으로 {street} {unit} 배송지를 저장했습니다.",
                f"네, {street} {unit:을} 새 배송지로 저장했습니다. 연락처는 {fields['phone']}입니다.",
                f"새 배송지를 저장했습니다. {street} {unit}, 받는 분은 {fields['recipient_name']} 님입니다.",
            )
        if "is_default" in fields:
            return self._pick(f"{street:을} 기본 배송지로 바꿨습니다.", f"네, 이제 기본 배송지는 {street}입니다.")
        if "gate_password" in fields:
            return self._pick(
                f"{street} 배송지에 공동 현관 비밀번호를 저장했습니다.",
                f"네, {street}의 공동 현관 비밀번호 {fields['gate_password']} 저장을 마쳤습니다.",
            )
        return self._pick(
            f"{street}의 상세 주소를 {unit:으로} 바꿨습니다.",
            f"네, 배송지를 {street} {unit:으로} 고쳤습니다.",
        )

    def _tell_checkout(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        if step.refused is not None:
            return self._tell_below_minimum(exchanges[-1].response)
        snapshot = cast("JsonObject", exchanges[-1].response)
        lines = ", ".join(
            f"{line['menu_name']} {line['quantity']}개" for line in cast("list[JsonObject]", snapshot["items"])
        )
        subtotal, total = cast("int", snapshot["subtotal"]), cast("int", snapshot["total"])
        fee = "배달비를 더해" if total > subtotal else "배달비 없이"
        line2 = snapshot["delivery_line2"]
        street = Name(f"{snapshot['delivery_line1']} {line2}" if line2 else str(snapshot["delivery_line1"]))
        note = f" '{snapshot['delivery_note']}' 메모도 넣었습니다." if snapshot["delivery_note"] else ""
        return (
            self._pick(
                f"{lines}, 상품 금액 {write_money(subtotal)}에 {fee} 총 {write_money(total)}입니다. 배송지는 {street}입니다.",
                f"{street:으로} 보내 드리면 {lines} {write_money(subtotal)}에 {fee} 모두 {write_money(total)}입니다.",
                f"결제하실 금액은 {fee} 총 {write_money(total)}입니다. {lines}, 배송지는 {street}입니다.",
            )
            + note
        )

    def _tell_below_minimum(self, response: object) -> str:
        message = str(cast("JsonObject", cast("JsonObject", response)["error"])["message"])
        amounts = _MONEY.findall(message)
        if len(amounts) != 2:
            return "죄송합니다. 최소 주문 금액에 미치지 못해 아직 주문하실 수 없습니다. 더 담으시겠어요?"
        minimum, subtotal = amounts
        return self._pick(
            f"죄송합니다. 최소 주문 금액은 {minimum}인데 지금 담긴 금액이 {subtotal}이라 아직 주문하실 수 없습니다. 더 담으시겠어요?",
            f"지금 담긴 금액이 {subtotal}이라 최소 주문 금액 {minimum}에 미치지 못합니다. 수량을 늘리거나 다른 메뉴를 더하시겠어요?",
            f"이 식당은 {minimum}부터 주문하실 수 있는데 현재 {subtotal}입니다. 어떻게 하시겠어요?",
        )

    def _ask_consent(self, upcoming: Step | None) -> str:
        if upcoming is not None and upcoming.withhold is not None:
            return self._pick("이대로 주문할까요?", "이대로 주문을 진행해도 될까요?", "주문해 드릴까요?")
        return self._pick(
            "이대로 주문할까요? 결제 수단도 말씀해 주세요.",
            "주문하시려면 결제 수단을 말씀해 주세요.",
            "이대로 진행해도 될까요? 결제는 카드, 카카오페이, 네이버페이, 토스가 가능합니다.",
            "맞으시면 어떤 수단으로 결제하실지 알려 주세요.",
        )

    def _tell_order(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        order = self._scene.rehearsal.handles.handle_of(str(exchanges[-1].response))
        payment = Name(phrases.PAYMENTS[step.payment or "card"])
        number = f"{{{order}}}"
        return self._pick(
            f"{payment:으로} 결제해 주문을 마쳤습니다. 주문 번호는 {number}입니다. 맛있게 드세요.",
            f"주문이 완료되었습니다. 결제는 {payment:으로} 했고, 주문 번호는 {number}입니다.",
            f"네, {payment:으로} 결제되어 주문이 들어갔습니다. 주문 번호는 {number}입니다.",
            f"주문을 넣었습니다. 주문 번호 {number}, 결제 수단은 {payment}입니다. 맛있게 드세요.",
        )

    def _tell_status(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        if step.refused is not None:
            return self._pick(
                "죄송합니다. 말씀하신 번호로는 주문을 찾을 수 없습니다. 주문 번호를 다시 확인해 주시겠어요?",
                "그 번호의 주문이 없습니다. 번호를 한 번만 더 확인해 주시겠어요?",
                "말씀하신 주문 번호로 조회되는 주문이 없습니다. 다른 번호가 있는지 봐 주시겠어요?",
            )
        response = cast("JsonObject", exchanges[-1].response)
        status, payment = str(response["status"]), str(response["payment_status"])
        if self._scene.is_own_order(step.order or ""):
            # Whether it is still paid or already being prepared depends on an id that the brief does not show.
            return self._pick(
                "방금 하신 주문은 결제가 완료되어 정상적으로 진행되고 있습니다.",
                "확인해 보니 결제까지 잘 끝났고 주문도 문제없이 진행 중입니다.",
                "결제가 완료되었고 주문이 정상적으로 들어가 있습니다.",
            )
        paid = _PAYMENT_WORDS[payment]
        if step.request is not None:
            return self._pick(
                f"결제 상태는 {paid}입니다. 주문은 지금 {_STATUS_WORDS[status]}입니다.",
                f"확인해 보니 결제는 {paid}이고, 주문은 {_STATUS_WORDS[status]}입니다.",
            )
        return self._pick(
            f"확인해 보니 지금 {_STATUS_WORDS[status]}입니다.",
            f"그 주문은 현재 {_STATUS_WORDS[status]}이고, 결제는 {paid}입니다.",
            f"조회해 보니 {_STATUS_WORDS[status]}입니다. 결제는 {paid}입니다.",
        )

    def _tell_decline(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        request = talk.REFUSABLE[step.request or ""]
        what = Name(request.what)
        refusal = self._pick(
            f"죄송하지만 {what:은} 여기서 도와드릴 수 없습니다.",
            f"{what:은} 제가 도와드릴 수 없는 일입니다. 죄송합니다.",
            f"아쉽지만 이 상담에서는 {what:을} 할 수 없습니다.",
            f"죄송합니다. {what:은} 제가 할 수 없습니다.",
        )
        if not request.offer:
            return f"{refusal} " + self._pick(
                "배달 주문과 관련해 필요하신 것이 있으면 말씀해 주세요.",
                "대신 드시고 싶은 음식이 있으면 식당을 찾아 드리겠습니다.",
                "식당 찾기나 주문이 필요하시면 바로 도와드리겠습니다.",
                "저는 배달 주문을 돕고 있습니다. 주문하실 음식이 있으실까요?",
            )
        is_aside = step.together and step.request == "식당 자리 예약"
        offer = Name("찾은 식당에서 배달로 주문하시는 것" if is_aside else request.offer)
        if step.together:
            return f"{refusal} " + self._pick(f"대신 {offer:은} 도와드릴 수 있습니다.", f"{offer:은} 가능합니다.")
        return f"{refusal} " + self._pick(
            f"대신 {offer:은} 도와드릴 수 있습니다.",
            f"원하시면 {offer:은} 가능합니다.",
            f"제가 할 수 있는 일로는 {offer:이} 있습니다.",
            f"{offer:은} 도와드릴 수 있는데, 필요하신가요?",
        )


def _describe_line(line: JsonObject) -> str:
    request = f", 요청 '{line['special_request']}'" if line["special_request"] else ""
    return f"{line['menu_name']} {line['quantity']}개({write_money(cast('int', line['line_total']))}{request})"


def _describe_address(address: JsonObject) -> str:
    line2 = f" {address['line2']}" if address["line2"] else ""
    return f"{address['line1']}{line2}{'(기본)' if address['is_default'] else ''}"
