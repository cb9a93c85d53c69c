"""Decides the commands that look: validate a dataset, serve the simulator, and say whether everything is in place."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from datagen_core.batch.api import BatchApi
from datagen_core.dataset.validating import render_report, validate_file
from datagen_core.errors import DatagenError, InputFileError
from datagen_core.providers import DEFAULT_MISTAKES, ProviderChoice, embedded_providers, open_client, reach_local
from datagen_core.settings import Settings, load_settings
from datagen_core.simulator import FAULTS, SimulatorServer, SimulatorSettings, parse_fault
from datagen_core.simulator.writer import ScriptWriter
from flows.commands.options import Against, GoldDataset
from flows.commands.places import advance_first, console, progress_bar
from flows.commands.reports import show_report
from flows.commands.tables import show_table

MIN_FREE_BYTES = 1_000_000_000


def validate(
    file: Annotated[Path, typer.Argument(help="A dataset in JSON Lines or Parquet, or a run's folder.")],
    against: Against = None,
    gold: GoldDataset = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
) -> None:
    """Check every dialogue of a dataset, ours or any other's; exit 1 and a table of violations if one breaks a rule.

    Rows may be of this form or of OpenAI's (`tool_calls`), with any tools. Says which rules were applied to how many.

    Example: `datagen validate output/dataset.jsonl`
    """
    with progress_bar("Checking", None, visible=not as_json) as progress:
        report = validate_file(file, published=against or (), gold=gold, advance=lambda n: advance_first(progress))
    if as_json:
        sys.stdout.write(render_report(report).decode())
    else:
        show_report(report, file)
    if report.n_rows == 0:
        raise InputFileError(file, "holds no dialogue.", advice="Name a dataset.jsonl with at least one row.")
    if report.n_sound < report.n_rows:
        raise typer.Exit(1)


def simulate(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 8321,
    state_dir: Annotated[Path, typer.Option(help="Where files and batches are kept.")] = Path("output/.simulator"),
    mistakes: Annotated[float, typer.Option(min=0, max=1, help="Share of mistakes planted.")] = DEFAULT_MISTAKES,
    pace: Annotated[float, typer.Option(min=0, help="Seconds that each phase of a batch lasts.")] = 0.3,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:KEY=VALUE,…]", help="What goes wrong, as rate_limit:times=3,seconds=2; repeatable."
        ),
    ] = None,
    list_faults: Annotated[bool, typer.Option("--list-faults", help="Show the names of the faults, and end.")] = False,
    max_enqueued_tokens: Annotated[
        int | None, typer.Option(min=1, help="A batch that would enqueue more prompt tokens of its model fails.")
    ] = None,
) -> None:
    """Serve the Batch API on 127.0.0.1 until Ctrl-C, for any client; with --fault, as badly as a real one can.

    Example: `datagen simulate --port 8321`, then `OPENAI_BASE_URL=http://127.0.0.1:8321/v1 OPENAI_API_KEY=any`
    """
    if list_faults:
        show_table("faults", ["name", "of a", "what it does"], [[n, k.scope, k.description] for n, k in FAULTS.items()])
        return
    settings = SimulatorSettings(
        pace_seconds=pace,
        faults=tuple(parse_fault(text) for text in fault or ()),
        max_enqueued_tokens=max_enqueued_tokens,
    )
    server = SimulatorServer(state_dir, ScriptWriter(mistakes=mistakes), settings, port=port)
    server.start()
    console.print(f"OPENAI_BASE_URL={server.base_url} (any key). Ctrl-C stops it.", soft_wrap=True)
    server.serve_forever()


def doctor() -> None:
    """Show versions, and whether key, provider, Prefect and disk are there. Exit 1 if something needed is missing.

    Example: `datagen doctor`
    """
    settings = load_settings()
    rows = [
        *_describe_versions(),
        ["OPENAI_API_KEY", "set" if settings.openai_api_key else "not set", ""],
        ["HF_TOKEN", "set" if settings.hf_token else "not set", ""],
        _try_provider(settings),
        _try_prefect(),
        _measure_disk(settings.output_dir),
    ]
    show_table("datagen doctor", ["what", "found", "do next"], rows)
    if any(row[1].startswith("FAILED") for row in rows):
        raise typer.Exit(1)


def _describe_versions() -> list[list[str]]:
    names = ("datagen", "prefect", "openai", "datasets", "huggingface_hub")
    return [[name, importlib.metadata.version(name), ""] for name in names]


def _try_provider(settings: Settings) -> list[str]:
    name = settings.resolved_provider
    what = f"provider {name}"
    try:
        if name == "openai":
            with open_client(ProviderChoice(provider=name, state_dir=""), settings) as client:
                return [what, _reach(client), ""]
        if name == "local":
            reach_local(settings)
            return [what, f"reachable at {settings.local_base_url}", ""]
        return _try_simulator(what, settings)
    except DatagenError as error:
        return [what, "FAILED", str(error)]


def _try_simulator(what: str, settings: Settings) -> list[str]:
    import tempfile

    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_providers(),
        open_client(ProviderChoice(provider="simulator", state_dir=folder), settings) as client,
    ):
        return [what, _reach(client), ""]


def _reach(client: BatchApi) -> str:
    next(iter(client.iter_batch_pages(max_pages=1)), None)
    return "reachable"


def _try_prefect() -> list[str]:
    import asyncio
    import os

    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if url is None:
        return ["Prefect", "no server set; a run starts its own", "For the UI: prefect server start"]

    async def ask() -> Exception | None:
        async with get_client() as client:
            return await client.api_healthcheck()

    error = asyncio.run(ask())
    if error is None:
        return ["Prefect", f"reachable at {url}", ""]
    return ["Prefect", f"FAILED at {url}", "Start it with 'prefect server start', or correct PREFECT_API_URL."]


def _measure_disk(folder: Path) -> list[str]:
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / 1e9:.1f} GB free"
    if free < MIN_FREE_BYTES:
        return ["disk", f"FAILED, {found}", f"Free at least {MIN_FREE_BYTES / 1e9:.0f} GB, or set DATAGEN_OUTPUT_DIR."]
    return ["disk", found, ""]
