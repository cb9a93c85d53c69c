"""What goes wrong around a submission: a clear error each, nothing lost, and the next run ends with one batch."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from batch_helpers import ENDPOINT, FakeTime, make_row
from fake_provider import FakeProvider
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datagen_core.batch import BatchClient, RequestRefused, Submitted, submission_key, submit_once
from datagen_core.batch.ledger import open_ledger
from datagen_core.batch.ledger_view import read_ledger
from datagen_core.batch.rebuilding import rebuild_ledger
from datagen_core.batch.submit import Submitter
from datagen_core.errors import InputFileError, LedgerError, OutputError, SubmissionUnknown
from datagen_core.files import Artifact

Write = Callable[..., Artifact]
Submit = Callable[..., Submitted]
CHILD = Path(__file__).with_name("submit_child.py")
YEARS = 10 * 365 * 86_400.0
DAY = 86_400.0
OTHERS: dict[str, object] = {"endpoint": ENDPOINT, "input_file_id": "other", "completion_window": "24h"}


@pytest.fixture
def clock(provider: FakeProvider) -> FakeTime:
    """Return our clock; the provider's shows the same as long as nobody sets ours."""
    clock = FakeTime()
    start = clock.now
    provider.clock = lambda: start + sum(clock.slept)
    return clock


@pytest.fixture
def submit(client: BatchClient, clock: FakeTime, tmp_path: Path) -> Submit:
    def run(shard: Artifact, **options: object) -> Submitted:
        ledger = options.pop("ledger", tmp_path / "ledger.jsonl")
        clocks = {"clock": clock, "counter": lambda: sum(clock.slept), "sleep": clock.sleep}
        arguments = {"endpoint": ENDPOINT, **clocks, **options}
        api = options.pop("client", client)
        arguments.pop("client", None)
        return submit_once(api, ledger, shard, **arguments)  # pyright: ignore[reportArgumentType]

    return run


