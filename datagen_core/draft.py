"""Decides how a recipe builds a scenario's world: the hour, the restaurants in reach, cart, addresses and orders."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Final

from datagen_core.config import CATEGORIES, PAYMENT_METHODS, RECIPIENTS, STREETS, UNITS, PaymentMethod, Persona
from datagen_core.environment.catalogue import Catalogue, Dish, Restaurant
from datagen_core.environment.opening import CartLine, Opening, PastOrder, SavedAddress
from datagen_core.plans import Intent, Step

FIRST_DAY: Final = date(2026, 1, 1)
N_DAYS: Final = 365
HOURS: Final = (11, 11, 12, 12, 12, 13, 14, 15, 17, 18, 18, 18, 19, 19, 19, 20, 20, 21, 22, 23)
"""Hours at which dialogues begin; meal times come up more often."""

MAX_DISHES: Final = 11
N_SIMILAR: Final = 3

# The two spellings are what a customer says in 존댓말 and in 반말; arguments keep these very words.
REQUESTS: Final[tuple[tuple[str, str], ...]] = (
    ("덜 맵게 해 주세요", "덜 맵게 해줘"),
    ("파는 빼 주세요", "파는 빼줘"),
    ("국물 넉넉히 담아 주세요", "국물 넉넉히 담아줘"),
    ("소스는 따로 주세요", "소스는 따로 줘"),
    ("단무지 많이 주세요", "단무지 많이 줘"),
    ("일회용 수저는 빼 주세요", "일회용 수저는 빼줘"),
    ("양파 없이 부탁드려요", "양파 없이 부탁해"),
    ("조금 싱겁게 해 주세요", "좀 싱겁게 해줘"),
)
NOTES: Final[tuple[tuple[str, str], ...]] = (
    ("문 앞에 두고 벨은 누르지 말아 주세요", "문 앞에 두고 벨 누르지 마"),
    ("경비실에 맡겨 주세요", "경비실에 맡겨줘"),
    ("아기가 자고 있으니 조용히 와 주세요", "아기 자니까 조용히 와줘"),
    ("도착하면 문자 주세요", "도착하면 문자 줘"),
    ("도착하시면 1층에서 전화 주세요", "1층에서 전화 줘"),
    ("강아지가 있으니 문 앞에 놓아 주세요", "강아지 있으니까 문 앞에 놔줘"),
)


class Draft:
    """A scenario under construction. Handles follow the order in which things are added."""

    def __init__(self, rng: Random, catalogue: Catalogue, persona: Persona) -> None:
        self.rng = rng
        self.catalogue = catalogue
        self.persona = persona
        self.category = ""
        self.steps: list[Step] = []
        self.sold_out: list[str] = []
        self.closed: list[str] = []
        self.cart: list[CartLine] = []
        self.addresses: list[SavedAddress] = []
        self.orders: list[PastOrder] = []
        self.now = self._pick_time()
        self._indexes = self._pick_restaurants()
        self.shops: tuple[Restaurant, ...] = tuple(catalogue.restaurants[index] for index in self._indexes)
        self._offsets = (0, *accumulate(len(shop.dishes) for shop in self.shops))

    def build_opening(self, *, catalogue_seed: int, seed: int, user_id: str) -> Opening:
        """Return the opening that the recipe arrived at; without restaurants where no step is about any."""
        is_about_food = bool(self.cart) or any(
            step.intent in ("search", "narrow", "menu", "add") for step in self.steps
        )
        return Opening(
            catalogue_seed=catalogue_seed,
            seed=seed,
            user_id=user_id,
            now=self.now.isoformat(),
            restaurants=self._indexes if is_about_food else (),
            closed=tuple(self.closed),
            sold_out=tuple(self.sold_out),
            addresses=tuple(self.addresses),
            cart=tuple(self.cart),
            orders=tuple(self.orders),
        )

    def want(self, intent: Intent, **fields: object) -> None:
        """Add a step."""
        self.steps.append(Step.model_validate({"intent": intent, **fields}))

    def open_shops(self) -> list[int]:
        """Return the positions of the main category's open restaurants, in order of relevance; at least two."""
        return [
            position
            for position, shop in enumerate(self.shops)
            if shop.category == self.category and shop.is_open_at(self.now) and f"R{position + 1}" not in self.closed
        ]

    def shut_one(self) -> None:
        """Shut one restaurant of the main category today, so that asking for open ones makes a difference."""
        self.closed.append(f"R{self.pick_shop() + 1}")

    def pick_shop(self) -> int:
        """Return the position of one open restaurant of the main category."""
        return self.rng.choice(self.open_shops())

    def handle(self, shop: int, dish: int) -> str:
        """Return the handle of a dish by positions."""
        return f"M{self._offsets[shop] + dish + 1}"

    def pick_dishes(self, shop: int, count: int, *, cheap: bool = False) -> list[tuple[str, Dish]]:
        """Return `count` different dishes that are available; with `cheap`, the cheapest ones."""
        dishes = self._available(shop)
        if cheap:
            return sorted(dishes, key=lambda pair: pair[1].price)[:count]
        return self.rng.sample(dishes, count)

    def pick_dish_word(self) -> str:
        """Return the name of a dish that an open restaurant has, without its size."""
        return self.pick_dishes(self.pick_shop(), 1)[0][1].name.split("(")[0].strip()

    def pick_main_dish(self, shop: int) -> tuple[str, Dish]:
        """Return a dish of which at most three reach the minimum order, if there is one; else the dearest."""
        dishes = self._available(shop)
        main = [pair for pair in dishes if pair[1].price * 3 >= self.shops[shop].min_order_amount]
        return self.rng.choice(main) if main else max(dishes, key=lambda pair: pair[1].price)

    def fill_cart_below_minimum(self, shop: int) -> Dish | None:
        """Put the dearest dish that stays under the minimum order into the opening cart; None where all reach it."""
        minimum = self.shops[shop].min_order_amount
        under = [pair for pair in self._available(shop) if pair[1].price < minimum]
        if not under:
            return None
        menu, dish = max(under, key=lambda pair: pair[1].price)
        self.cart = [CartLine(menu=menu, quantity=1)]
        return dish

    def fill_cart(self, *, lines: int, shop: int | None = None) -> int:
        """Put dishes of one open restaurant into the opening cart and return its position.

        The dearest stands first, and its quantity grows until the minimum order is reached.
        """
        shop = self.pick_shop() if shop is None else shop
        minimum = self.shops[shop].min_order_amount
        picked = sorted(self.pick_dishes(shop, lines), key=lambda pair: -pair[1].price)
        quantities = [1] * lines
        while sum(q * dish.price for q, (_, dish) in zip(quantities, picked, strict=True)) < minimum:
            quantities[0] += 1
        self.cart = [CartLine(menu=menu, quantity=q) for q, (menu, _) in zip(quantities, picked, strict=True)]
        return shop

    def save_addresses(self, count: int) -> None:
        """Give the customer this many saved addresses of one recipient; the first is the default."""
        recipient, phone = self.rng.choice(RECIPIENTS), self.pick_phone()
        for position, street in enumerate(self.rng.sample(STREETS, count)):
            self.addresses.append(
                SavedAddress(
                    recipient_name=recipient,
                    phone=phone,
                    line1=street,
                    line2=self.rng.choice(UNITS),
                    is_default=position == 0,
                )
            )

    def pick_phone(self) -> str:
        """Return a number of the reserved pool (`config.PHONE_PREFIX`)."""
        return f"010-0{self.rng.randrange(1000):03d}-{self.rng.randrange(10000):04d}"

    def pick_payment(self) -> PaymentMethod:
        """Return a payment method."""
        return self.rng.choice(PAYMENT_METHODS)

    def say(self, pair: tuple[str, str]) -> str:
        """Return the spelling of the customer's register."""
        return pair[0] if self.persona.register == "존댓말" else pair[1]

    def _available(self, shop: int) -> list[tuple[str, Dish]]:
        dishes = enumerate(self.shops[shop].dishes)
        pairs = [(self.handle(shop, position), dish) for position, dish in dishes]
        return [pair for pair in pairs if pair[0] not in self.sold_out]

    def _pick_time(self) -> datetime:
        day = FIRST_DAY + timedelta(days=self.rng.randrange(N_DAYS))
        # Away from the whole and the half hour, so that no restaurant opens or closes while the dialogue lasts.
        minute = self.rng.choice((0, 30)) + self.rng.randrange(2, 20)
        return datetime.fromisoformat(f"{day.isoformat()}T{self.rng.choice(HOURS):02d}:{minute:02d}:00+09:00")

    def _pick_restaurants(self) -> tuple[int, ...]:
        """Pick three open restaurants of one category and one of another, closed if there is such a one.

        Short menus only: the whole menu stands in the prompt, which is paid for.
        """
        short = [(i, shop) for i, shop in enumerate(self.catalogue.restaurants) if len(shop.dishes) <= MAX_DISHES]
        is_open = {index for index, shop in short if shop.is_open_at(self.now)}
        by_category = {c: [i for i, shop in short if shop.category == c and i in is_open] for c in CATEGORIES}
        self.category = self.rng.choice([c for c in CATEGORIES if len(by_category[c]) >= N_SIMILAR])
        chosen = self.rng.sample(by_category[self.category], N_SIMILAR)
        others = [index for index, shop in short if shop.category != self.category]
        closed = [index for index in others if index not in is_open]
        chosen.append(self.rng.choice(closed or others))
        self.rng.shuffle(chosen)
        return tuple(chosen)
