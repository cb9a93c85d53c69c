"""Decides the commands about what is at the provider: show a run's ledger, write it anew, cancel its batches."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from rich.markup import escape

from datagen_core.batch.api import BatchApi
from datagen_core.batch.cancelling import CancelledBatch, cancel_batches, find_run_batches, require_identity
from datagen_core.batch.ledger_view import LedgerView, find_ledger, read_ledger
from datagen_core.batch.rebuilding import FoundBatch, Rebuilt, rebuild_ledger
from datagen_core.errors import InputFileError
from datagen_core.locking import lock_folder
from datagen_core.providers import STATE_NAMES, ProviderChoice, embedded_providers, open_client
from datagen_core.settings import Provider
from flows.commands.options import ProviderOption
from flows.commands.places import console, display
from flows.commands.secrets import read_settings
from flows.commands.tables import show_table

ledger_app = typer.Typer(help="Look at what a run has submitted, and write a lost or damaged ledger anew.")

Folder = Annotated[Path, typer.Argument(help="The run's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
_SHOWN_DIGITS = 12


@ledger_app.command()
def show(
    path: Annotated[Path, typer.Argument(help="A run's folder, or its ledger.")] = Path("output"),
    as_json: AsJson = False,
) -> None:
    """Show every shard that was submitted: its state, file, batch, and when. Reads only, also while a run goes on.

    States: uploading and uploaded (the file), intent (a creation whose outcome is not recorded: the next run looks it
    up), submitted, refused. Exit 1 where a line is damaged.

    Example: `datagen ledger show output/training`
    """
    view = read_ledger(path)
    if as_json:
        sys.stdout.write(view.model_dump_json(indent=2) + "\n")
    else:
        _show_view(view)
    if view.damaged:
        raise typer.Exit(1)


@ledger_app.command()
def rebuild(
    folder: Folder,
    provider: ProviderOption = None,
    batch_id: Annotated[
        list[str] | None, typer.Option(help="A batch that the provider does not list, or keeps no metadata of.")
    ] = None,
    cancel_doubles: Annotated[
        bool, typer.Option("--cancel-doubles", help="Cancel further batches of the same shard.")
    ] = False,
) -> None:
    """Write a lost or damaged ledger anew from its sound lines and the provider's batches of this folder's shards.

    Not while a run works on the folder. The old ledger stays beside it as ledger.jsonl.bak-TIME.

    Example: `datagen ledger rebuild output/training`
    """
    if not folder.is_dir():
        raise InputFileError(folder, "is no folder.", advice="Name the folder of a run.")
    with lock_folder(folder, holder="datagen ledger rebuild"), _connect(folder, provider) as client:
        rebuilt = rebuild_ledger(client, folder, batch_ids=batch_id or (), cancel_doubles=cancel_doubles)
    _show_rebuilt(rebuilt, are_doubles_cancelled=cancel_doubles)


def cancel(
    folder: Folder = Path("output"),
    batch_id: Annotated[list[str] | None, typer.Option(help="Only this batch; repeatable.")] = None,
    provider: ProviderOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Cancel a run's batches that have not ended. What they have answered by then is paid for and can be retrieved.

    Exit 1 where a batch could not be cancelled.

    Example: `datagen cancel output/training`
    """
    known = None if batch_id else find_run_batches(folder)
    with _connect(folder, provider) as client:
        if known is not None:
            require_identity(client, folder, known.identities)
        wanted = batch_id or (known.unended if known is not None else [])
        if known is not None and known.n_unrecorded:
            console.print(
                f"{known.n_unrecorded} more may have been created without an answer. 'datagen ledger rebuild "
                f"{escape(display(folder))}' looks for them.",
                soft_wrap=True,
            )
        if not wanted:
            console.print("Every batch that was submitted has ended: nothing to cancel.")
            return
        if not yes:
            typer.confirm(f"Cancel {len(wanted)} batches at the provider?", abort=True)
        outcomes = cancel_batches(client, wanted)
    _show_cancelled(outcomes, folder, is_by_id=bool(batch_id))
    if any(outcome.problem is not None for outcome in outcomes):
        raise typer.Exit(1)