def run_child(
    provider: FakeProvider, ledger: Path, shard: Artifact, when: str, n: int, *, may_override: bool = True
) -> tuple[int, str]:
    arguments = [provider.base_url, provider.key, str(ledger), shard.path, when, str(n)]
    environment = {**os.environ, "PYTHONPATH": str(CHILD.parents[3])}
    done = subprocess.run(
        [sys.executable, str(CHILD), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=None if may_override else drop_override,
        check=False,
    )
    return done.returncode, done.stdout


def drop_override() -> None:
    """Take from root what lets it write where permissions say no (PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)."""
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


def check_one_of_each(provider: FakeProvider, submitted: Submitted) -> None:
    assert [batch["id"] for batch in provider.batches] == [submitted.batch_id]
    assert [file.id for file in provider.files.values()] == [submitted.input_file_id]


@pytest.mark.parametrize(
    ("n_whole", "n_files", "n_batches"),
    [
        pytest.param(0, 0, 0, id="header", marks=pytest.mark.slow),
        pytest.param(1, 0, 0, id="upload", marks=pytest.mark.slow),
        pytest.param(2, 1, 0, id="file", marks=pytest.mark.slow),
        pytest.param(3, 1, 0, id="intent"),
        pytest.param(4, 1, 1, id="batch", marks=pytest.mark.slow),
    ],
)
def test_what_a_full_disk_keeps_from_being_announced_is_not_sent(
    n_whole: int,
    n_files: int,
    n_batches: int,
    provider: FakeProvider,
    client: BatchClient,
    write_requests: Write,
    tmp_path: Path,
) -> None:
    shard, ledger = write_requests("a", "b"), tmp_path / "run" / "ledger.jsonl"
    with FakeProvider() as other, BatchClient(other.base_url, other.key, "fake:project") as healthy:
        submit_once(healthy, tmp_path / "reference.jsonl", shard, endpoint=ENDPOINT)
    lines = (tmp_path / "reference.jsonl").read_bytes().splitlines(keepends=True)
    n_bytes = len(b"".join(lines[:n_whole])) + 20
    code, said = run_child(provider, ledger, shard, "full", n_bytes)
    assert code == 3
    assert said.startswith("OutputError: ")
    assert "run the same command again" in said
    assert (len(provider.files), len(provider.batches)) == (n_files, n_batches)
    left = ledger.read_bytes()
    assert left.count(b"\n") == n_whole
    assert left.endswith(b"\n") or not left, "what was written of the record is cut off at once"
    check_one_of_each(provider, submit_once(client, ledger, shard, endpoint=ENDPOINT, sleep=lambda _: None))


def test_a_read_only_folder_is_an_error_before_anything_is_sent(
    provider: FakeProvider, write_requests: Write, tmp_path: Path
) -> None:
    shard, folder = write_requests("a", "b"), tmp_path / "run"
    folder.mkdir()
    folder.chmod(0o555)
    try:
        code, said = run_child(provider, folder / "ledger.jsonl", shard, "never", 0, may_override=False)
    finally:
        folder.chmod(0o755)
    assert (code, said.partition(":")[0]) == (3, "OutputError")
    assert "ermission" in said
    assert not provider.calls
    assert run_child(provider, folder / "ledger.jsonl", shard, "never", 0)[0] == 0


def test_a_read_only_ledger_is_an_error_before_anything_is_sent(
    provider: FakeProvider, write_requests: Write, tmp_path: Path
) -> None:
    shard, ledger = write_requests("a", "b"), tmp_path / "ledger.jsonl"
    with open_ledger(ledger, "fake:project"):
        pass
    ledger.chmod(0o444)
    code, said = run_child(provider, ledger, shard, "never", 0, may_override=False)
    assert (code, said.partition(":")[0]) == (3, "OutputError")
    assert not provider.calls


@pytest.mark.parametrize("days", [-4_000, -3, -0.5, 0.5, 3, 4_000])
def test_a_clock_that_was_set_between_intent_and_look_up_makes_no_second_batch(
    days: float, provider: FakeProvider, submit: Submit, write_requests: Write, clock: FakeTime
) -> None:
    provider.batch_faults.append("lost")
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown):
        submit(shard)
    clock.now += days * DAY
    check_one_of_each(provider, submit(shard))
    assert clock.slept == [10.0], "waits as long as a request may be under way, whatever the clock shows"


@pytest.mark.parametrize("days", [-4_000, -3, -0.5, 0.5, 3, 4_000])
def test_a_clock_that_was_wrong_at_the_intent_makes_no_second_batch(
    days: float, provider: FakeProvider, submit: Submit, write_requests: Write, clock: FakeTime
) -> None:
    provider.batch_faults.append("lost")
    shard = write_requests("a")
    clock.now += days * DAY
    with pytest.raises(SubmissionUnknown):
        submit(shard)
    clock.now -= days * DAY
    check_one_of_each(provider, submit(shard))


def test_the_wait_for_a_request_under_way_is_bounded_after_a_restart_of_the_machine(
    provider: FakeProvider, submit: Submit, write_requests: Write, clock: FakeTime
) -> None:
    provider.batch_faults.append("lost")
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown):
        submit(shard, counter=lambda: 90_000.0)
    clock.now += 60
    check_one_of_each(provider, submit(shard, counter=lambda: 5.0))
    assert clock.slept == []


@pytest.mark.parametrize("days", [-4_000, 4_000])
def test_a_lost_ledger_and_a_wrong_clock_make_no_second_batch(
    days: float, provider: FakeProvider, submit: Submit, write_requests: Write, clock: FakeTime, tmp_path: Path
) -> None:
    shard = write_requests("a")
    first = submit(shard)
    provider.finish(first.batch_id, [make_row("a")])
    clock.now += days * DAY
    assert submit(shard, ledger=tmp_path / "new.jsonl").batch_id == first.batch_id
    assert len(provider.batches) == 1


