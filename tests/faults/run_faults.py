"""`make faults`: the whole kill matrix, then the table of faults; ends with exit 1 where a case fails.

`--case lose_response:before:17` runs that case alone and `--case row_cut` that row of the table; what a failed case
left stays in the folder named.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from faults.children import Nursery  # noqa: E402  - the path is set above
from faults.matrix import FAULTS, Case, Matrix, Outcome  # noqa: E402
from faults.table import ROWS, FaultTable, TableRow, render_table  # noqa: E402


def main() -> int:
    arguments = read_arguments()
    folder = Path(tempfile.mkdtemp(prefix="datagen-faults-"))
    names: list[str] = arguments.case or []
    cases = [Case.parse(name) for name in names if ":" in name]
    rows = [name for name in names if ":" not in name]
    is_well = True
    with Nursery() as nursery, ThreadPoolExecutor(arguments.workers) as pool:
        if cases or not names:
            is_well &= run_matrix(Matrix(folder / "matrix", nursery), pool, cases)
        if rows or not names:
            is_well &= run_table(FaultTable(folder / "table", nursery), pool, rows or list(ROWS))
    if is_well:
        shutil.rmtree(folder)
    else:
        print(f"What the failed cases left is in {folder}")
    return 0 if is_well else 1


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", help="Only this case or row; repeatable.")
    parser.add_argument("--workers", type=int, default=8, help="Cases at a time; most of a case is waiting.")
    return parser.parse_args()


def run_matrix(matrix: Matrix, pool: ThreadPoolExecutor, chosen: Sequence[Case]) -> bool:
    """Run the cases, all where none is chosen; print a line a fault, and each case that fails."""
    begun = time.monotonic()
    matrix.prepare()
    cases = list(chosen)
    if not cases:
        courses = dict(zip(FAULTS, pool.map(matrix.run_undisturbed, FAULTS), strict=True))
        cases = [case for fault, course in courses.items() for case in course.list_cases(fault)]
        for fault, course in courses.items():
            print(f"{fault}: {len(course.steps)} durable steps, {course.n_requests} requests", flush=True)
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in pool.map(matrix.run_case, cases):
        outcomes[outcome.case.fault].append(outcome)
        if outcome.problems:
            print(f"FAILED {outcome.case}: {'; '.join(outcome.problems)}", flush=True)
    print(f"\n{'kill matrix':<22}{'cases':>8}{'passed':>8}{'seconds':>10}")
    for fault, found in outcomes.items():
        print_line(fault, found, sum(one.seconds for one in found))
    everything = [one for found in outcomes.values() for one in found]
    print_line("all, by the clock", everything, time.monotonic() - begun)
    return not any(one.problems for one in everything)


def print_line(title: str, found: Iterable[Outcome], seconds: float) -> None:
    outcomes = list(found)
    n_passed = sum(not one.problems for one in outcomes)
    print(f"{title:<22}{len(outcomes):>8}{n_passed:>8}{seconds:>10.0f}", flush=True)


def run_table(table: FaultTable, pool: ThreadPoolExecutor, names: Sequence[str]) -> bool:
    """Run the rows of the table of faults and print it."""
    table.prepare()
    rows: list[TableRow] = list(pool.map(table.run_row, names))
    print(f"\n{render_table(rows)}", flush=True)
    return all(row.is_well for row in rows)


if __name__ == "__main__":
    sys.exit(main())
