"""Decides the lines in which a customer of the scripted writer asks for things, written once for both registers.

Longer than our modules are: it is one table of sentences. `voices.py` says how `[가|나]`, `~` and `줘~` are read; a
slot may ask for a particle (`{dish:을}`).
"""

from __future__ import annotations

from typing import Final

Bank = tuple[str, ...]

PLACES: Final[dict[str, tuple[str, str]]] = {
    "한식": ("한식집", "한식"),
    "중식": ("중식집", "중식"),
    "일식": ("일식집", "일식"),
    "분식": ("분식집", "분식"),
    "치킨": ("치킨집", "치킨"),
    "피자": ("피자집", "피자"),
    "카페": ("카페", "카페 메뉴"),
    "야식": ("야식집", "야식"),
}
"""For each category what a place of it is called, and what one craves."""

PAYMENTS: Final = {"card": "카드", "kakao": "카카오페이", "naver": "네이버페이", "toss": "토스"}

CRITERIA: Final[dict[str, Bank]] = {
    "only_open": ("지금 문 연 곳만", "지금 영업 중인 곳만", "지금 영업하는 데만", "지금 열려 있는 곳만"),
    "rating": ("평점 높은 순으로", "평점 높은 순서로", "별점 높은 순으로"),
    "delivery_fee": ("배달비 싼 순으로", "배달비 낮은 순으로", "배달비 적은 순으로"),
    "relevance": ("관련도순으로",),
    "min_rating": ("평점 {min_rating}점 이상으로만", "평점 {min_rating}점 이상인 데만", "별점 {min_rating}점 이상만"),
}

SEARCH_CATEGORY: Final[Bank] = (
    "{place} 좀 찾아줘~.",
    "{meal} {crave} 먹고 싶은데 시킬 만한 데 있어~?",
    "오늘은 {crave:이} 당기는데 {place} 어디 있어~?",
    "{place} 뭐뭐 있는지 알려줘~.",
    "{meal} {crave:으로} 하려고[|요]. {place} 보여줘~.",
    "배달되는 {place} 좀 골라줘~.",
    "{crave} 시키려고 하는데 {place} 어떤 데 있어~?",
    "{meal} 뭐 먹지 하다가 {crave:으로} 정했어~. {place} 찾아줘~.",
    "갑자기 {crave:이} 먹고 싶네~. {place} 알아봐줘~.",
)

SEARCH_CATEGORY_AGAIN: Final[Bank] = (
    "이번엔 {place} 찾아줘~.",
    "음 아니면 {place:은} 어디 있어~?",
    "마음이 바뀌었어~. {place} 보여줘~.",
    "다른 것도 볼래~. {place} 알려줘~.",
    "그럼 새로 {place} 찾아줘~. {crave} 먹을래~.",
)

SEARCH_BOTH: Final[Bank] = (
    "{first:이랑} {second} 둘 다 찾아줘~.",
    "{crave:이랑} {other} 중에 고민이[야|에요]. {first:이랑} {second} 다 보여줘~.",
    "식구마다 입맛이 달라서 {first:과} {second} 다 알려줘~.",
    "{first}하고 {second} 어떤 데 있는지 같이 찾아줘~.",
    "{crave} 아니면 {other} 먹을 건데 {first:과} {second} 둘 다 볼 수 있어~?",
)

SEARCH_CRITERIA: Final[Bank] = (
    "{place} {crit} 찾아줘~.",
    "{meal} {crave} 먹을 건데 {crit} 보여줘~.",
    "{crave:이} 당기는데 {place} {crit} 알려줘~.",
    "{place} 찾는데 {crit} 볼 수 있어~?",
    "{crave} 시키려고[|요]. {crit} 골라줘~.",
    "배달되는 {place} {crit} 뽑아줘~.",
    "{crit} {place} 좀 찾아줘~.",
    "{place} 있으면 {crit} 추려줘~.",
)

SEARCH_DISH: Final[Bank] = (
    "{query} 파는 집 찾아줘~.",
    "{meal} {query} 먹고 싶은데 파는 데 있어~?",
    "{query} 되는 식당 어디 있어~?",
    "갑자기 {query:이} 땡기는데 어디서 시킬 수 있어~?",
    "{query} 하는 데 좀 보여줘~.",
    "{query:을} 시키고 싶은데 어느 집에서 해~?",
    "{query} 먹을 건데 파는 곳 알아봐줘~.",
    "{meal} {query:으로} 정했어~. 파는 집 좀 알려줘~.",
)

SEARCH_SHOP: Final[Bank] = (
    "{query:이라고} 있어~?",
    "{query} 찾아줘~.",
    "{query} 여기서 배달돼~?",
    "{query:을} 찾고 있는데 나와~?",
    "친구가 {query} 맛있다던데 여기 있어~?",
    "{query:이라는} 집 검색해줘~.",
    "지난번에 본 {query:을} 다시 찾고 싶어~. 있어~?",
    "{query} 있으면 보여줘~.",
)

SEARCH_AGAIN: Final[Bank] = (
    "이번엔 {query} 파는 집 찾아줘~.",
    "음 아니면 {query} 파는 데는 어디 있어~?",
    "마음이 바뀌었어~. {query} 하는 집 보여줘~.",
    "다른 것도 볼래~. {query} 되는 데 찾아줘~.",
    "생각해 보니 {query:이} 더 나을 것 같아~. 어디서 팔아~?",
    "그럼 새로 {query} 파는 곳 알려줘~.",
)

SEARCH_RETRACTED: Final[Bank] = (
    "{old} 먹을까… 아니다 {crave:으로} 할래~. {place} 찾아줘~.",
    "{old} 찾아줘~. 아 잠깐 아니다 {place:으로} 찾아줘~.",
    "{meal} {old}… 아니 {crave:이} 낫겠어~. {place} 보여줘~.",
    "{old} 시킬까 했는데 아니다 {place:으로} 알려줘~.",
    "{old:이} 좋을까… 아니 그냥 {crave:으로} 할래~. {place} 골라줘~.",
    "{old} 보여줘~. 아 미안[|해요] {place:으로} 바꿔줘~.",
)

SEARCH_DISH_RETRACTED: Final[Bank] = (
    "{old} 먹을까… 아니다 {query:으로} 할래~. 파는 집 찾아줘~.",
    "{old} 파는 집 찾아줘~. 아 잠깐 아니다 {query:으로} 찾아줘~.",
    "{meal} {old}… 아니 {query:이} 낫겠어~. 파는 데 보여줘~.",
    "{old} 시킬까 했는데 아니다 {query} 하는 데 알려줘~.",
    "{old:이} 좋을까… 아니 그냥 {query:으로} 할래~. 파는 집 골라줘~.",
)

