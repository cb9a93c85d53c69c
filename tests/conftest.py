"""Decides what every test shares: golden files, and how hypothesis runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from golden_files import Golden
from hypothesis import settings

# pytest puts this folder on the path, where `tests/datagen_core` would stand for the package of the same name.
sys.path.insert(0, str(Path(__file__).parent.parent))

GOLDEN_FOLDER = Path(__file__).parent / "golden"

settings.register_profile("datagen", deadline=None)
settings.load_profile("datagen")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        default=False,
        help="write the golden files of the selected tests anew; review the diff like code",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(GOLDEN_FOLDER, is_updating=bool(request.config.getoption("--update-golden")))
