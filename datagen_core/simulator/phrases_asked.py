"""Decides the lines in which a customer leaves something out, and those that answer the counsellor's question.

Longer than our modules are: it is one table of sentences, in the spelling of `phrases.py`.
"""

from __future__ import annotations

from typing import Final

from datagen_core.config import Withheld
from datagen_core.plans import Step
from datagen_core.simulator.phrases import Bank

SEARCH_WITHOUT_CATEGORY: Final[Bank] = (
    "배고픈데 시킬 만한 식당 좀 찾아줘~.",
    "{meal} 뭐 시켜 먹을 데 없어~?",
    "식당 좀 추천해줘~. 뭐 먹을지 모르겠어~.",
    "{meal} 먹을 만한 식당 좀 알려줘~.",
    "아무 데나 괜찮은 식당 찾아줄 수 있어~?",
    "입맛이 없는데 시킬 만한 데 좀 보여줘~.",
    "집에 먹을 게 없네~. 배달되는 데 좀 찾아줘~.",
)

_CATEGORY_ANSWERS: Final[Bank] = (
    "{crave:으로} 할래~. 찾아줘~.",
    "음 {crave:이} 좋겠어~.",
    "그럼 {crave:으로} 찾아줘~.",
    "{crave} 먹을래~.",
    "{crave:으로}[|요].",
    "오늘은 {crave:이} 당기네~.",
)

_ADD_WITHOUT_QUANTITY: Final[Bank] = (
    "{shop}에서 {dish} 담아줘~.",
    "{shop} {dish} 장바구니에 넣어줘~.",
    "{shop} {dish:으로} 시킬래~. 담아줘~.",
    "{meal} {shop} {dish} 먹으려고[|요]. 담아줘~.",
    "{shop} {dish} 주문하려는데 담아줄 수 있어~?",
    "{dish} 담아줘~. {shop} 거로[|요].",
)

_ADD_WITHOUT_DISH: Final[Bank] = (
    "{shop}에서 시키고 싶은데 담아줘~.",
    "{shop} 거 먹고 싶어~. 장바구니에 담아줘~.",
    "{meal} {shop}에서 먹으려고[|요]. 담아줄래~?",
    "{shop}에서 주문할래~. 좀 담아줘~.",
    "{shop} 메뉴 장바구니에 넣어줄 수 있어~?",
    "{shop} 배달시키려고[|요]. 하나 골라서 담고 싶어~.",
)

_ADD_WITHOUT_SHOP: Final[Bank] = (
    "{dish} {qty} 담아줘~.",
    "{dish} 먹고 싶은데 {qty} 담아줘~.",
    "{meal} {dish} {qty} 시키려고[|요]. 담아줘~.",
    "장바구니에 {dish} {qty} 넣어줘~.",
    "{dish:으로} {qty} 담아줄 수 있어~?",
    "{dish} 시킬래~. {qty} 담아줘~.",
)

_ADD_WITHOUT_SIZE: Final[Bank] = (
    "{shop}에서 {base} {alone} 담아줘~.",
    "{shop} {base} {alone} 장바구니에 넣어줘~.",
    "{meal} {shop} {base} 먹을래~. {alone} 담아줘~.",
    "{shop} {base:으로} {alone} 시킬게~. 담아줘~.",
    "{base} {alone} 담아줘~. {shop} 거로[|요].",
)

ADD_WITHOUT: Final[dict[Withheld, Bank]] = {
    "수량": _ADD_WITHOUT_QUANTITY,
    "메뉴": _ADD_WITHOUT_DISH,
    "식당": _ADD_WITHOUT_SHOP,
    "옵션": _ADD_WITHOUT_SIZE,
}

_UPDATE_WITHOUT_QUANTITY: Final[Bank] = (
    "담아 둔 {dish} 수량 좀 바꿔줘~.",
    "장바구니에 있는 {dish} 개수 바꾸고 싶어~.",
    "{dish} 수량을 고쳐줘~.",
    "{dish} 몇 개 담았는지 헷갈리는데 수량 바꿔줄 수 있어~?",
    "아까 담은 {dish} 개수를 바꿔줘~.",
)

_UPDATE_WITHOUT_LINE: Final[Bank] = (
    "담아 둔 거 중에 하나 수량을 {count:으로} 바꿔줘~.",
    "장바구니에 있는 메뉴 하나 {count:으로} 바꿀 수 있어~?",
    "장바구니 수량 좀 {count:으로} 고쳐줘~.",
    "담긴 것 중에 하나 {count:으로} 늘려줘~.",
    "담아 놓은 거 수량 {count:으로} 해줘~.",
)