NARROW: Final[Bank] = (
    "그중에서 {crit} 다시 보여줘~.",
    "거기서 {crit} 추려줘~.",
    "그럼 그중에 {crit} 볼 수 있어~?",
    "방금 나온 데 중에 {crit} 알려줘~.",
    "아까 그거 {crit} 다시 뽑아줘~.",
    "좋아~. 거기서 {crit} 골라줘~.",
    "음 고민되네~. 그중에 {crit} 보고 싶어~.",
    "그 결과에서 {crit} 정리해줘~.",
)

MENU_NAMED: Final[Bank] = (
    "{shop} 메뉴 보여줘~.",
    "{shop} 뭐 팔아~?",
    "{shop} 메뉴판 좀 볼 수 있어~?",
    "{shop} 메뉴랑 가격 알려줘~.",
    "{shop}에서 시키려는데 뭐뭐 있어~?",
    "{shop:은} 메뉴가 어떻게 돼~?",
    "{meal} {shop}에서 시킬까 하는데 메뉴 좀 알려줘~.",
    "{shop} 가격 좀 보고 싶어~. 메뉴 보여줘~.",
)

MENU_INSTEAD: Final[Bank] = (
    "그럼 {shop} 메뉴 보여줘~.",
    "아쉽네~. {shop:은} 뭐 팔아~?",
    "아 그래~? 그럼 {shop} 메뉴판 알려줘~.",
    "할 수 없지[|요]. {shop} 메뉴 좀 볼게~. 보여줘~.",
    "그럼 {shop}에서 시킬까 하는데 메뉴 알려줘~.",
)

MENU_COMPARE: Final[Bank] = (
    "{first:이랑} {second} 메뉴 둘 다 보여줘~.",
    "{first:과} {second} 중에 고민인데 메뉴 둘 다 알려줘~.",
    "{first} 메뉴하고 {second} 메뉴 같이 볼 수 있어~?",
    "{first:이랑} {second:은} 뭐 파는지 각각 알려줘~.",
    "두 집 견줘 보려고[|요]. {first:이랑} {second} 메뉴 보여줘~.",
)

MENU_CALLED: Final[Bank] = (
    "그중에 {which} 메뉴 보여줘~.",
    "{which:은} 뭐 팔아~?",
    "{which} 메뉴판 좀 볼 수 있어~?",
    "거기서 {which} 메뉴랑 가격 알려줘~.",
    "{which:이} 궁금해~. 메뉴 보여줘~.",
)

MENU_AT_THERE: Final[Bank] = (
    "{which:은} {when}에도 문 열어~?",
    "{which} {when}에 영업해~?",
    "그럼 {which:이} {when}에도 하는지 알려줘~.",
    "{when}에 시킬까 하는데 {which} 그때 열어~?",
    "혹시 {which} {when}에도 주문 받아~?",
)

MENU_THERE: Final[Bank] = (
    "오 있네~. 거기 메뉴 보여줘~.",
    "그 집 메뉴 뭐 있어~?",
    "거기 메뉴판 좀 볼 수 있어~?",
    "거기 뭐 파는지 알려줘~.",
    "그럼 거기 메뉴랑 가격 알려줘~.",
    "좋아~. 그 집 메뉴판 열어줘~.",
)

MENU_ORDINAL: Final[Bank] = (
    "{nth} 집 메뉴 보여줘~.",
    "{nth} 집은 뭐 팔아~?",
    "거기서 {nth} 집 메뉴 좀 알려줘~.",
    "{nth}로 나온 집 메뉴판 볼 수 있어~?",
    "음 {nth} 집이 궁금해~. 뭐 있어~?",
    "{nth} 집으로 할까 하는데 메뉴 알려줘~.",
    "{nth} 거기 메뉴랑 가격 보여줘~.",
)

MENU_ORDINAL_NEXT: Final[Bank] = (
    "그럼 {nth} 집은[?| 어때요?]",
    "{nth} 집 메뉴도 보여줘~.",
    "음 {nth} 집은 뭐 있어~?",
    "{nth} 집 것도 볼래~.",
    "별로네~. {nth} 집은 뭐 팔아~?",
    "아까 {nth} 집도 메뉴 알려줘~.",
)

MENU_AT: Final[Bank] = (
    "{shop} {when}에 문 열어~?",
    "{when}에 시키려고 하는데 {shop} 영업해~?",
    "{shop} {when}에도 주문 받아~?",
    "{when}에 {shop} 하는지 알려줘~.",
    "혹시 {shop:은} {when}에 열려 있어~?",
    "{shop} {when}에 시킬 수 있는지 확인해줘~.",
    "{when}쯤 {shop} 문 여는지 봐줘~.",
)

MENU_AT_PAST: Final[Bank] = (
    "{shop} {when}에 문 열려 있었어~?",
    "{shop} {when}에 영업했는지 알려줘~.",
    "{when}에 {shop} 장사했어~?",
    "{when}에는 {shop} 하고 있었는지 확인해줘~.",
    "혹시 {shop:은} {when}에 열었었어~?",
)

ADD_NAMED: Final[Bank] = (
    "{shop}에서 {dish} {qty} 담아줘~.",
    "{shop} {dish} {qty} 장바구니에 넣어줘~.",
    "{shop} {dish:으로} {qty} 담아줘~.",
    "{shop}에서 시킬 건데 {dish} {qty} 담아줘~.",
    "{dish} {qty} 담아줘~. {shop} 거로[|요].",
    "{meal} {shop} {dish} 먹을래~. {qty} 담아줘~.",
    "{shop} 있지[|요]? 거기 {dish} {qty} 넣어줘~.",
    "장바구니에 {shop} {dish} {qty} 추가해줘~.",
)

ADD_HERE: Final[Bank] = (
    "{dish} {qty} 담아줘~.",
    "그럼 {dish} {qty} 넣어줘~.",
    "{dish:으로} 할래~. {qty} 담아줘~.",
    "{dish:이} 좋겠네~. {qty} 담아줘~.",
    "거기 {dish} {qty} 장바구니에 넣어줘~.",
    "음 {dish} {qty:으로} 할게~. 담아줘~.",
    "그중에 {dish} {qty} 담아줘~.",
)

