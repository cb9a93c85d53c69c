from __future__ import annotations

import re
from collections import Counter
from datetime import datetime

import pytest

from datagen_core.config import CATEGORIES, UUID_PATTERN
from datagen_core.environment import Catalogue, build_catalogue
from datagen_core.environment.catalogue_names import SETS, STYLES
from datagen_core.environment.catalogue_prices import PRICES

SEEDS = (0, 1, -5, 2**70)


@pytest.fixture(params=SEEDS, name="catalogue")
def fixture_catalogue(request: pytest.FixtureRequest) -> Catalogue:
    return build_catalogue(request.param)


def test_there_are_enough_restaurants_of_each_category(catalogue: Catalogue) -> None:
    counts = Counter(restaurant.category for restaurant in catalogue.restaurants)
    assert tuple(counts) == CATEGORIES
    assert min(counts.values()) >= 8
    assert len(catalogue.search_texts) == len(catalogue.restaurants) >= 64


def test_names_and_ids_are_unique(catalogue: Catalogue) -> None:
    shops = catalogue.restaurants
    assert len({shop.name for shop in shops}) == len(shops)
    ids = [shop.id for shop in shops] + [dish.id for shop in shops for dish in shop.dishes]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(UUID_PATTERN, value) for value in ids)
    assert all(len({dish.name for dish in shop.dishes}) == len(shop.dishes) for shop in shops)


def test_numbers_are_plausible(catalogue: Catalogue) -> None:
    for shop in catalogue.restaurants:
        assert 6 <= len(shop.dishes) <= 15, shop.name
        assert 3.6 <= shop.rating_avg <= 5.0
        assert round(shop.rating_avg, 1) == shop.rating_avg
        assert 0 <= shop.delivery_fee <= 4500
        assert shop.delivery_fee % 500 == 0
        assert 8000 <= shop.min_order_amount <= 20000
        assert shop.min_order_amount % 1000 == 0
        assert shop.opens % 30 == shop.closes % 30 == 0
        assert 6 * 60 <= shop.opens < shop.closes <= 30 * 60
        assert all(dish.price % 100 == 0 and 500 <= dish.price <= 60000 for dish in shop.dishes), shop.name
        assert (shop.category != "야식") or shop.closes > 24 * 60


def test_larger_sizes_and_sets_cost_what_they_should(catalogue: Catalogue) -> None:
    for shop in catalogue.restaurants:
        prices = {dish.name: dish.price for dish in shop.dishes}
        for name, price in prices.items():
            for smaller, larger in (("(소)", "(중)"), ("(중)", "(대)"), ("(소)", "(대)"), ("(M)", "(L)")):
                if name.endswith(smaller):
                    assert prices.get(name.replace(smaller, larger), price + 1) > price
        for meal in SETS[shop.category]:
            if meal.name in prices:
                parts = [prices[part] for part in meal.parts]
                assert max(parts) < prices[meal.name] < sum(parts)


def test_some_dishes_are_cooked_by_several(catalogue: Catalogue) -> None:
    counts = Counter(dish.name for shop in catalogue.restaurants for dish in shop.dishes)
    assert counts["짜장면"] > 1
    assert counts["김치찌개"] > 1


def test_every_dish_of_every_style_has_a_price() -> None:
    for category, styles in STYLES.items():
        for style in styles:
            names = style.always + style.sometimes
            assert len(set(names)) == len(names)
            assert set(names) <= PRICES[category].keys()


def test_the_catalogue_belongs_to_its_seed() -> None:
    build_catalogue.cache_clear()
    first = build_catalogue(1)
    build_catalogue.cache_clear()
    assert build_catalogue(1) == first
    assert build_catalogue(1) is build_catalogue(1)
    assert {shop.id for shop in build_catalogue(2).restaurants}.isdisjoint(shop.id for shop in first.restaurants)
    assert {shop.id for shop in build_catalogue(-1).restaurants}.isdisjoint(shop.id for shop in first.restaurants)


def test_hours_read_as_people_write_them() -> None:
    late = next(shop for shop in build_catalogue(0).restaurants if shop.closes > 24 * 60)
    opens, closes = late.hours.split("~")
    assert closes.startswith("다음 날 0")
    start = datetime.fromisoformat(f"2026-02-14T{opens}:00+09:00")
    end = datetime.fromisoformat(f"2026-02-15T{closes.removeprefix('다음 날 ')}:00+09:00")
    assert late.is_open_at(start)
    assert not late.is_open_at(end)