_UPDATE_WITHOUT_REQUEST: Final[Bank] = (
    "담아 둔 {dish}에 요청 사항 하나 남기고 싶어~.",
    "{dish} 요청 사항 좀 바꿔줘~.",
    "장바구니에 있는 {dish}에 요청 하나 적어줘~.",
    "아까 담은 {dish}에 부탁할 게 있는데 요청 남겨줘~.",
    "{dish} 요청란 좀 고쳐줄 수 있어~?",
)

UPDATE_WITHOUT: Final[dict[Withheld, Bank]] = {
    "수량": _UPDATE_WITHOUT_QUANTITY,
    "항목": _UPDATE_WITHOUT_LINE,
    "요청 사항": _UPDATE_WITHOUT_REQUEST,
}

REMOVE_WITHOUT_LINE: Final[Bank] = (
    "장바구니에서 하나만 빼줘~.",
    "너무 많이 담았네~. 하나 빼줘~.",
    "담은 것 중에 하나는 빼고 싶어~.",
    "장바구니에서 메뉴 하나 지워줘~.",
    "생각해 보니 다 못 먹겠어~. 하나 빼줄래~?",
)

_SIZE_ANSWERS: Final[Bank] = (
    "{size} 사이즈로 해줘~.",
    "{size:으로} 할게~.",
    "음 {size} 사이즈[|요].",
    "{size:으로} 담아줘~.",
    "그럼 {size:으로} 부탁해~.",
)

_SHOP_ANSWERS: Final[Bank] = (
    "{shop} 거로 해줘~.",
    "{shop}[이야|이요].",
    "{shop:으로} 할게~.",
    "아 {shop}에서 시킬 거[야|예요].",
    "{shop} 있잖아~. 거기로 해줘~.",
    "음 {shop:이} 좋겠어~.",
)

_QUANTITY_ANSWERS: Final[Bank] = (
    "{qty} 담아줘~.",
    "{qty:이면} 돼~.",
    "음 {qty:으로} 해줘~.",
    "{qty}[|요].",
    "아 {qty:으로} 할게~.",
    "{qty} 부탁해~.",
    "우리 먹을 거니까 {qty} 담아줘~.",
)

_NEW_QUANTITY_ANSWERS: Final[Bank] = (
    "{qty:으로} 바꿔줘~.",
    "{qty:으로} 해줘~.",
    "음 {qty:이면} 돼~.",
    "{qty:으로} 부탁해~.",
    "아 {qty:으로} 할게~.",
)

_DISH_ANSWERS: Final[Bank] = (
    "{dish} {qty} 담아줘~.",
    "{dish:으로} {qty} 할게~.",
    "아 {dish} {qty}[|요].",
    "음 {dish:이} 좋겠어~. {qty} 담아줘~.",
    "{dish} {qty} 넣어줘~.",
    "{dish:으로} 해줘~. {qty}[|요].",
)

_LINE_ANSWERS: Final[Bank] = (
    "{dish:으로} 해줘~.",
    "{dish} [말이야|말이에요].",
    "아 {dish} 말이[야|에요].",
    "{dish} 그거[|요].",
    "음 {dish:으로} 할게~.",
)

_GONE_ANSWERS: Final[Bank] = (
    "{dish} 빼줘~.",
    "{dish:은} 안 먹을래~. 그거 빼줘~.",
    "{dish} 그거[|요]. 빼줘~.",
    "음 {dish:을} 빼줘~.",
    "{dish:으로} 할게~. 그걸 빼줘~.",
)

_REQUEST_ANSWERS: Final[Bank] = (
    "{request}",
    "'{request}' 이렇게 적어줘~.",
    "'{request}' 라고 써줘~.",
    "음 {request}",
    "아 {request}",
)

_SAVE_ADDRESS_WITHOUT_PHONE: Final[Bank] = (
    "배송지 하나 저장해줘~. {line1} {line2}, 받는 사람은 {recipient}",
    "새 주소 등록할게~. {line1} {line2}, 이름은 {recipient}",
    "이사했어~. {line1} {line2:으로} 배송지 추가해줘~. 받는 사람 {recipient}",
    "주소 추가해줘~. {recipient}, {line1} {line2}",
    "{line1} {line2} 이 주소 저장해줘~. {recipient} 앞으로[|요].",
    "배송지 새로 넣고 싶어~. 주소는 {line1} {line2}, {recipient} 앞으로 해줘~.",
)

_SAVE_ADDRESS_WITHOUT_NAME: Final[Bank] = (
    "배송지 하나 저장해줘~. {line1} {line2}, 전화번호는 {phone}",
    "새 주소 등록할게~. {line1} {line2}, 번호 {phone}",
    "이사했어~. {line1} {line2:으로} 배송지 추가해줘~. 연락처는 {phone}",
    "주소 추가해줘~. {line1} {line2}, {phone}",
    "{line1} {line2} 이 주소 저장해줘~. 연락처는 {phone}",
)