ADD_ALSO: Final[Bank] = (
    "거기에 {dish}도 {qty} 추가해줘~.",
    "{dish}도 {qty} 같이 담아줘~.",
    "아 {dish}도 {qty} 넣어줘~.",
    "같은 집에서 {dish} {qty} 더 담아줘~.",
    "그리고 아까 그 집 {dish}도 {qty} 담아줘~.",
    "{dish}도 먹고 싶네~. {qty} 추가해줘~.",
)

ADD_TOGETHER: Final[Bank] = (
    "{shop}에서 {first} {first_qty:이랑} {dish} {qty} 담아줘~.",
    "{shop} {first} {first_qty}, {dish} {qty} 담아줘~.",
    "{shop}에서 시킬게~. {first} {first_qty}하고 {dish} {qty} 넣어줘~.",
    "{first} {first_qty:이랑} {dish} {qty} 같이 담아줘~. {shop} 거로[|요].",
    "{shop} {first} {first_qty} 그리고 {dish}도 {qty} 장바구니에 넣어줘~.",
    "{meal} {shop}에서 {first} {first_qty:과} {dish} {qty} 먹을래~. 담아줘~.",
)

ADD_EXTREME: Final[Bank] = (
    "거기서 {which:으로} {alone} 담아줘~.",
    "{which} {alone} 담아줘~.",
    "그냥 {which} 아무거나 {alone} 넣어줘~.",
    "그중에 {which:으로} 할래~. {alone} 담아줘~.",
    "고민하기 싫어~. {which:으로} {alone} 담아줘~.",
    "뭐가 {which}[야|예요]? 그걸로 {alone} 담아줘~.",
    "고민되네~. 그냥 {which} {alone} 장바구니에 넣어줘~.",
)

ADD_ORDINAL: Final[Bank] = (
    "{nth} 집에서 {dish} {qty} 담아줘~.",
    "{nth} 집 {dish:으로} {qty} 담아줘~.",
    "그럼 {nth} 집 거로 할래~. {dish} {qty} 넣어줘~.",
    "{nth} 집이 좋겠네~. 거기 {dish} {qty} 담아줘~.",
    "음 {nth} 집으로 하고 {dish} {qty} 담아줘~.",
)

ADD_THERE: Final[Bank] = (
    "거기서 {dish} {qty} 담아줘~.",
    "그 집 {dish:으로} {qty} 담아줘~.",
    "그럼 그 집 거로 할래~. {dish} {qty} 넣어줘~.",
    "거기로 하고 {dish} {qty} 담아줘~.",
    "음 그 집에서 {dish} {qty} 시킬래~. 담아줘~.",
)

ADD_MORE: Final[Bank] = (
    "담아 둔 거에 {dish}도 {qty} 추가해줘~.",
    "장바구니에 {dish} {qty} 더 담아줘~.",
    "같은 집에서 {dish} {qty} 더 넣어줘~.",
    "{dish}도 먹고 싶네~. {qty} 추가해줘~.",
    "아 {dish} {qty:을} 빼먹었네~. 담은 집에서 더 담아줘~.",
    "담긴 집 {dish:으로} {qty} 더 담아줘~.",
)

ADD_MANY: Final[Bank] = (
    "회사 행사라 {shop} {dish} {qty} 담아줘~.",
    "단체 주문인데 {shop}에서 {dish} {qty} 담아줘~.",
    "체육대회 때 먹을 거[야|예요]. {shop} {dish} {qty} 장바구니에 넣어줘~.",
    "{shop} {dish} {qty} 필요해~. 담아줘~.",
    "교회 잔치라 {shop} {dish:으로} {qty} 담아줄 수 있어~?",
)

ADD_FEWER: Final[Bank] = (
    "그럼 {dish} {qty:으로} 줄여서 담아줘~.",
    "아 그래~? 그럼 {qty}만 담아줘~.",
    "할 수 없네~. {dish} {qty} 담아줘~.",
    "그럼 우선 {qty} 담아줘~.",
    "알겠어~. {qty:으로} 담아줘~.",
)

ADD_BACK: Final[Bank] = (
    "그럼 {dish} {qty} 다시 담아줘~.",
    "어 왜 빠졌지[|요]? {dish} {qty} 다시 넣어줘~.",
    "아 [내가|제가] 지웠나 봐~. {dish} {qty} 새로 담아줘~.",
    "{dish:으로} {qty} 다시 담아줘~.",
    "이상하네~. 그럼 같은 집 {dish} {qty} 담아줘~.",
)

ADD_FIRST: Final[Bank] = (
    "아 안 담았[구나|군요]. {shop}에서 {dish} {qty} 담아줘~.",
    "어 비었어~? 그럼 {shop} {dish} {qty} 담아줘~.",
    "담은 줄 알았네~. {shop} {dish} {qty} 넣어줘~.",
    "그럼 {shop} {dish:으로} {qty} 담아줘~.",
    "이상하네~. 그럼 {shop}에서 {dish} {qty} 담아줘~.",
)

ADD_TOGETHER_HERE: Final[Bank] = (
    "{first} {first_qty:이랑} {dish} {qty} 담아줘~.",
    "거기서 {first} {first_qty}, {dish} {qty} 담아줘~.",
    "{first} {first_qty}하고 {dish} {qty} 같이 넣어줘~.",
    "음 {first} {first_qty} 그리고 {dish}도 {qty} 담아줘~.",
    "{first} {first_qty:과} {dish} {qty:으로} 할게~. 담아줘~.",
)

ADD_TO_MINIMUM: Final[Bank] = (
    "그럼 {dish} {qty} 더 담아줘~. 그러고 {addr:으로} 다시 결제 준비해줘~.",
    "아 그래~? {dish}도 {qty} 추가하고 다시 결제 금액 뽑아줘~.",
    "{dish} {qty} 같이 담아줘~. 그러고 다시 총액 알려줘~.",
    "그럼 {dish} {qty} 추가할게~. 다시 결제 준비해줘~.",
    "어쩔 수 없네~. {dish} {qty} 더 넣고 {addr:으로} 다시 해줘~.",
)

ADD_QUANTITY_RETRACTED: Final[Bank] = (
    "{shop}에서 {dish} {old}… 아니다 {qty} 담아줘~.",
    "{shop} {dish} {old} 담아줘~. 아 잠깐 아니다 {qty:으로} 해줘~.",
    "{shop} {dish} {old}… 아니 {qty:으로} 담아줘~.",
    "{shop}에서 {dish} {old} 시킬… 아니다 {old} 말고 {qty} 담아줘~.",
    "{shop} {dish} {old} 담을까… 아니다 {qty} 담아줘~.",
)

