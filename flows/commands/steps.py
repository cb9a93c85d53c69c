"""Decides the six steps as commands; each reads and writes the files of the run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from datagen_core.batch.dripping import QueueLimits
from datagen_core.batch.profiles import find_profile
from datagen_core.batch.purse import Purse
from datagen_core.batch.requests import MAX_OUTPUT_TOKENS, Endpoint, RequestOptions
from datagen_core.batch.retrieve import retrieve_by_id
from datagen_core.batch.status import read_status
from datagen_core.batch.stepwise import Waiting, read_model, retrieve_file, shard_file, submit_shards
from datagen_core.config import GOLD_CATEGORIES
from datagen_core.dataset.facts import gather_card_facts
from datagen_core.dataset.funnel import read_funnel
from datagen_core.dataset.generating import REQUESTS_NAME, STATUS_NAME, find_scenarios, generate_files
from datagen_core.dataset.hub import push_dataset
from datagen_core.dataset.judging import judge_file, name_siblings
from datagen_core.dataset.reviewing import REVIEWS_NAME, require_unreviewed
from datagen_core.dataset.samples import render_samples
from datagen_core.errors import ConfigError
from datagen_core.files import fingerprint
from datagen_core.locking import lock_folder
from datagen_core.mixing import Sampling
from datagen_core.providers import POLL_SECONDS, STATE_NAMES, ProviderChoice, embedded_providers, open_client
from datagen_core.scenarios import GOLD_PER_CATEGORY, Profile
from datagen_core.settings import Provider, Settings, load_settings
from flows.commands.batches import cancel
from flows.commands.options import (
    Against,
    EndpointOption,
    GoldDataset,
    MaxCost,
    MaxEnqueuedTokens,
    MaxInFlight,
    MaxOutputTokens,
    Mix,
    Model,
    ParallelCalls,
    PollInterval,
    ProviderOption,
    Seed,
    Template,
    WriterOption,
    choose_sampling,
)
from flows.commands.places import advance_first, console, display, find_input, find_output, progress_bar, set_first
from flows.commands.secrets import read_settings
from flows.commands.stopping import INTERRUPTED, ask_to_cancel
from flows.commands.tables import show_funnel
from flows.prices import choose_shard_limits, settle_prices


def generate_batch(
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many dialogues to ask for.")] = 400,
    seed: Seed = 42,
    mix: Mix = None,
    parallel_calls: ParallelCalls = False,
    output: Annotated[Path, typer.Option(help="File or folder.")] = Path("output/batch_input.jsonl"),
    model: Model = None,
    endpoint: EndpointOption = "/v1/chat/completions",
    max_output_tokens: MaxOutputTokens = MAX_OUTPUT_TOKENS,
    writer: WriterOption = "script",
) -> None:
    """Step 1: write the requests for training dialogues. No network, no key, same bytes each time.

    Example: `datagen generate-batch --count 400 --seed 42`
    """
    sampling = choose_sampling(mix, parallel_calls=parallel_calls, writer=writer)
    _generate("training", count, count, seed, output, _choose_options(model, endpoint, max_output_tokens), sampling)


def generate_gold_batch(
    count: Annotated[int, typer.Option(min=1, max=100_000, help="Dialogues of each category.")] = GOLD_PER_CATEGORY,
    seed: Seed = 42,
    output: Annotated[Path, typer.Option(help="File or folder.")] = Path("output/gold_batch_input.jsonl"),
    model: Model = None,
    endpoint: EndpointOption = "/v1/chat/completions",
    max_output_tokens: MaxOutputTokens = MAX_OUTPUT_TOKENS,
    writer: WriterOption = "script",
) -> None:
    """Step 1 for the benchmark: write the requests for gold dialogues, 8 categories of ten.

    Example: `datagen generate-gold-batch --count 10`
    """
    options = _choose_options(model, endpoint, max_output_tokens)
    _generate("gold", count, count * len(GOLD_CATEGORIES), seed, output, options, Sampling(writer=writer))


def _choose_options(model: str | None, endpoint: Endpoint, max_output_tokens: int) -> RequestOptions:
    settings = load_settings()
    prefix = find_profile(settings).find_prefix(endpoint)
    return RequestOptions(model or settings.model, endpoint, max_output_tokens, prefix)


def _generate(
    profile: Profile,
    count: int,
    total: int,
    seed: int,
    output: Path,
    options: RequestOptions,
    sampling: Sampling,
) -> None:
    path = find_output(output, REQUESTS_NAME[profile], beside=output)
    with progress_bar("Writing requests", total) as progress:
        files = generate_files(
            profile, count, path, options, seed=seed, sampling=sampling, advance=lambda n: advance_first(progress)
        )
    console.print(f"{files.requests.rows} requests in {display(path)}, {files.requests.bytes:,} bytes")


def submit_batch(
    input: Annotated[Path, typer.Option("--input", help="Requests: file or folder.")] = Path(
        "output/batch_input.jsonl"
    ),
    output: Annotated[Path | None, typer.Option(help="Status file. Unset: beside the input, as F_status.json.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Poll until the batches have ended.")] = False,
    poll_interval: PollInterval = None,
    max_cost: MaxCost = None,
    max_enqueued_tokens: MaxEnqueuedTokens = None,
    max_in_flight: MaxInFlight = None,
    provider: ProviderOption = None,
    mistakes: Annotated[float | None, typer.Option(min=0, max=1, help="Share the simulator plants.")] = None,
) -> None:
    """Step 2: submit the requests as batches. Submitting the same file again finds its batches and pays for nothing.

    Example: `datagen submit-batch --wait --poll-interval 60`
    """
    requests = find_input(input, *REQUESTS_NAME.values(), advice="Write it with 'datagen generate-batch'.")
    status_path = find_output(output, f"{requests.stem}_status.json", beside=requests)
    settings = read_settings(provider)
    name = provider or settings.resolved_provider
    if name == "local" and not wait:
        raise ConfigError("Provider 'local' works only while a command runs. Add --wait.")
    choice = _choose(name, requests.parent, settings, mistakes)
    limits = QueueLimits(
        max_enqueued_tokens=max_enqueued_tokens or settings.max_enqueued_tokens,
        max_in_flight=max_in_flight or settings.max_in_flight,
    )
    shards = shard_file(requests, choose_shard_limits(settings, name, limits))
    purse = Purse(
        prices=settle_prices(settings, name),
        model=read_model(requests),
        is_billed=name == "openai",
        max_cost=max_cost,
    )
    purse.require_price()
    interval = poll_interval or POLL_SECONDS[name]
    with (
        lock_folder(requests.parent, holder="datagen submit-batch"),
        embedded_providers(),
        open_client(choice, settings) as client,
        progress_bar("Waiting for batches", sum(shard.rows for shard in shards), visible=wait) as progress,
    ):
        waiting = Waiting(interval, lambda n: set_first(progress, n), window_seconds=client.window_seconds)
        try:
            status = submit_shards(
                client,
                requests,
                shards,
                status_path,
                provider=name,
                limits=limits,
                announce=lambda shard, flying: progress.console.print(
                    purse.reserve(flying).announce(shard), soft_wrap=True
                ),
                waiting=waiting if wait else None,
            )
        except KeyboardInterrupt:
            progress.stop()
            ask_to_cancel(lambda: cancel(requests.parent, provider=name, yes=True), name)
            raise typer.Exit(INTERRUPTED) from None
    for shard in status.shards:
        console.print(f"Batch {shard.submitted.batch_id} holds {shard.submitted.shard.rows} requests")
    if status.waiting:
        console.print(
            f"{len(status.waiting)} more shards wait for room in the queue: run the same command again, or with --wait."
        )
    console.print(f"Status in {display(status_path)}")


def _choose(provider: Provider, folder: Path, settings: Settings, mistakes: float | None = None) -> ProviderChoice:
    return ProviderChoice(
        provider=provider,
        state_dir=str(folder.absolute() / STATE_NAMES[provider]),
        mistakes=mistakes,
        pace_seconds=settings.simulator_pace,
    )


def retrieve_batch(
    status_file: Annotated[Path, typer.Option(help="Status file, or the folder it lies in.")] = Path(
        "output/batch_input_status.json"
    ),
    batch_id: Annotated[str | None, typer.Option(help="A batch's id, where there is no status file.")] = None,
    output: Annotated[Path | None, typer.Option(help="Unset: result_lst.json beside the status file.")] = None,
    provider: ProviderOption = None,
) -> None:
    """Step 3: download the answers, one element for every request. Reading again costs nothing.

    Example: `datagen retrieve-batch --status-file output/gold_batch_input_status.json`
    """
    settings = read_settings(provider)
    folder = status_file if status_file.is_dir() else status_file.parent
    path = find_output(output, "result_lst.json", beside=folder / "any")
    if batch_id is not None:
        choice = _choose(provider or settings.resolved_provider, folder, settings)
        with embedded_providers(), open_client(choice, settings) as client:
            results = retrieve_by_id(client, batch_id, path)
    else:
        found = find_input(status_file, *STATUS_NAME.values(), advice="Submit first: 'datagen submit-batch'.")
        name = provider or cast("Provider", read_status(found).provider)
        with embedded_providers(), open_client(_choose(name, folder, settings), settings) as client:
            results = retrieve_file(client, found, path)
    console.print(f"{results.rows} answers in {display(path)}")


def preprocess(
    input: Annotated[Path, typer.Option("--input", help="Answers: file or folder.")] = Path("output/result_lst.json"),
    output: Annotated[Path | None, typer.Option(help="Unset: dataset.jsonl beside the input.")] = None,
    seed: Annotated[int | None, typer.Option(help="The requests' seed; answers of another are an error.")] = None,
    against: Against = None,
    gold: GoldDataset = None,
) -> None:
    """Step 4: perform the scripts, check the dialogues, write dataset.jsonl, rejected.jsonl and funnel.json.

    A dataset named gold_dataset.jsonl gets gold_rejected.jsonl and gold_funnel.json.

    Example: `datagen preprocess --input output/result_lst.json`
    """
    results = find_input(input, "result_lst.json", advice="Download it with 'datagen retrieve-batch'.")
    require_unreviewed(results)
    path = find_output(output, "dataset.jsonl", beside=results)
    with progress_bar("Performing and checking", None) as progress:
        judged = judge_file(
            find_scenarios(results),
            results,
            path.parent,
            dataset_name=path.name,
            seed=seed,
            published=against or (),
            gold=gold,
            prices=settle_prices(load_settings(), "openai"),
            advance=lambda n: advance_first(progress),
        )
    show_funnel(read_funnel(Path(judged.funnel.path)))
    console.print(f"{judged.dataset.rows} dialogues in {display(path)}")


def render_txt(
    input: Annotated[Path, typer.Option("--input", help="Dataset: file or folder.")] = Path("output/dataset.jsonl"),
    output: Annotated[Path | None, typer.Option(help="Folder. Unset: samples beside the input.")] = None,
    template: Template = "qwen2.5",
) -> None:
    """Step 5: write each dialogue as the text a Qwen model is trained on.

    Example: `datagen render-txt --template qwen3`
    """
    dataset = find_input(input, "dataset.jsonl", advice="Write it with 'datagen preprocess'.")
    folder = output or dataset.parent / "samples"
    samples = render_samples(dataset, folder, template)
    console.print(f"{samples.rows} files in {display(folder)}")


def push_to_hub(
    repo_id: Annotated[str, typer.Option(help="OWNER/NAME on the Hub.")],
    input: Annotated[Path, typer.Option("--input", help="Dataset: file or folder.")] = Path("output/dataset.jsonl"),
    public: Annotated[bool, typer.Option("--public", help="Make the repository public; private otherwise.")] = False,
) -> None:
    """Step 6: add the dialogues to a dataset on the Hub, in one commit; private unless told otherwise. Needs HF_TOKEN.

    Example: `datagen push-to-hub --repo-id your-account/delivery-dataset`
    """
    dataset = find_input(input, "dataset.jsonl", advice="Write it with 'datagen preprocess'.")
    settings = read_settings(hub=True)
    token = settings.require_hf_token()
    facts = gather_card_facts(
        dataset,
        dataset.parent / name_siblings(dataset.name)[1],
        title=repo_id.rpartition("/")[2],
        reviews=dataset.parent / REVIEWS_NAME,
    )
    report = push_dataset(
        dataset,
        repo_id,
        private=not public,
        token=token,
        endpoint=settings.hf_endpoint,
        card=facts,
        run_id=fingerprint(dataset)[:12],
    )
    console.print(f"{report.added} dialogues added, {report.rows} in all: {report.url}")
