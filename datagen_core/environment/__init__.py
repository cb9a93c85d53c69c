"""Decides how the delivery app's backend behaves: its catalogue, state and eleven tools, and who is called what."""

from datagen_core.environment.backend import SECONDS_PER_CALL, Environment
from datagen_core.environment.catalogue import Catalogue, Dish, Restaurant, build_catalogue
from datagen_core.environment.handles import Handles
from datagen_core.environment.opening import CartLine, Happening, Opening, PastOrder, SavedAddress
from datagen_core.environment.replaying import Replayed, describe_outcome, is_same_outcome, replay_calls
from datagen_core.environment.state import KST, MAX_QUANTITY, Address, Cart, Line, Order, write_moment
from datagen_core.environment.validation import (
    SchemaValidator,
    argument_errors,
    is_error,
    is_same_json,
    json_problem,
    response_errors,
    validator_for,
)

__all__ = [
    "KST",
    "MAX_QUANTITY",
    "SECONDS_PER_CALL",
    "Address",
    "Cart",
    "CartLine",
    "Catalogue",
    "Dish",
    "Environment",
    "Handles",
    "Happening",
    "Line",
    "Opening",
    "Order",
    "PastOrder",
    "Replayed",
    "Restaurant",
    "SavedAddress",
    "SchemaValidator",
    "argument_errors",
    "build_catalogue",
    "describe_outcome",
    "is_error",
    "is_same_json",
    "is_same_outcome",
    "json_problem",
    "replay_calls",
    "response_errors",
    "validator_for",
    "write_moment",
]