_SAVE_ADDRESS_WITHOUT_STREET: Final[Bank] = (
    "배송지 하나 저장해줘~. 받는 사람은 {recipient}, 전화번호는 {phone}",
    "새 주소 등록하고 싶어~. 이름은 {recipient}, 번호는 {phone}",
    "이사해서 배송지 추가하려고[|요]. {recipient}, {phone}",
    "배송지 새로 넣어줘~. {recipient} 앞으로 하고 연락처는 {phone}",
    "주소 하나 추가해줘~. 받는 사람 {recipient}, {phone}",
)

_SAVE_ADDRESS_WITHOUT_UNIT: Final[Bank] = (
    "배송지 하나 저장해줘~. {line1}, 받는 사람 {recipient}, 전화번호 {phone}",
    "새 주소 등록할게~. {line1}, 이름은 {recipient}, 번호는 {phone}",
    "이사했어~. {line1:으로} 배송지 추가해줘~. {recipient} {phone}",
    "주소 추가해줘~. {recipient}, {phone}, {line1}",
    "{line1} 이 주소 저장해줘~. {recipient} 앞으로 하고 연락처는 {phone}",
)

SAVE_ADDRESS_WITHOUT: Final[dict[Withheld, Bank]] = {
    "전화번호": _SAVE_ADDRESS_WITHOUT_PHONE,
    "받는 사람": _SAVE_ADDRESS_WITHOUT_NAME,
    "주소": _SAVE_ADDRESS_WITHOUT_STREET,
    "상세 주소": _SAVE_ADDRESS_WITHOUT_UNIT,
}

CHANGE_WITHOUT_ADDRESS: Final[Bank] = (
    "배송지 상세 주소를 {line2:으로} 바꿔줘~.",
    "저장된 주소 동호수가 바뀌었어~. {line2:으로} 고쳐줘~.",
    "배송지 하나 {line2:으로} 옮겼어~. 수정해줘~.",
    "주소 상세를 {line2:으로} 고칠 수 있어~?",
    "상세 주소가 틀렸네~. {line2:으로} 해줘~.",
)

CHANGE_WITHOUT_GATE: Final[Bank] = (
    "공동 현관 비밀번호 좀 저장해줘~.",
    "기사님이 못 들어오신대~. 현관 비번 등록해줘~.",
    "배송지에 공동 현관 비밀번호 넣고 싶어~.",
    "현관 비밀번호 추가해줘~.",
    "공동 현관 비번을 아직 안 적었네~. 넣어줘~.",
)

_PHONE_ANSWERS: Final[Bank] = (
    "{phone}",
    "{phone} [이야|이에요].",
    "아 번호는 {phone}",
    "전화번호 {phone} [이거야|이거예요].",
    "{phone} 이걸로 해줘~.",
    "빠뜨렸네~. {phone}",
)

_NAME_ANSWERS: Final[Bank] = (
    "{recipient_name}",
    "{recipient_name} 앞으로 해줘~.",
    "이름은 {recipient_name}",
    "받는 사람은 {recipient_name:으로} 해줘~.",
    "아 {recipient_name:이라고} 적어줘~.",
)

_STREET_ANSWERS: Final[Bank] = (
    "{line1} {line2}",
    "주소는 {line1} {line2}",
    "{line1} {line2:으로} 해줘~.",
    "아 빠뜨렸네~. {line1} {line2}",
    "{line1} {line2} [이야|이에요].",
)

_UNIT_ANSWERS: Final[Bank] = (
    "{line2}",
    "{line2} [이야|이에요].",
    "상세 주소는 {line2}",
    "아 {line2:으로} 해줘~.",
    "{line2:으로} 적어줘~.",
)

_GATE_ANSWERS: Final[Bank] = (
    "{gate_password}",
    "{gate_password} [이야|이에요].",
    "비번은 {gate_password}",
    "{gate_password} 이렇게 누르면 돼~.",
    "아 {gate_password} 이걸로 저장해줘~.",
)

CHECKOUT_WITHOUT_ADDRESS: Final[Bank] = (
    "담은 거 결제하고 싶어~.",
    "장바구니에 있는 거 이제 주문하려고[|요]. 준비해줘~.",
    "이대로 시킬래~. 총 [얼마야|얼마예요]?",
    "담긴 거 결제 준비해줘~.",
    "이제 주문 넣을래~. 금액 알려줘~.",
    "장바구니 거 그대로 배달시키려고[|요]. 얼만지 봐줘~.",
)

