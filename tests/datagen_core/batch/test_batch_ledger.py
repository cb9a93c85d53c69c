from __future__ import annotations

import threading
from pathlib import Path

import orjson
import pytest

from datagen_core.batch.ledger import open_ledger
from datagen_core.batch.ledger_view import DamagedLine, read_ledger
from datagen_core.batch.records import Entry, RecordKind
from datagen_core.errors import InputFileError, LedgerError, OutputError

KEY = "ab" * 20 + ".0"


def fill_ledger(path: Path) -> None:
    with open_ledger(path, "p") as ledger:
        ledger.append("upload", KEY, time=1.0)
        ledger.append("file", KEY, time=2.0, file_id="file_1")
        told = {"run": "r", "round": "2"}
        ledger.append("intent", KEY, time=3.0, counter=8.5, in_flight_until=73.0, file_id="file_1", metadata=told)


def read_entry(path: Path, identity: str = "p") -> Entry:
    with open_ledger(path, identity) as ledger:
        return ledger.find_entry(KEY)


def test_ledger_reads_back_what_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "ledger.jsonl"
    fill_ledger(path)
    assert read_entry(path) == Entry(
        upload_time=1.0,
        file_id="file_1",
        file_time=2.0,
        intent_time=3.0,
        intent_counter=8.5,
        intent_file="file_1",
        in_flight_until=73.0,
        metadata={"run": "r", "round": "2"},
    )
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


@pytest.mark.parametrize(
    ("record", "named"),
    [
        ({"key": KEY, "time": 1}, "no ledger record"),
        ({"kind": "upload", "key": "short.0", "time": 1}, "'key'"),
        ({"kind": "upload", "key": KEY + "x", "time": 1}, "'key'"),
        ({"kind": "upload", "key": KEY}, "'time'"),
        ({"kind": "file", "key": KEY, "time": 1, "file_id": None}, "'file_id'"),
        ({"kind": "intent", "key": KEY, "time": 1, "in_flight_until": "soon"}, "'in_flight_until'"),
        ({"kind": "batch", "key": KEY, "time": 1, "submitted_at": 1, "batch_id": ""}, "'batch_id'"),
        ({"kind": "batch", "key": KEY, "time": 1, "submitted_at": True, "batch_id": "b"}, "'submitted_at'"),
    ],
)
def test_a_record_of_wrong_types_is_damage_and_names_its_field(
    record: dict[str, object], named: str, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jsonl"
    fill_ledger(path)
    with path.open("ab") as stream:
        stream.write(orjson.dumps(record) + b"\n")
    with pytest.raises(LedgerError, match=f"line 5: .*{named}.*datagen ledger rebuild"):
        read_entry(path)
    assert read_ledger(path).damaged[0].line == 5


def test_a_ledger_whose_header_is_lost_is_damaged_and_not_of_another_version(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    fill_ledger(path)
    path.write_bytes(path.read_bytes().split(b"\n", 1)[1])
    with pytest.raises(LedgerError, match="line 1: is no ledger's header"):
        read_entry(path)


def test_a_snapshot_reads_on_where_it_ended_and_sees_what_others_added(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    fill_ledger(path)
    with open_ledger(path, "p") as ledger:
        known = ledger.snapshot
    with open_ledger(path, "p") as ledger:
        ledger.append("batch", KEY, time=4.0, batch_id="batch_1", file_id="file_1", submitted_at=4.0)
    path.write_bytes(path.read_bytes() + b'{"kind": "bat')
    with open_ledger(path, "p", known=known) as ledger:
        assert ledger.snapshot is known
        assert ledger.find_entry(KEY).batch_id == "batch_1"


@pytest.mark.parametrize("change", ["replaced", "shortened", "altered"])
def test_a_snapshot_of_a_ledger_that_is_another_now_counts_for_nothing(change: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    fill_ledger(path)
    with open_ledger(path, "p") as ledger:
        known = ledger.snapshot
    lines = path.read_bytes().splitlines(keepends=True)
    match change:
        case "replaced":
            path.rename(tmp_path / "old")
            path.write_bytes(b"".join(lines[:2]))
        case "shortened":
            path.write_bytes(b"".join(lines[:2]))
        case _:
            path.write_bytes(b"".join([*lines[:2], b" " * (len(lines[2] + lines[3]) - 1) + b"\n"]))
    if change == "altered":
        with pytest.raises(LedgerError, match="line 3"), open_ledger(path, "p", known=known):
            pass
        return
    with open_ledger(path, "p", known=known) as ledger:
        assert ledger.find_entry(KEY).state == "uploading"


def test_states_follow_the_records(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    seen: list[str] = []
    with open_ledger(path, "p") as ledger:

        def add(kind: RecordKind, **fields: str | float) -> None:
            ledger.append(kind, KEY, time=1.0, **fields)
            seen.extend(row.state for row in read_ledger(path).rows)

        add("upload")
        add("file", file_id="f")
        add("intent", in_flight_until=2.0, file_id="f")
        add("refused")
        add("file", file_id="f")
        add("batch", batch_id="b", submitted_at=1.0)
    assert seen == ["uploading", "uploaded", "intent", "refused", "uploaded", "submitted"]


def test_a_creation_that_was_never_found_keeps_its_file_in_mind_and_a_refused_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with open_ledger(path, "p") as ledger:
        ledger.append("intent", KEY, time=1.0, in_flight_until=2.0, file_id="f1")
        ledger.append("intent", KEY, time=3.0, in_flight_until=4.0, file_id="f2")
        ledger.append("refused", KEY, time=5.0)
        ledger.append("intent", KEY, time=6.0, in_flight_until=7.0, file_id="f3")
    entry = read_entry(path)
    assert (entry.lost_files, entry.intent_file) == ({"f1"}, "f3")


def test_showing_a_ledger_changes_nothing_and_needs_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    fill_ledger(path)
    with open_ledger(path, "p"):
        path.write_bytes(path.read_bytes() + b'{"kind": "ba')
        before = path.read_bytes()
        view = read_ledger(tmp_path)
    assert path.read_bytes() == before
    assert (view.identity, view.version, [row.state for row in view.rows]) == ("p", 1, ["intent"])
    assert (view.rows[0].run, view.rows[0].round, view.rows[0].generation) == ("r", "2", 0)
    assert view.damaged == (DamagedLine(line=5, problem="is cut off: a run was killed here, or is writing it."),)


def test_a_ledger_that_is_not_there_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="run's folder"):
        read_ledger(tmp_path)


def test_a_ledger_of_a_later_version_is_shown_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    fill_ledger(path)
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2'))
    assert read_ledger(path).is_of_other_version


def test_a_ledger_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"could not be written.*run the same command again"):
        fill_ledger(tmp_path / "file" / "ledger.jsonl")


def test_a_folder_in_the_ledgers_place_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").mkdir()
    with pytest.raises(OutputError):
        fill_ledger(tmp_path / "ledger.jsonl")


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