ADD_RETRACTED: Final[Bank] = (
    "{shop}에서 {old} {qty}… 아니다 {dish:으로} {qty} 담아줘~.",
    "{shop} {old} 담아줘~. 아 잠깐 아니다 {dish:으로} {qty} 담아줘~.",
    "{shop} {old:으로}… 아니 {dish} {qty} 담아줘~.",
    "{shop}에서 시킬 건데 {old}… 음 아니다 {old} 말고 {dish} {qty} 넣어줘~.",
    "{old} 먹을까 했는데 아니다 {dish:이} 낫겠네~. {shop} {dish} {qty} 담아줘~.",
    "{shop} {old:이랑}… 아니 {old:은} 됐고 {dish} {qty} 담아줘~.",
)

ADD_INSTEAD: Final[Bank] = (
    "그럼 {dish} {qty} 담아줘~.",
    "아 그래~? 그럼 {dish:으로} {qty} 담아줘~.",
    "아쉽네~. 대신 {dish} {qty} 넣어줘~.",
    "어쩔 수 없지[|요]. {dish:으로} {qty} 담아줘~.",
    "그거 먹고 싶었는데… 그럼 {dish} {qty:으로} 해줘~.",
    "할 수 없네~. {dish:으로} 바꿔서 {qty} 담아줘~.",
)

ADD_INSTEAD_ELSEWHERE: Final[Bank] = (
    "그럼 {shop}에서 {dish} {qty} 담아줘~.",
    "아 그래~? 그럼 {shop} {dish:으로} {qty} 담아줘~.",
    "아쉽네~. 대신 {shop} {dish} {qty} 넣어줘~.",
    "어쩔 수 없지[|요]. {shop:으로} 할게~. {dish} {qty} 담아줘~.",
    "그럼 다른 집으로 할래~. {shop} {dish} {qty} 담아줘~.",
    "하필… 그럼 {shop}에서 {dish} {qty:으로} 해줘~.",
)

ADD_SWITCH: Final[Bank] = (
    "지금 담긴 거 말고 {shop}에서 {dish} {qty} 담아줘~.",
    "생각이 바뀌었어~. {shop} {dish:으로} {qty} 담아줘~.",
    "아니다 그냥 {shop:으로} 갈아탈래~. {dish} {qty} 담아줘~.",
    "담은 거 됐고 {shop} {dish} {qty:으로} 바꿔줘~.",
    "아 역시 {shop}에서 먹을래~. {dish} {qty} 담아줘~.",
    "미안한데 집을 바꿀게~. {shop} {dish} {qty} 담아줘~.",
)

UPDATE_QUANTITY: Final[Bank] = (
    "담아 둔 {dish} {qty:으로} 바꿔줘~.",
    "장바구니에 있는 {dish} {qty:으로} 해줘~.",
    "{dish} 수량을 {qty:으로} 바꿔줘~.",
    "{dish:을} {qty:으로} 바꿀 수 있어~?",
    "아까 담아 놓은 {dish} {qty:으로} 고쳐줘~.",
    "{dish} {qty:으로} 할래~. 바꿔줘~.",
)

UPDATE_QUANTITY_THAT: Final[Bank] = (
    "아까 그거 {qty:으로} 바꿔줘~.",
    "아까 담은 거 {qty:으로} 해줘~.",
    "음 그거 그냥 {qty:으로} 바꿔줘~.",
    "방금 그거 {qty:으로} 할래~. 바꿔줘~.",
    "아 그거 {qty:으로} 고쳐줄 수 있어~?",
    "그거 수량만 {qty:으로} 바꿔줘~.",
)

ONE_MORE_THAT: Final[Bank] = (
    "아까 그거 하나 더 해줘~. {qty:이면} 돼~.",
    "그거 하나 더 추가해서 {qty:으로} 해줘~.",
    "음 하나 더 해서 {qty:으로} 바꿔줘~.",
    "방금 그거 하나 더[|요]. {qty:으로} 해줘~.",
    "그걸로 하나 더 늘려서 {qty:으로} 해줄 수 있어~?",
)

ONE_MORE: Final[Bank] = (
    "{dish} 하나 더 해서 {qty:으로} 바꿔줘~.",
    "{dish:은} 하나 더[|요]. {qty:으로} 해줘~.",
    "아까 그 {dish} 하나 더 추가해서 {qty:으로} 해줘~.",
    "{dish} 하나만 더 늘려줘~. {qty:으로} 하면 돼~.",
    "음 {dish:이} 모자라겠네~. 하나 더 해서 {qty:으로} 해줘~.",
)

ONE_LESS_THAT: Final[Bank] = (
    "아까 그거 하나 빼고 {qty:으로} 해줘~.",
    "음 하나 빼줘~. {qty:이면} 돼~.",
    "그거 하나만 빼줘~. {qty:으로} 바꿔줘~.",
    "너무 많네~. 하나 줄여서 {qty:으로} 해줘~.",
    "방금 그거 하나 빼서 {qty:으로} 고쳐줘~.",
)

ONE_LESS: Final[Bank] = (
    "{dish} 하나 빼고 {qty:으로} 해줘~.",
    "{dish:은} 하나 줄여서 {qty:으로} 바꿔줘~.",
    "아까 그 {dish} 하나만 빼줘~. {qty:으로} 해줘~.",
    "{dish:이} 많네~. 하나 빼서 {qty:으로} 고쳐줘~.",
    "음 {dish} 하나 빼줘~. {qty:이면} 돼~.",
)

UPDATE_FEWER: Final[Bank] = (
    "그럼 {dish} {qty:으로} 바꿔줘~.",
    "아 그래~? 그럼 {qty:으로} 해줘~.",
    "할 수 없네~. {qty:으로} 바꿔줘~.",
    "그럼 우선 {qty:으로} 해줘~.",
    "알겠어~. {dish:은} {qty:으로} 고쳐줘~.",
)

UPDATE_QUANTITY_OF_THOSE: Final[Bank] = (
    "아까 그 {dish:은} {qty:으로} 바꿔줘~.",
    "아까 담은 {dish} {qty:으로} 해줘~.",
    "먼저 담은 {dish} 있잖아~. 그거 {qty:으로} 바꿔줘~.",
    "아 {dish:은} {qty:이면} 되겠어~. {qty:으로} 바꿔줘~.",
    "그 {dish} 수량만 {qty:으로} 고쳐줘~.",
    "{dish:은} 아까 거에서 {qty:으로} 해줘~.",
)