def test_a_refused_generation_is_gone_through_again_though_the_clock_is_far_ahead(
    provider: FakeProvider, submit: Submit, write_requests: Write, clock: FakeTime, tmp_path: Path
) -> None:
    shard = write_requests("a")
    first = submit(shard)
    provider.finish(first.batch_id, status="failed")
    second = submit(shard, generation=1)
    clock.now += YEARS
    assert submit(shard, ledger=tmp_path / "new.jsonl").batch_id == first.batch_id
    assert submit(shard, ledger=tmp_path / "new.jsonl", generation=1).batch_id == second.batch_id
    assert len(provider.batches) == 2


def test_a_file_that_a_clock_far_ahead_makes_seem_expired_is_at_worst_uploaded_again(
    provider: FakeProvider, submit: Submit, write_requests: Write, clock: FakeTime
) -> None:
    provider.batch_faults.append("drop")
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown):
        submit(shard)
    clock.now += YEARS
    submit(shard)
    assert len(provider.batches) == 1
    assert len(provider.files) <= 2


def test_a_key_that_is_revoked_in_the_middle_loses_nothing(
    provider: FakeProvider, client: BatchClient, submit: Submit, write_requests: Write, tmp_path: Path
) -> None:
    provider.batch_faults.append("revoked")
    shard = write_requests("a")
    for _ in range(2):
        with pytest.raises(RequestRefused, match=r"refused the key \(HTTP 401\)") as refused:
            submit(shard)
        assert refused.value.is_final
    assert not provider.batches
    assert [row.state for row in read_ledger(tmp_path).rows] == ["refused"]
    with BatchClient(provider.base_url, provider.new_key, client.identity) as renewed:
        check_one_of_each(provider, submit(shard, client=renewed))


def test_a_key_that_is_revoked_while_a_batch_is_unaccounted_for_loses_nothing(
    provider: FakeProvider, client: BatchClient, submit: Submit, write_requests: Write, tmp_path: Path
) -> None:
    provider.batch_faults.append("lost")
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown):
        submit(shard)
    provider.key = provider.new_key
    with pytest.raises(RequestRefused, match="refused the key"):
        submit(shard)
    assert [row.state for row in read_ledger(tmp_path).rows] == ["intent"]
    with BatchClient(provider.base_url, provider.new_key, client.identity) as renewed:
        check_one_of_each(provider, submit(shard, client=renewed))


def test_a_busy_provider_creates_nothing_and_is_raised_on(
    provider: FakeProvider, submit: Submit, write_requests: Write, tmp_path: Path
) -> None:
    provider.batch_faults.append("busy")
    shard = write_requests("a")
    with pytest.raises(RequestRefused) as busy:
        submit(shard)
    assert (busy.value.status, busy.value.is_final) == (429, False)
    assert [row.state for row in read_ledger(tmp_path).rows] == ["refused"]
    assert submit(shard).generation == 0, "being busy does not count as an attempt"
    assert len(provider.batches) == len(provider.files) == 1


