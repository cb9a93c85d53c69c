from __future__ import annotations

import threading
from pathlib import Path

import orjson
import pytest

from datagen_core.batch.ledger import Entry, open_ledger
from datagen_core.errors import LedgerError

KEY = "ab" * 20 + ".0"


def fill_ledger(path: Path) -> None:
    with open_ledger(path, "p") as ledger:
        ledger.append("upload", KEY, time=1.0)
        ledger.append("file", KEY, time=2.0, file_id="file_1")
        ledger.append("intent", KEY, time=3.0, in_flight_until=73.0, file_id="file_1")


def read_entry(path: Path, identity: str = "p") -> Entry:
    with open_ledger(path, identity) as ledger:
        return ledger.find_entry(KEY)


def test_ledger_reads_back_what_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "ledger.jsonl"
    fill_ledger(path)
    expected = Entry(upload_time=1.0, file_id="file_1", file_time=2.0, intent_time=3.0, in_flight_until=73.0)
    assert read_entry(path) == expected
    assert orjson.loads(path.read_bytes().splitlines()[0]) == {"version": 1, "identity": "p"}


def test_refusal_takes_back_what_was_announced(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    fill_ledger(path)
    with open_ledger(path, "p") as ledger:
        ledger.append("refused", KEY, time=4.0)
    entry = read_entry(path)
    assert (entry.upload_time, entry.file_id, entry.intent_time) == (None, None, None)


@pytest.mark.parametrize("n_kept", range(1, 40, 6))
def test_torn_last_line_is_cut(n_kept: int, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    fill_ledger(path)
    whole = path.read_bytes()
    torn = orjson.dumps({"kind": "batch", "key": KEY, "batch_id": "b", "file_id": "f"})[:n_kept]
    path.write_bytes(whole + torn)
    assert read_entry(path).batch_id is None
    assert path.read_bytes() == whole


def test_torn_header_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'{"version": 1, "iden')
    assert read_entry(path) == Entry()
    assert orjson.loads(path.read_bytes()) == {"version": 1, "identity": "p"}


def test_ledger_of_another_project_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    fill_ledger(path)
    with pytest.raises(LedgerError, match=r"belongs to 'p', and this run submits to 'q'.*base URL and project"):
        read_entry(path, "q")


@pytest.mark.parametrize("line", [b"not json\n", b"[]\n", b"\n"])
def test_damage_in_the_middle_is_an_error(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    fill_ledger(path)
    head, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(head + b"\n" + line + rest)
    with pytest.raises(LedgerError, match="line 2"):
        read_entry(path)


def test_ledger_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'{"version":2,"identity":"p"}\n')
    with pytest.raises(LedgerError, match="version 1, found 2"):
        read_entry(path)


def test_records_of_unknown_kind_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    fill_ledger(path)
    with path.open("ab") as stream:
        stream.write(orjson.dumps({"kind": "state", "key": KEY, "status": "completed"}) + b"\n")
    assert read_entry(path).file_id == "file_1"


def test_ledger_is_open_once_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    errors: list[Exception] = []

    def open_second() -> None:
        try:
            with open_ledger(path, "p", lock_timeout=0.0):
                pass
        except LedgerError as error:
            errors.append(error)

    with open_ledger(path, "p"):
        thread = threading.Thread(target=open_second)
        thread.start()
        thread.join()
    assert "locked by another run" in str(errors[0])
    open_second()
    assert len(errors) == 1
