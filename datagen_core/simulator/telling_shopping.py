"""Decides how the counsellor tells of restaurants, menus and the cart: only what the responses at hand show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

from datagen_core.files import JsonObject
from datagen_core.plans import Step
from datagen_core.simulator.korean import Name, tell_moment, write_money
from datagen_core.simulator.speaker import Exchange, Speaker

MAX_LISTED: Final = 5
"""Restaurants or dishes named in one breath."""


class ShoppingTeller(Speaker):
    """Tells what came of searching, reading menus and changing the cart."""

    def tell_search(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell what a search found, the first few by name."""
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
            f"나온 곳은 {names}, 모두 {total}곳입니다.",
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

    def tell_menu(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell some of a menu, or whether the restaurant is open at the moment asked about."""
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
        if any(other.intent == "menu" and other.together for other in self._scene.brief.steps):
            return f"{state}{name}에는 {listed} 등이 있습니다."  # two menus in one breath: counts would be mixed up
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

    def tell_add(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell what was put in the cart."""
        scene = self._scene
        menu = step.menu or ""
        dish, shop = Name(scene.dish_name(menu)), Name(scene.shop_name(scene.shop_of(menu)))
        portions = f"{dish} {step.quantity}개"
        price = write_money(scene.brief.dishes[menu].price)
        if step.request is not None:
            most = "가장 저렴" if step.request == "제일 싼 메뉴" else "가장 비싸"
            kind = "가장 저렴한" if step.request == "제일 싼 메뉴" else "가장 비싼"
            because = "해서" if step.request == "제일 싼 메뉴" else "서"
            return self._pick(
                f"{step.request}는 {price}인 {dish}입니다. {step.quantity}개를 장바구니에 담았습니다.",
                f"{kind} 메뉴인 {dish}({price}) {step.quantity}개를 담았습니다.",
                f"메뉴 가운데 {dish:이} {price}으로 {most}{because} {step.quantity}개 담았습니다.",
            )
        request = f" '{step.special_request}' 요청도 함께 남겼습니다." if step.special_request else ""
        ways = [f"네, {portions} 담았습니다.", f"{dish:을} {step.quantity}개 담았습니다."]
        if scene.has_shown(scene.shop_of(menu)):
            ways += [f"{shop}의 {portions}를 장바구니에 담았습니다.", f"{shop} {portions}를 담아 드렸습니다."]
        return self._pick(*ways) + request

    def tell_update(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell what a cart line is now."""
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

    def tell_remove(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell what was taken out."""
        names = [Name(self._scene.line_name(line)) for line in step.items]
        dishes = Name(", ".join(names))
        return self._pick(
            f"{dishes:을} 장바구니에서 뺐습니다.",
            f"네, {dishes:은} 뺐습니다.",
            f"말씀하신 {dishes:을} 뺐습니다.",
        )

    def sum_up(self, exchanges: Sequence[Exchange]) -> str:
        """Tell what the cart costs now, and the minimum order if it is known and not reached."""
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

    def tell_cart(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell what is in the cart."""
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


def _describe_line(line: JsonObject) -> str:
    request = f", 요청 '{line['special_request']}'" if line["special_request"] else ""
    return f"{line['menu_name']} {line['quantity']}개({write_money(cast('int', line['line_total']))}{request})"