@contextmanager
def _connect(folder: Path, provider: Provider | None) -> Generator[BatchApi]:
    name = provider or _find_provider(folder)
    settings = read_settings(name)
    resolved = name or settings.resolved_provider
    choice = ProviderChoice(
        provider=resolved,
        state_dir=str(folder.absolute() / STATE_NAMES[resolved]),
        pace_seconds=settings.simulator_pace,
    )
    with embedded_providers(), open_client(choice, settings) as client:
        yield client


def _find_provider(folder: Path) -> Provider | None:
    """Return the provider that a ledger's or a status file's identity begins with."""
    identities: set[str] = set()
    if find_ledger(folder).is_file():
        identities.add(read_ledger(folder).identity or "")
    else:
        try:
            identities |= find_run_batches(folder).identities
        except InputFileError:
            return None
    names = {identity.partition(":")[0] for identity in identities} & set(get_args(Provider))
    return cast("Provider", names.pop()) if len(names) == 1 else None


def _show_view(view: LedgerView) -> None:
    console.print(f"{escape(display(Path(view.path)))}: {escape(view.identity or 'no header')}", soft_wrap=True)
    if view.is_of_other_version:
        console.print(f"[yellow]Version {view.version}[/yellow] of the ledger: what is new in it is not shown.")
    if view.rows:
        show_table(
            "Shards",
            ["shard", "state", "since", "batch", "file", "run", "round"],
            [
                [
                    _shorten(row.key),
                    row.state,
                    _show_time(row.changed_at),
                    *(escape(text or "-") for text in (row.batch_id, row.file_id, row.run, row.round)),
                ]
                for row in view.rows
            ],
        )
        console.print("A shard is named by its bytes and, after the dot, by how often they were refused before.")
    else:
        console.print("Nothing was submitted.")
    for damage in view.damaged:
        console.print(f"[red]Line {damage.line}[/red] {escape(damage.problem)}", soft_wrap=True)
    if view.damaged:
        console.print(f"To mend it: datagen ledger rebuild {escape(display(Path(view.path).parent))}", soft_wrap=True)


def _show_rebuilt(rebuilt: Rebuilt, *, are_doubles_cancelled: bool) -> None:
    console.print(
        f"{rebuilt.n_looked_at} batches looked at; {len(rebuilt.known)} stood in the ledger, "
        f"{len(rebuilt.matched)} were found for shards of this folder, {len(rebuilt.foreign)} are of other folders."
    )
    for damage in rebuilt.damaged:
        console.print(f"Left out: line {damage.line} {escape(damage.problem)}", soft_wrap=True)
    for batch_id in rebuilt.unverified:
        console.print(f"Left out: batch {escape(batch_id)}, which the provider does not know.", soft_wrap=True)
    _list_found("Found", rebuilt.matched)
    _list_found("Double, cancelled now" if are_doubles_cancelled else "Double, paid for as well", rebuilt.doubles)
    _list_found("Refused by the provider, passed over", rebuilt.refused)
    _list_found("Older than 29 days, results gone", rebuilt.expired)
    if rebuilt.doubles and not are_doubles_cancelled:
        console.print("--cancel-doubles cancels those that have not ended.")
    if rebuilt.backup is not None:
        console.print(f"The old ledger stays as {escape(display(Path(rebuilt.backup)))}", soft_wrap=True)
    console.print(f"Ledger in {escape(display(Path(rebuilt.ledger)))}", soft_wrap=True)


def _list_found(title: str, batches: Sequence[FoundBatch]) -> None:
    for batch in batches:
        shard = "a shard whose file is gone" if batch.shard is None else display(Path(batch.shard))
        line = f"{title}: batch {batch.batch_id} ({batch.status}, {_show_time(batch.created_at)}) for {shard}"
        console.print(escape(line), soft_wrap=True)


def _show_cancelled(outcomes: Sequence[CancelledBatch], folder: Path, *, is_by_id: bool) -> None:
    for outcome in outcomes:
        console.print(escape(str(outcome)), soft_wrap=True)
    told = "--batch-id ID" if is_by_id else f"--status-file {display(folder)}"
    console.print(
        f"Answers that were finished are paid for: once a batch is cancelled, 'datagen retrieve-batch {escape(told)}' "
        "fetches them. The run's own command would fetch them too, and then ask again for what is missing.",
        soft_wrap=True,
    )


def _shorten(key: str) -> str:
    digits, _, generation = key.partition(".")
    return f"{digits[:_SHOWN_DIGITS]}.{generation}"


def _show_time(seconds: float | None) -> str:
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