UPDATE_QUANTITY_ON_SECOND_THOUGHT: Final[Bank] = (
    "아 잠깐 아니다 {dish} {qty:으로} 바꿔줘~.",
    "아니 다시 생각해 보니 {qty:이} 낫겠어~. {dish} {qty:으로} 해줘~.",
    "아 미안[|해요]. 그거 말고 {dish} {qty:으로} 바꿔줘~.",
    "음 아니다 {dish:은} {qty:으로} 할래~. 고쳐줘~.",
    "아 맞다 친구도 온댔지[|요]. 아니 그럼 {dish} {qty:으로} 바꿔줘~.",
    "잠깐 [아니야|아니에요]. {dish} 수량을 {qty:으로} 바꿔줘~.",
)

UPDATE_TO_MINIMUM: Final[Bank] = (
    "그럼 {dish:을} {qty:으로} 늘려줘~. 그러고 다시 결제 준비해줘~.",
    "아 그래~? {dish} {qty:으로} 바꾸고 다시 결제 금액 뽑아줘~.",
    "그럼 그냥 {dish} {qty:으로} 하고 {addr:으로} 다시 결제 준비해줘~.",
    "최소 금액이 있[구나|군요]. {dish} {qty:으로} 늘려서 다시 해줘~.",
    "어쩔 수 없네~. {dish} {qty:으로} 올리고 총액 다시 알려줘~.",
    "{dish} {qty:이면} 되지[|요]? 그렇게 바꾸고 다시 결제 준비해줘~.",
)

UPDATE_REQUEST: Final[Bank] = (
    "담아 둔 {dish}에 요청 하나 넣어줘~. {said}",
    "장바구니에 있는 {dish} 요청 사항 바꿔줘~. {said}",
    "{dish}에 '{request}' 라고 적어줘~.",
    "{dish} 요청을 '{request}' 이렇게 바꿔줘~.",
    "아까 담은 {dish} 말인데 {said}",
    "{dish} 요청란에 '{request}' 써줘~.",
)

UPDATE_REQUEST_THAT: Final[Bank] = (
    "방금 담은 거에 요청 하나 넣어줘~. {said}",
    "아 그거 {said}",
    "그거 요청란에 '{request}' 라고 적어줘~.",
    "아까 그거 말인데 {said}",
    "방금 그거에 '{request}' 이렇게 남겨줘~.",
)

UPDATE_REQUEST_RETRACTED: Final[Bank] = (
    "담아 둔 {dish} 요청을 '{old}'… 아니다 '{request}' 이렇게 바꿔줘~.",
    "{dish}에 '{old}' 라고… 아 잠깐 아니다 '{request}' 라고 적어줘~.",
    "{dish} 요청란에 '{old}' 말고 '{request}' 라고 써줘~.",
    "{dish} 요청은 '{old}' 하려다가… 아니 '{request}' 이걸로 해줘~.",
    "아까 담은 {dish}에 '{old}'… 음 아니다 '{request}' 이렇게 남겨줘~.",
)

REMOVE: Final[Bank] = (
    "장바구니에서 {dishes} 빼줘~.",
    "{dishes:은} 빼줘~.",
    "담긴 것 중에 {dishes} 빼줄래~?",
    "{dishes:은} 안 먹을래~. 빼줘~.",
    "{dishes:을} 장바구니에서 지워줘~.",
    "아 {dishes:은} 필요 없어~. 빼줘~.",
)

REMOVE_THAT: Final[Bank] = (
    "아까 먼저 담은 {dishes} 빼줘~.",
    "처음에 담은 거 하나 빼줘~.",
    "음 아까 그 {dishes:은} 빼줘~.",
    "아까 먼저 담은 그거 빼줄래~?",
    "처음 담은 {dishes} 있잖아~. 그거 빼줘~.",
    "역시 아까 그 {dishes:은} 안 먹을래~. 빼줘~.",
)

REMOVE_CALLED: Final[Bank] = (
    "{which} 빼줘~.",
    "그럼 {which:은} 빼줘~.",
    "음 {which} 장바구니에서 지워줘~.",
    "거기서 {which:은} 안 먹을래~. 빼줘~.",
    "{which:은} 필요 없어~. 빼줄래~?",
)

CLEAR_CART: Final[Bank] = (
    "장바구니 비워줘~.",
    "담긴 거 전부 빼줘~.",
    "장바구니에 있는 거 전부 지워줘~.",
    "오늘은 안 시킬래~. 담은 거 전부 빼줘~.",
    "다 필요 없어~. 장바구니 싹 비워줘~.",
)

SWAP: Final[Bank] = (
    "{old} 빼고 {dish} {qty:으로} 바꿔줘~.",
    "담긴 {old} 말고 {dish} {qty} 담아줘~.",
    "{old:을} 빼고 {dish} {qty} 담아줘~.",
    "{old} 대신 {dish} {qty:으로} 해줘~.",
    "{old:은} 빼고 같은 집 {dish} {qty:으로} 바꿔줘~.",
    "{old:이} 별로 안 당기네~. 빼고 {dish} {qty} 담아줘~.",
)

SWAP_ON_SECOND_THOUGHT: Final[Bank] = (
    "아 아니다 {old} 빼고 {dish} {qty:으로} 바꿔줘~.",
    "잠깐 {old} 말고 {dish} {qty} 담아줘~.",
    "아니 생각해 보니 {dish:이} 낫겠어~. {old:은} 빼고 {dish} {qty} 담아줘~.",
    "미안[|해요] 마음이 바뀌었어~. {old} 대신 {dish} {qty:으로} 해줘~.",
    "음… 아니다 {old:은} 빼고 {dish} {qty:으로} 할래~. 바꿔줘~.",
    "아 역시 {dish:이} 먹고 싶네~. {old} 빼고 {dish} {qty:으로} 바꿔줘~.",
)

CART: Final[Bank] = (
    "장바구니에 뭐 담겨 있어~?",
    "지금 장바구니 좀 보여줘~.",
    "[내|제] 장바구니 확인해줘~.",
    "[내가|제가] 뭐 담아 놨는지 알려줘~.",
    "장바구니에 담긴 거 다 해서 [얼마야|얼마예요]?",
    "아까 담아 둔 거 뭐였는지 장바구니 봐줘~.",
    "장바구니 지금 어떻게 돼 있어~?",
)

CART_AND_ADDRESSES: Final[Bank] = (
    "주문하기 전에 장바구니랑 저장된 배송지 둘 다 보여줘~.",
    "[내가|제가] 뭐 담았는지 하고 배송지 어디로 돼 있는지 확인해줘~.",
    "장바구니에 담긴 거랑 [내|제] 주소 같이 알려줘~.",
    "담은 거하고 배송지 목록 좀 한 번에 볼 수 있어~?",
    "시키려고 하는데 장바구니랑 배송지부터 확인해줘~.",
)

