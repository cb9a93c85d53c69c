"""A folder holds one run: the same again is welcome, another is refused and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from datagen_core.dataset.claim import CLAIM_NAME, claim_folder
from datagen_core.errors import ConfigError, InputFileError, OutputError

FACTS = {"flow": "training", "count": 400, "seed": 42, "mistakes": None}


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"version": 1}\n{"kind": "intent"}\n', encoding="utf-8")
    return path


def test_a_run_that_submitted_nothing_is_written_over(tmp_path: Path, ledger: Path) -> None:
    for text in ("", '{"version": 1}\n'):
        ledger.write_text(text, encoding="utf-8")
        claim_folder(tmp_path, FACTS, ledger=ledger)
        claim_folder(tmp_path, {**FACTS, "seed": 7}, ledger=ledger)
    ledger.unlink()
    claim_folder(tmp_path, FACTS, ledger=ledger)


def test_the_same_run_may_come_again(tmp_path: Path, ledger: Path) -> None:
    claim_folder(tmp_path / "run", FACTS, ledger=ledger)
    before = (tmp_path / "run" / CLAIM_NAME).read_bytes()
    claim_folder(tmp_path / "run", dict(reversed(FACTS.items())), ledger=ledger)
    assert (tmp_path / "run" / CLAIM_NAME).read_bytes() == before


def test_another_run_is_refused_with_every_difference(tmp_path: Path, ledger: Path) -> None:
    claim_folder(tmp_path, FACTS, ledger=ledger)
    with pytest.raises(ConfigError, match=r"count 400 \(now 800\), seed 42 \(now 7\).*--output-dir"):
        claim_folder(tmp_path, {**FACTS, "count": 800, "seed": 7}, ledger=ledger)


def test_a_damaged_claim_and_a_file_in_the_way_are_named(tmp_path: Path, ledger: Path) -> None:
    (tmp_path / CLAIM_NAME).write_text("{", encoding="utf-8")
    with pytest.raises(InputFileError, match=r"run.json.*not valid JSON"):
        claim_folder(tmp_path, FACTS, ledger=ledger)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="could not be written"):
        claim_folder(tmp_path / "file", FACTS, ledger=ledger)