def test_a_second_run_on_the_same_ledger_waits_or_is_told(
    provider: FakeProvider, client: BatchClient, submit: Submit, write_requests: Write, tmp_path: Path
) -> None:
    shard, ledger = write_requests("a", "b"), tmp_path / "ledger.jsonl"
    provider.batch_faults.append("hold_after")
    arguments = [provider.base_url, provider.key, str(ledger), shard.path, "never", "0"]
    environment = {**os.environ, "PYTHONPATH": str(CHILD.parents[3])}
    child = subprocess.Popen(
        [sys.executable, str(CHILD), *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert provider.held.wait(30)
        with pytest.raises(LedgerError, match="locked by another run"):
            submit(shard, lock_timeout=0.0)
        with pytest.raises(LedgerError, match="locked by another run"):
            rebuild_ledger(client, tmp_path, lock_timeout=0.0)
    finally:
        provider.release.set()
        said = child.communicate()[0]
    assert said.startswith("SubmissionUnknown: ")
    check_one_of_each(provider, submit(shard))


def test_two_folders_of_one_project_share_the_batch_of_the_same_bytes(
    provider: FakeProvider, submit: Submit, write_requests: Write, tmp_path: Path
) -> None:
    shard, twin = write_requests("a", name="one.jsonl"), write_requests("a", name="two.jsonl")
    first = submit(shard, ledger=tmp_path / "one" / "ledger.jsonl")
    second = submit(twin, ledger=tmp_path / "two" / "ledger.jsonl")
    assert (second.batch_id, second.input_file_id) == (first.batch_id, first.input_file_id)
    check_one_of_each(provider, first)
    assert not [call for call in provider.calls if call.path.endswith("/cancel")]


def test_of_several_batches_of_a_key_one_that_was_cancelled_is_taken_last(
    provider: FakeProvider, submit: Submit, write_requests: Write, tmp_path: Path
) -> None:
    shard = write_requests("a")
    body = {**OTHERS, "metadata": {"datagen_key": submission_key(shard)}}
    provider.create_batch(body, status="cancelled")
    whole = provider.create_batch(body, status="completed")
    assert submit(shard).batch_id == whole["id"]


def test_a_list_that_lags_longer_than_our_looks_makes_a_double_that_rebuilding_finds(
    provider: FakeProvider, client: BatchClient, submit: Submit, write_requests: Write, tmp_path: Path
) -> None:
    provider.batch_faults.append("lost")
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown):
        submit(shard)
    provider.n_hidden_lists = 3
    submitted = submit(shard)
    double = provider.batches[-1]
    assert [batch["id"] for batch in provider.batches] == [submitted.batch_id, double["id"]]
    rebuilt = rebuild_ledger(client, tmp_path)
    assert [found.batch_id for found in rebuilt.doubles] == [double["id"]]
    assert (rebuilt.backup, provider.live_batches()) == (None, provider.batches)
    rebuild_ledger(client, tmp_path, cancel_doubles=True)
    assert [batch["id"] for batch in provider.live_batches()] == [submitted.batch_id]


def test_where_no_metadata_is_kept_a_lost_answer_is_found_by_the_file_and_a_lost_ledger_by_its_name(
    provider: FakeProvider, submit: Submit, write_requests: Write, tmp_path: Path
) -> None:
    provider.keeps_metadata = False
    provider.batch_faults.append("lost")
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown):
        submit(shard)
    submitted = submit(shard)
    assert submit(shard, ledger=tmp_path / "new.jsonl").batch_id == submitted.batch_id
    check_one_of_each(provider, submitted)


def test_a_batch_of_an_earlier_file_is_still_known_where_no_metadata_is_kept(
    provider: FakeProvider, submit: Submit, write_requests: Write, clock: FakeTime
) -> None:
    provider.keeps_metadata = False
    provider.batch_faults.extend(["lost", "refuse"])
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown):
        submit(shard)
    provider.n_hidden_lists = 3
    with pytest.raises(RequestRefused):
        submit(shard)
    provider.files.clear()
    assert submit(shard).batch_id == provider.batches[0]["id"]
    assert len(provider.batches) == 1


def test_a_provider_that_cannot_list_takes_shards_and_a_lost_answer_is_recorded_by_hand(
    provider: FakeProvider, client: BatchClient, submit: Submit, write_requests: Write, tmp_path: Path
) -> None:
    provider.can_list = False
    first, second = write_requests("a"), write_requests("b", name="other.jsonl")
    submit(first)
    provider.batch_faults.append("lost")
    with pytest.raises(SubmissionUnknown):
        submit(second)
    with pytest.raises(SubmissionUnknown, match=r"does not list its batches.*--batch-id"):
        submit(second)
    with pytest.raises(LedgerError, match=r"cannot list batches.*--batch-id"):
        rebuild_ledger(client, tmp_path)
    lost = str(provider.batches[0]["id"])
    assert [found.batch_id for found in rebuild_ledger(client, tmp_path, batch_ids=[lost]).matched] == [lost]
    assert submit(second).batch_id == lost
    assert len(provider.batches) == 2