CART_AFTER: Final[Bank] = (
    "그럼 지금 뭐 남아 있는지 보여줘~.",
    "아 [내가|제가] 뺐나 봐~. 장바구니 다시 보여줘~.",
    "그래~? 장바구니에 뭐 있는지 알려줘~.",
    "어 언제 빠졌지[|요]? 지금 담긴 거 확인해줘~.",
    "알겠어~. 그럼 장바구니 좀 다시 봐줘~.",
)

ADDRESSES: Final[Bank] = (
    "저장된 배송지 보여줘~.",
    "[내|제] 주소 뭐뭐 저장돼 있어~?",
    "등록해 둔 배송지 알려줘~.",
    "[내|제] 배송지 목록 좀 볼 수 있어~?",
    "지금 배송지가 어디로 돼 있는지 확인해줘~.",
    "주소 저장해 놓은 거 다 보여줘~.",
    "기본 배송지가 어디로 돼 있어~? 저장된 주소 알려줘~.",
)

SAVE_ADDRESS: Final[Bank] = (
    "배송지 하나 저장해줘~. {line1} {line2}, 받는 사람 {recipient}, 전화번호 {phone}",
    "새 주소 등록할게~. {line1} {line2}, 이름은 {recipient}, 번호는 {phone}",
    "이사했어~. {line1} {line2:으로} 배송지 추가해줘~. {recipient} {phone}",
    "주소 추가해줘~. {recipient}, {phone}, {line1} {line2}",
    "{line1} {line2} 이 주소 저장해줘~. 받는 사람은 {recipient}, 연락처 {phone}",
    "배송지 새로 넣고 싶어~. 주소는 {line1} {line2}, {recipient} 앞으로 하고 전화는 {phone}",
)

SAVE_ADDRESS_RETRACTED: Final[Bank] = (
    "배송지 저장해줘~. {line1} {old}… 아니다 {line2}, 받는 사람 {recipient}, 전화번호 {phone}",
    "새 주소 등록할게~. {line1} {old}… 아 잠깐 아니다 {line2}, 이름은 {recipient}, 번호는 {phone}",
    "{line1} {old} 말고 {line2:으로} 배송지 추가해줘~. {recipient} {phone}",
    "주소 추가해줘~. {recipient}, {phone}, {line1} {old}… 아니 {line2}",
    "이사했어~. {line1} {old}… 음 아니다 {line2:으로} 저장해줘~. {recipient} 앞으로 하고 연락처는 {phone}",
)

CHANGE_UNIT: Final[Bank] = (
    "{addr} 상세 주소를 {line2:으로} 바꿔줘~.",
    "{addr} 배송지 동호수가 틀렸어~. {line2:으로} 고쳐줘~.",
    "{addr} 주소 있잖아~. 거기 상세를 {line2:으로} 수정해줘~.",
    "저장된 {addr} 상세 주소가 바뀌었어~. {line2:으로} 해줘~.",
    "{addr} 쪽 {line2:으로} 옮겼어~. 배송지 고쳐줘~.",
)

CHANGE_DEFAULT: Final[Bank] = (
    "{addr:을} 기본 배송지로 바꿔줘~.",
    "이제 {addr:을} 기본 배송지로 해줘~.",
    "기본 배송지를 {addr:으로} 바꾸고 싶어~.",
    "기본 주소 {addr:으로} 변경해줘~.",
    "앞으로 {addr:으로} 많이 시킬 거라 거기를 기본 배송지로 해줘~.",
)

CHANGE_GATE: Final[Bank] = (
    "{addr} 공동 현관 비밀번호 {gate} 저장해줘~.",
    "{addr} 배송지에 현관 비번 {gate} 넣어줘~.",
    "공동 현관 비밀번호 좀 등록해줘~. {addr} 주소고 {gate}",
    "{addr} 주소에 공동 현관 비번이 없네~. {gate} 적어줘~.",
    "기사님 못 들어오실까 봐[|요]. {addr} 공동현관 비번 {gate} 저장해줘~.",
)

CHANGE_NOTE: Final[Bank] = (
    "{addr} 배송지에 늘 '{note}' 라고 전해지게 저장해줘~.",
    "{addr} 주소에 배달 요청 저장해줘~. '{note}'",
    "앞으로 {addr:으로} 올 때마다 '{note}' 라고 적어줘~.",
    "{addr} 배송지 요청 사항을 '{note}' 이렇게 저장해줘~.",
    "{addr} 주소 메모에 '{note}' 라고 넣어줘~.",
)

CHANGE_PHONE: Final[Bank] = (
    "{addr} 배송지 연락처를 {phone:으로} 바꿔줘~.",
    "{addr} 주소에 있는 전화번호가 바뀌었어~. {phone:으로} 고쳐줘~.",
    "{addr} 받는 번호 {phone:으로} 수정해줘~.",
    "번호를 바꿨어~. {addr} 배송지 전화번호를 {phone:으로} 해줘~.",
    "{addr} 쪽 연락처 {phone:으로} 바꿀 수 있어~?",
)

CHANGE_RECIPIENT: Final[Bank] = (
    "{addr} 배송지 받는 사람을 {recipient:으로} 바꿔줘~.",
    "{addr} 주소는 이제 {recipient} 앞으로 해줘~.",
    "{addr} 받는 사람 이름 {recipient:으로} 고쳐줘~.",
    "{addr} 쪽은 {recipient:이} 받을 거라 이름 바꿔줘~.",
    "{addr} 배송지 이름을 {recipient:으로} 수정해줘~.",
)

CHECKOUT: Final[Bank] = (
    "담은 거 {addr:으로} 결제 준비해줘~.",
    "{addr:으로} 받을 건데 총 [얼마야|얼마예요]?",
    "이제 {addr:으로} 시킬게~. 총액 알려줘~.",
    "{addr:으로} 배달하면 다 해서 [얼마야|얼마예요]?",
    "장바구니 거 {addr:으로} 주문하려고[|요]. 금액 확인해줘~.",
    "{addr:으로} 보내줘~. 전부 얼만지 알려줘~.",
    "이대로 {addr:으로} 결제하고 싶어~.",
)