_ADDRESS_ANSWERS: Final[Bank] = (
    "{addr:으로} 보내줘~.",
    "{addr:으로} 받을게~.",
    "{addr:으로} 해줘~.",
    "오늘은 {addr:으로} 부탁해~.",
    "{addr:으로} 와줘~.",
    "음 {addr:으로} 할래~.",
)

_WHICH_ADDRESS_ANSWERS: Final[Bank] = (
    "{addr} 거로 해줘~.",
    "{addr} 배송지[|요].",
    "{addr} 있잖아~. 그거 고쳐줘~.",
    "음 {addr} 쪽이[야|에요].",
    "{addr:을} 바꿔줘~.",
)

ORDER_WITHOUT_PAYMENT: Final[Bank] = (
    "[응|네] 주문해줘~.",
    "[응|네] 그대로 주문할게~.",
    "좋아~. 주문 넣어줘~.",
    "[응|네] 맞아~. 이대로 주문해줘~.",
    "[응|네] 진행해줘~. 주문할게~.",
    "[응|네] 그렇게 시켜줘~. 주문할게~.",
)

_PAYMENT_ANSWERS: Final[Bank] = (
    "{pay:으로} 결제해줘~.",
    "{pay:으로} 할게~. 결제해줘~.",
    "음 {pay:으로} 결제할게~.",
    "{pay} 되지[|요]? {pay:으로} 결제해줘~.",
    "오늘은 {pay:으로} 결제할래~.",
    "{pay:으로} 주문해줘~.",
)

STATUS_WITHOUT_ORDER: Final[Bank] = (
    "[내|제] 주문 지금 어떻게 되고 있어~?",
    "아까 시킨 거 어디까지 됐어~?",
    "배달 아직도 안 왔는데 어떻게 된 [거야|거예요]?",
    "[내|제] 주문 상태 좀 확인해줘~.",
    "[내가|제가] 시킨 거 출발했는지 봐줘~.",
    "주문한 거 조회 좀 해줘~.",
)

STATUS_PAYMENT_WITHOUT: Final[Bank] = (
    "아까 주문한 거 결제 제대로 됐어~?",
    "[내|제] 주문 결제가 되었는지 봐줘~.",
    "결제 눌렀는데 됐는지 모르겠어~. 확인해줘~.",
    "[내|제] 결제 상태 좀 알려줘~.",
    "돈이 나간 건지 안 나간 건지 모르겠네~. 결제 됐어~?",
)

STATUS_MISTAKEN: Final[Bank] = (
    "[내|제] 주문 어디까지 됐어~? 번호는 {number}",
    "주문번호 {number} 조회해줘~.",
    "{number} 이 주문 지금 어떻게 되고 있어~?",
    "시킨 거 아직 안 왔는데 확인해줘~. 번호 {number}",
    "주문 상태 좀 봐줘~. {number:이면} 되지[|요]?",
    "{number:으로} 주문한 거 언제 출발했는지 상태 알려줘~.",
)

_ORDER_ANSWERS: Final[Bank] = (
    "주문번호 {order} [이거야|이거예요].",
    "{order}",
    "찾았어~. {order}",
    "번호는 {order}",
    "아 여기 있네~. {order}",
    "잠깐만[|요]… {order} 맞을 거[야|예요].",
)

_ANSWERS: Final[dict[Withheld, Bank]] = {
    "음식 종류": _CATEGORY_ANSWERS,
    "식당": _SHOP_ANSWERS,
    "메뉴": _DISH_ANSWERS,
    "옵션": _SIZE_ANSWERS,
    "수량": _QUANTITY_ANSWERS,
    "항목": _LINE_ANSWERS,
    "요청 사항": _REQUEST_ANSWERS,
    "배송지": _ADDRESS_ANSWERS,
    "주소": _STREET_ANSWERS,
    "상세 주소": _UNIT_ANSWERS,
    "받는 사람": _NAME_ANSWERS,
    "전화번호": _PHONE_ANSWERS,
    "비밀번호": _GATE_ANSWERS,
    "결제 수단": _PAYMENT_ANSWERS,
    "주문 번호": _ORDER_ANSWERS,
}


def find_answers(step: Step) -> Bank:
    """Return the lines that answer the question after what the step withheld."""
    if step.intent == "update" and step.withhold == "수량":
        return _NEW_QUANTITY_ANSWERS
    if step.intent == "remove":
        return _GONE_ANSWERS
    if step.intent == "save_address" and step.withhold == "배송지":
        return _WHICH_ADDRESS_ANSWERS
    return _ANSWERS[step.withhold or "주문 번호"]
