"""Decides, for each topic, which steps a customer goes through and how the world stands before."""

from typing import Final

from datagen_core.config import Category
from datagen_core.recipes.base import Recipe
from datagen_core.recipes.ordering import ORDERING
from datagen_core.recipes.searching import SEARCHING
from datagen_core.recipes.shopping import SHOPPING
from datagen_core.recipes.talking import TALKING
from datagen_core.recipes.troubles import TROUBLES

RECIPES: Final[dict[str, Recipe]] = {**SEARCHING, **SHOPPING, **ORDERING, **TROUBLES, **TALKING}
"""The recipe of each key of `config.QUESTION_TOPICS`."""

TOPIC_CATEGORIES: Final[dict[str, tuple[Category, ...]]] = {"add_size": ("피자", "야식")}
"""Topics that not every category can serve: of these, any three short menus hold a dish in sizes."""

WITHOUT_FOOD: Final = frozenset(
    {
        "address_list", "address_new", "address_street", "address_fix", "address_default", "gate_password",
        "address_note", "order_status", "payment_status", "order_number_wrong", "two_orders", "wrong_order_id",
        "foreign_order", "status_and_cancel", "status_and_rider", "payment_and_refund", "address_and_move",
        "about_service", "how_it_works", "small_talk", "cannot_do", "look_alike", "elsewhere",
    }
)  # fmt: skip
"""Topics without restaurants, which come up at any hour."""

__all__ = ["RECIPES", "TOPIC_CATEGORIES", "WITHOUT_FOOD", "Recipe"]