CHECKOUT_INSTEAD: Final[Bank] = (
    "그럼 {addr:으로} 보내줘~. 총 [얼마야|얼마예요]?",
    "아 지웠[구나|군요]. {addr:으로} 결제 준비해줘~.",
    "맞다 거긴 이사 나왔지[|요]. {addr:으로} 해줘~.",
    "그래~? 그럼 {addr:으로} 받을게~. 총액 알려줘~.",
    "할 수 없네~. {addr:으로} 다시 준비해줘~.",
)

CHECKOUT_THERE: Final[Bank] = (
    "그 주소로 결제 준비도 해줘~.",
    "그러고 거기로 담은 거 결제 준비해줘~.",
    "그리고 그리로 주문할 거니까 총액도 알려줘~.",
    "그다음에 그 배송지로 결제 준비해줘~.",
    "저장하고 그 주소로 총 얼만지 알려줘~.",
)

CHECKOUT_RETRACTED: Final[Bank] = (
    "{old:으로} 보내줘~. 아 아니다 {addr:으로} 결제 준비해줘~.",
    "담은 거 {old:으로}… 아니 {addr:으로} 받을게~. 총 [얼마야|얼마예요]?",
    "{old:으로} 시킬… 아 잠깐 아니다 {addr:으로} 해줘~. 금액 알려줘~.",
    "배송지는 {old:으로} 하고… [아니야|아니에요] {addr:으로} 결제 준비해줘~.",
    "{old} 말고… 그러니까 아니 {addr:으로} 보내줘~. 총액 확인해줘~.",
)

ORDER: Final[Bank] = (
    "[응|네] {pay:으로} 결제해줘~.",
    "[응|네] 주문해줘~. 결제는 {pay:으로} 할게~.",
    "좋아~. {pay:으로} 결제해줘~.",
    "[응|네] 맞아~. {pay:으로} 주문 넣어줘~.",
    "[응|네] 그렇게 주문할게~. {pay:으로} 해줘~.",
    "[응|네] 진행해줘~. {pay:으로} 결제할게~.",
    "[응|네] 그대로 주문해줘~. {pay}[|요].",
)

ORDER_WITH_CODE: Final[Bank] = (
    "[응|네] {pay:으로} 결제해줘~. 회사 결제라 결제사 식별값은 {code}",
    "[응|네] 주문해줘~. 결제는 {pay:으로} 하고 결제사 식별값 {code} 넣어줘~.",
    "[응|네] {pay:으로} 주문 넣어줘~. 결제사 식별값은 {code:으로} 해줘~.",
    "좋아~. {pay:으로} 결제해줘~. 법인 결제라 결제사 식별값이 {code}",
    "[응|네] 그대로 {pay:으로} 결제할게~. 결제사 식별값은 {code} 넣어줘~.",
)

ORDER_AGAIN: Final[Bank] = (
    "[응|네] 다시 {pay:으로} 결제해줘~.",
    "[응|네] 그대로 {pay:으로} 주문해줘~.",
    "아 그래~? [응|네] {pay:으로} 다시 결제할게~.",
    "[응|네] 괜찮아~. {pay:으로} 주문 넣어줘~.",
    "[응|네] 똑같으니까 {pay:으로} 결제해줘~.",
)

ORDER_RETRACTED: Final[Bank] = (
    "[응|네] {old:으로}… 아 아니다 {pay:으로} 결제해줘~.",
    "[응|네] {old:으로} 결제해줘~. 아 잠깐 아니다 {pay:으로} 결제해줘~.",
    "[응|네] 주문해줘~. {old}… 아니 {pay:으로} 결제할게~.",
    "[응|네] {old:으로} 하려다가… 아니 {pay:이} 낫겠네~. {pay:으로} 주문해줘~.",
    "좋아~. {old:으로}… 음 아니다 {pay:으로} 결제해줘~.",
)

ORDER_WITHOUT_COUPON: Final[Bank] = (
    "[응|네] 그럼 쿠폰 없이 {pay:으로} 결제해줘~.",
    "아쉽네~. [응|네] 그냥 {pay:으로} 주문해줘~.",
    "할 수 없지[|요]. [응|네] {pay:으로} 결제할게~.",
    "[응|네] 쿠폰 없어도 돼~. {pay:으로} 주문 넣어줘~.",
    "그럼 됐어~. [응|네] {pay:으로} 그대로 결제해줘~.",
)

ORDER_REGARDLESS: Final[Bank] = (
    "[응|네] 그럼 그냥 {pay:으로} 결제해줘~.",
    "아쉽네~. [응|네] 그대로 {pay:으로} 주문해줘~.",
    "할 수 없지[|요]. [응|네] {pay:으로} 결제할게~.",
    "[응|네] 그건 됐고 {pay:으로} 주문 넣어줘~.",
    "알겠어~. [응|네] {pay:으로} 그대로 결제해줘~.",
)

STATUS: Final[Bank] = (
    "주문번호 {order} 지금 어디까지 됐어~?",
    "{order} 이 주문 지금 어떤 [상태야|상태예요]?",
    "주문 상태 좀 봐줘~. 번호는 {order}",
    "{order} 주문 어떻게 되고 있어~?",
    "[내|제] 주문 확인해줘~. {order}",
    "시킨 지 좀 됐는데 어떻게 됐어~? 주문번호 {order}",
    "주문번호 {order} 조회해줘~.",
)

STATUS_PAYMENT: Final[Bank] = (
    "{order} 이 주문 결제 제대로 됐어~?",
    "주문번호 {order} 결제가 되었는지 봐줘~.",
    "돈이 빠져나갔는지 모르겠어~. {order} 결제 됐는지 확인해줘~.",
    "{order} 주문 결제 상태 좀 알려줘~.",
    "결제가 됐는지 헷갈려~. 주문번호 {order}",
    "[내|제] 주문 결제 완료됐어~? 번호는 {order}",
)

STATUS_CORRECTED: Final[Bank] = (
    "아 잘못 봤네~. {order} 이거로 봐줘~.",
    "그거 말고 {order} [이거야|이거예요]. 다시 봐줘~.",
    "어? 이상하네~. 그럼 {order} 이 번호는 어때~?",
    "미안[|해요] 다른 번호였어~. {order}",
    "아 그건 예전 거네~. {order} 확인해줘~.",
    "다시 찾아보니까 {order} 이거네~. 조회해줘~.",
)

STATUS_FOREIGN: Final[Bank] = (
    "집에서 누가 시킨 건데 주문번호 {order} 어떻게 됐어~?",
    "주문번호 {order} 이거 지금 어디까지 됐어~?",
    "가족이 시킨 주문 좀 봐줘~. 번호는 {order}",
    "{order} 이 주문 상태 알려줘~. 친구가 시킨 거[야|예요].",
    "동생이 부탁해서 그런데 {order} 조회해줘~.",
)

