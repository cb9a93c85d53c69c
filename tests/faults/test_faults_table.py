"""The faults that cost little time, through the real commands; the whole table is printed by `make faults`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faults.children import Nursery
from faults.fault_list import ROWS, name_missing
from faults.table import FaultTable, render_table

pytestmark = pytest.mark.slow

CHEAP = (
    "gateway_page",
    "key_revoked",
    "cut_download",
    "expire_partial",
    "no_output_file",
    "missing_error_file",
    "fail_validation: url_mismatch",
    "fail_validation: a_code_nobody_knows",
    "token_limit_exceeded",
    "unknown_status, for ever",
    "row_cut",
    "rows_doubled",
    "rows_missing",
    "rows_429",
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultTable]:
    with Nursery() as nursery:
        table = FaultTable(tmp_path_factory.mktemp("table") / "rows", nursery)
        table.prepare()
        yield table


def test_every_fault_of_the_simulator_has_a_row() -> None:
    assert name_missing() == set()
    assert name_missing(["row_cut", "a_new_fault"]) == {"a_new_fault"}
    assert set(CHEAP) <= ROWS.keys()


@pytest.mark.parametrize("name", CHEAP)
def test_as_many_rows_come_out_as_went_in(table: FaultTable, name: str) -> None:
    row = table.run_row(name)
    assert row.problems == ()
    assert row.rows_in == row.rows_out == 8
    assert name in render_table([row])
