"""Decides how a recipe builds a scenario's world: the hour, the restaurants in reach, cart, addresses and orders."""

from __future__ import annotations

import re
from itertools import accumulate
from random import Random
from typing import Final

from datagen_core.config import (
    PAYMENT_METHODS,
    RECIPIENTS,
    STREETS,
    UNITS,
    Category,
    OrderStatus,
    PaymentMethod,
    Persona,
)
from datagen_core.environment.catalogue import Catalogue, Dish, Restaurant, fold_text
from datagen_core.environment.opening import CartLine, Change, Happening, Opening, PastOrder, SavedAddress
from datagen_core.occasions import N_SIMILAR, list_short, list_slots, pick_moment
from datagen_core.plans import Intent, Step
from datagen_core.spoken import ANY_REQUESTS, NOTES, REQUESTS, Spoken

MOST_FILLERS: Final = 3
_MOST_DRAWS: Final = 12
MAIN_PRICE: Final = 2500
"""Won from which a dish is something one would look for: rice, drinks and sauces cost less."""

_SIZE: Final = re.compile(r"\((소|중|대|M|L)\)$")


class Draft:
    """A scenario under construction. Handles follow the order in which things are added."""

    def __init__(
        self, rng: Random, catalogue: Catalogue, persona: Persona, category: Category, *, is_about_food: bool = True
    ) -> None:
        """Open at a moment when three restaurants of `category` are open, or, without food, at any."""
        self.rng = rng
        self.catalogue = catalogue
        self.persona = persona
        self.category = category
        self.steps: list[Step] = []
        self.sold_out: list[str] = []
        self.closed: list[str] = []
        self.cart: list[CartLine] = []
        self.addresses: list[SavedAddress] = []
        self.orders: list[PastOrder] = []
        self.foreign_orders: list[str] = []
        self.happenings: list[Happening] = []
        self.now = pick_moment(rng, list_slots(catalogue, category if is_about_food else None))
        self._indexes = self._pick_restaurants() if is_about_food else ()
        self.shops: tuple[Restaurant, ...] = tuple(catalogue.restaurants[index] for index in self._indexes)
        self._offsets = (0, *accumulate(len(shop.dishes) for shop in self.shops))

    @property
    def at_once(self) -> bool:
        """Whether this customer says things that belong together in one line."""
        return self.persona.amount == "한 번에"

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
            foreign_orders=tuple(self.foreign_orders),
            happenings=tuple(self.happenings),
        )

    def let_happen(self, what: Change, target: str | None = None, *, before: str) -> None:
        """Plan what happens right before the first call of a tool is answered."""
        self.happenings.append(Happening(before=before, what=what, target=target))

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

    def pick_dishes(self, shop: int, count: int) -> list[tuple[str, Dish]]:
        """Return `count` different dishes that are available; side dishes only where there are not enough others."""
        dishes = self._available(shop)
        main = [pair for pair in dishes if pair[1].price >= MAIN_PRICE]
        return self.rng.sample(main if len(main) >= count else dishes, count)

    def pick_extreme(self, *, cheapest: bool) -> tuple[int, tuple[str, Dish], bool]:
        """Return an open restaurant, its cheapest or dearest dish, and whether no other dish costs the same.

        Of the open restaurants one is taken whose cheapest dish stands alone and is no side dish, if there is one.
        """
        found: list[tuple[bool, bool, int, tuple[str, Dish]]] = []
        for shop in self.rng.sample(self.open_shops(), len(self.open_shops())):
            first, second = sorted(self._available(shop), key=lambda pair: pair[1].price, reverse=not cheapest)[:2]
            is_alone = first[1].price != second[1].price
            found.append((is_alone, first[1].price >= MAIN_PRICE, shop, first))
        is_alone, _, shop, dish = max(found, key=lambda entry: entry[:2])
        return shop, dish, is_alone

    def pick_filler(self, shop: int, held: int) -> tuple[str, int] | None:
        """Return another dish, and how many of it (at most three) lift a cart worth `held` won to the minimum order."""
        rest = self.shops[shop].min_order_amount - held
        needs = [(menu, -(-rest // dish.price)) for menu, dish in self._available(shop) if menu != self.cart[0].menu]
        few = [need for need in needs if need[1] <= MOST_FILLERS]
        return self.rng.choice(few) if few else None

    def pick_dish_word(self) -> str:
        """Return the name of a dish that an open restaurant has, without its size; no side dish, no set."""
        shop = self.pick_shop()
        named = [dish.name.split("(")[0] for _, dish in self._available(shop) if "세트" not in dish.name]
        main = [dish.name.split("(")[0] for _, dish in self._available(shop) if _is_main(dish)]
        return self.rng.choice(main or named)

    def pick_words(self, count: int) -> list[str]:
        """Return up to `count` different names of dishes."""
        words: list[str] = []
        for _ in range(_MOST_DRAWS):
            if len(words) < count and (word := self.pick_dish_word()) not in words:
                words.append(word)
        return words

    def pick_common_word(self) -> str:
        """Return the name of a dish that as many restaurants in reach as possible cook."""
        return max(self.pick_words(_MOST_DRAWS), key=lambda word: len(self.find_shops(word)))

    def find_shops(self, query: str) -> list[int]:
        """Return the positions of the restaurants that a search for the words finds, in its order."""
        words = [fold_text(word) for word in query.split()]
        texts = (self.catalogue.search_texts[index] for index in self._indexes)
        return [position for position, text in enumerate(texts) if all(word in text for word in words)]

    def listed(self) -> list[int]:
        """Return the positions of the main category's restaurants, as a search for it lists them."""
        return [position for position, shop in enumerate(self.shops) if shop.category == self.category]

    def pick_sized_dish(self) -> tuple[str, Dish] | None:
        """Return a dish of an open restaurant that comes in sizes, in one of them; None where none does."""
        sized = [
            pair
            for shop in self.open_shops()
            for pair in self._available(shop)
            if _SIZE.search(pair[1].name) and "세트" not in pair[1].name
        ]
        return self.rng.choice(sized) if sized else None

    def need_for_minimum(self, shop: int, price: int) -> int:
        """Return how many portions at this price reach the restaurant's minimum order."""
        return max(1, -(-self.shops[shop].min_order_amount // price))

    def shop_of_cart(self) -> int:
        """Return the position of the restaurant whose dishes are in the opening cart."""
        number = int(self.cart[0].menu[1:]) - 1
        return next(position for position, end in enumerate(self._offsets[1:]) if number < end)

    def pick_closed_shop(self) -> int:
        """Return the position of the restaurant of another category, shut today unless its hours say so already."""
        position = next(i for i, shop in enumerate(self.shops) if shop.category != self.category)
        if self.shops[position].is_open_at(self.now):
            self.closed.append(f"R{position + 1}")
        return position

    def other_dishes(self, shop: int, count: int, *, besides: set[str]) -> list[tuple[str, Dish]]:
        """Return `count` dishes of the restaurant that are none of those named."""
        return self.rng.sample([pair for pair in self._available(shop) if pair[0] not in besides], count)

    def have_order(self, status: OrderStatus) -> str:
        """Let the customer have ordered before, and return the order's handle."""
        self.orders.append(PastOrder(status=status))
        return f"O{len(self.orders)}"

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

    def pick_request(self, shop: int, *, besides: str | None = None) -> str:
        """Return a wish for a dish of this restaurant, other than the one named."""
        spoken = map(self._spell, (*REQUESTS[self.shops[shop].category], *ANY_REQUESTS))
        return self.rng.choice([words for words in spoken if words != besides])

    def pick_note(self, *, besides: str | None = None) -> str:
        """Return a wish for the delivery, other than the one named."""
        return self.rng.choice([words for words in map(self._spell, NOTES) if words != besides])

    def _spell(self, spoken: Spoken) -> str:
        return spoken[0] if self.persona.register == "존댓말" else spoken[1]

    def _available(self, shop: int) -> list[tuple[str, Dish]]:
        dishes = enumerate(self.shops[shop].dishes)
        pairs = [(self.handle(shop, position), dish) for position, dish in dishes]
        return [pair for pair in pairs if pair[0] not in self.sold_out]

    def _pick_restaurants(self) -> tuple[int, ...]:
        """Pick three open restaurants of the category and one of another, closed if there is such a one."""
        short = list_short(self.catalogue)
        is_open = {index for index, shop in short if shop.is_open_at(self.now)}
        chosen = self.rng.sample(
            [index for index, shop in short if shop.category == self.category and index in is_open], N_SIMILAR
        )
        others = [index for index, shop in short if shop.category != self.category]
        closed = [index for index in others if index not in is_open]
        chosen.append(self.rng.choice(closed or others))
        self.rng.shuffle(chosen)
        return tuple(chosen)


def _is_main(dish: Dish) -> bool:
    return "세트" not in dish.name and dish.price >= MAIN_PRICE