STATUS_OWN: Final[Bank] = (
    "아 그[렇구나|렇군요]. 그럼 [내|제] 주문은 {order} 이거[야|예요]. 봐줘~.",
    "아 그건 안 되는[구나|군요]. [내|제] 건 {order} 확인해줘~.",
    "그럼 [내가|제가] 시킨 거 {order} 이건 어떻게 됐어~?",
    "알겠어~. 그럼 [내|제] 주문 {order} 조회해줘~.",
    "아 헷갈렸네~. [내|제] 번호는 {order}",
)

STATUS_ALSO: Final[Bank] = (
    "하나 더 있는데 {order} 이 주문은 어떻게 됐어~?",
    "그리고 {order} 이것도 조회해줘~.",
    "{order} 이 주문도 확인해줘~.",
    "그럼 {order:은} 지금 어떤 [상태야|상태예요]?",
    "다른 주문도 봐줘~. 번호는 {order}",
)

STATUS_OF_TWO: Final[Bank] = (
    "주문 두 개 확인해줘~. {first} 하고 {second}",
    "{first} 이거랑 {second} 이거 둘 다 어떻게 됐어~?",
    "두 번 시켰는데 상태 좀 알려줘~. {first}, {second}",
    "주문번호 {first} 그리고 {second} 둘 다 조회해줘~.",
    "[내|제] 주문 둘 다 봐줘~. 하나는 {first}, 하나는 {second}",
)

STATUS_JUST_ORDERED: Final[Bank] = (
    "방금 주문한 거 지금 어떻게 됐어~?",
    "방금 넣은 그 주문 잘 들어갔어~?",
    "아까 그 주문 지금 상태 좀 봐줘~.",
    "그거 지금 어디까지 됐는지 확인해줘~.",
    "방금 그거 식당에서 받았어~? 조회해줘~.",
    "그 주문 상태 한번만 봐줘~.",
)

REQUEST_TAILS: Final[Bank] = (
    " {request}",
    " {request}",
    " 요청 사항은 '{request}'",
    " 그리고 '{request}' 라고 적어줘~.",
    " 요청란에 '{request}' 써줘~.",
)

NOTE_TAILS: Final[Bank] = (
    " 배달 메모는 '{request}'",
    " 기사님께 '{request}' 라고 전해줘~.",
    " 배달할 때 {request}",
    " {request}",
    " 배달 요청에 '{request}' 라고 적어줘~.",
)

NOTE_TAILS_RETRACTED: Final[Bank] = (
    " 배달 메모는 '{old}'… 아니다 '{request}' 이걸로 해줘~.",
    " 기사님께 '{old}'… 아 잠깐 아니다 '{request}' 라고 전해줘~.",
    " 배달 요청에 '{old}' 말고 '{request}' 라고 적어줘~.",
    " 메모에 '{old}' 라고… 아니 '{request}' 라고 써줘~.",
    " 배달 메모 '{old}' 하려다가… 아니 '{request}' 이렇게 해줘~.",
)

GREETINGS: Final[Bank] = (
    "[안녕|안녕하세요]",
    "[저기|저기요]",
    "[나 주문 좀 도와줘|주문 좀 도와주세요]",
    "[물어볼 거 있어|여쭤볼 게 있어요]",
    "[거기 있어?|계신가요?]",
)

REACTIONS: Final[Bank] = (
    "오 ",
    "아 ",
    "[응|네] ",
    "음 ",
    "[좋네|좋네요]. ",
    "[그래|그래요]. ",
    "아하 ",
    "[오케이|알겠어요]. ",
)

THANKS: Final[Bank] = (
    "[고마워|고마워요].",
    "[이제 됐어|그거면 됐어요]. [수고해|수고하세요].",
    "[알겠어 고마워|네 알겠습니다 고맙습니다].",
    "[덕분에 편하네|덕분에 편하네요]. [고마워|고맙습니다].",
    "[오 빠르네|빠르시네요]. [고마워|감사합니다].",
    "[확인했어|확인했어요]. [땡큐|감사해요].",
    "[알았어|알겠어요]. [수고했어|수고하셨어요].",
    "[좋아 끝|네 좋아요]. [고마워|고맙습니다].",
    "[오늘도 고마워|오늘도 감사합니다].",
    "[역시 편하다|역시 편하네요]. [고마워|고마워요].",
    "[됐다|됐네요]. [고마워 또 올게|감사해요 또 올게요].",
    "[응 고생했어|네 고생하셨어요].",
    "[이제 기다리면 되겠네|이제 기다리면 되겠네요]. [고마워|감사합니다].",
)


NOTHING_MORE: Final[Bank] = (
    "[아니 됐어 고마워|아니요 됐어요 감사합니다].",
    "[응 됐어|네 됐어요]. [고마워|감사해요].",
    "[없어 수고|없어요 수고하세요].",
    "[아니 이제 없어|아니요 이제 없어요]. [고마워|고맙습니다].",
    "[괜찮아 이거면 돼|괜찮아요 이거면 돼요].",
    "[아니 이게 다야|아니요 이게 다예요]. [고마워|고마워요].",
    "[응 이제 끝|네 이제 끝이에요]. [수고해|수고하세요].",
    "[지금은 없어|지금은 없어요]. [이따 또 올게|이따 또 올게요].",
    "[충분해|충분해요]. [고마워|감사합니다].",
    "[아니 다 됐어|아니요 다 됐어요]. [땡큐|감사해요].",
    "[더는 없어|더는 없어요]. [고생했어|고생하셨어요].",
)

NOT_YET: Final[Bank] = (
    "금액만 궁금했어~. 이따 다시 올게~.",
    "[알겠어|알겠어요]. 조금 더 생각해 볼게~.",
    "일단 금액만 보려고[|요]. [고마워|고마워요].",
    "아직 주문은 안 할래~. [고마워|감사합니다].",
    "음 가족들한테 물어보고 다시 올게~.",
)

MEALS: Final[tuple[tuple[int, Bank], ...]] = (
    (5, ("밤에", "자다 깨서", "이 시간에")),
    (11, ("아침에", "아침으로", "오늘 아침은")),
    (14, ("점심에", "점심때", "오늘 점심은")),
    (17, ("출출해서", "늦은 점심에", "오늘은")),
    (21, ("저녁때", "오늘 저녁은", "저녁에")),
    (24, ("밤에", "이 밤에", "자기 전에")),
)
"""Until which hour which words stand for the meal."""