def test_many_shards_look_at_each_page_once(
    provider: FakeProvider, client: BatchClient, write_requests: Write, clock: FakeTime, tmp_path: Path
) -> None:
    for _ in range(30):
        provider.create_batch(OTHERS)
    provider.page_size = 5
    submitter = Submitter(client, tmp_path / "ledger.jsonl", clock=clock, sleep=clock.sleep)
    shards = [write_requests(f"id-{number}", name=f"{number}.jsonl") for number in range(12)]
    submitted = [submitter.submit(shard, endpoint=ENDPOINT) for shard in shards]
    assert len({one.batch_id for one in submitted}) == 12
    n_looks = len([call for call in provider.calls if (call.method, call.path) == ("GET", "/batches")])
    assert n_looks == 6 + 11, "the whole list once, and then one page a shard"
    assert [submitter.submit(shard, endpoint=ENDPOINT) for shard in shards] == submitted


def test_a_look_that_broke_off_leaves_no_gap_behind(
    provider: FakeProvider, client: BatchClient, submit: Submit, write_requests: Write, clock: FakeTime, tmp_path: Path
) -> None:
    shard = write_requests("a")
    first = submit(shard)
    for _ in range(10):
        provider.create_batch(OTHERS)
    provider.page_size = 3
    with BatchClient(provider.base_url, provider.key, client.identity, timeout=5, read_retries=0) as impatient:
        submitter = Submitter(impatient, tmp_path / "new.jsonl", clock=clock, sleep=clock.sleep)
        provider.list_faults.extend(["ok", "500"])
        with pytest.raises(Exception, match="HTTP 500 while listing"):
            submitter.submit(shard, endpoint=ENDPOINT)
        assert submitter.submit(shard, endpoint=ENDPOINT).batch_id == first.batch_id


def test_a_submitter_sees_what_another_process_has_submitted_meanwhile(
    provider: FakeProvider, client: BatchClient, write_requests: Write, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    first, second = write_requests("a", "b"), write_requests("c", "d", name="other.jsonl")
    submitter = Submitter(client, ledger)
    submitter.submit(first, endpoint=ENDPOINT)
    code, batch_id = run_child(provider, ledger, second, "never", 0)
    n_calls = len(provider.calls)
    assert (code, submitter.submit(second, endpoint=ENDPOINT).batch_id) == (0, batch_id)
    assert len(provider.calls) == n_calls


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.lists(st.tuples(st.integers(0, 2_000), st.binary(max_size=12), st.integers(0, 40)), max_size=4))
def test_however_a_ledger_is_damaged_it_is_shown_and_never_forgets_in_silence(
    damage: list[tuple[int, bytes, int]], tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jsonl"
    path.unlink(missing_ok=True)
    keys = [f"{number:040x}.0" for number in range(3)]
    with open_ledger(path, "p") as ledger:
        for number, key in enumerate(keys):
            ledger.append("intent", key, time=1.0, in_flight_until=2.0, file_id=f"f{number}")
            ledger.append("batch", key, time=3.0, batch_id=f"b{number}", file_id=f"f{number}", submitted_at=1.0)
    whole = path.read_bytes()
    for place, inserted, n_removed in damage:
        content = path.read_bytes()
        path.write_bytes(content[:place] + inserted + content[place + n_removed :])
    damaged = path.read_bytes()
    view = read_ledger(path)
    assert path.read_bytes() == damaged
    try:
        with open_ledger(path, "p") as ledger:
            states = [ledger.find_entry(key).state for key in keys]
    except LedgerError:
        return
    if damaged.startswith(whole):
        assert states == ["submitted"] * 3
    assert all(line.line == damaged.count(b"\n") + 1 for line in view.damaged), "only a last line is cut without a word"


def test_a_shard_that_is_gone_is_named_before_anything_is_sent(
    provider: FakeProvider, submit: Submit, write_requests: Write
) -> None:
    shard = write_requests("a")
    Path(shard.path).unlink()
    with pytest.raises(InputFileError, match="is missing or was changed"):
        submit(shard)
    assert not provider.files


def test_a_ledger_that_is_swapped_while_it_is_open_takes_no_more_records(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with open_ledger(path, "p") as ledger:
        path.rename(tmp_path / "old.jsonl")
        with pytest.raises((LedgerError, OutputError), match="replaced or cut"):
            ledger.append("upload", "0" * 40 + ".0", time=1.0)
