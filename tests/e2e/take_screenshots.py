"""Takes the pictures in `docs/images` anew, of a real server and runs on the simulator: a few minutes.

Run `.venv/bin/python tests/e2e/take_screenshots.py`, look at each, and commit those that changed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final
from uuid import UUID

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from browser import PrefectUi, open_browser, unfold  # noqa: E402  - the path is set above
from playwright.sync_api import FloatRect, Locator, expect  # noqa: E402
from prefect_server import PrefectServer, make_template, wait_for  # noqa: E402

IMAGES: Final = TESTS.parent / "docs" / "images"
MOST_BYTES: Final = 250_000
WIDTH: Final = 1280
SIDE_BAR: Final = 256


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="datagen-"))
    try:
        with PrefectServer(folder / "prefect", template=make_template(folder)) as server:
            server.deploy()
            with server.worker("pictures"), open_browser(server.url, folder) as ui:
                take_pictures(server, ui, folder)
    finally:
        shutil.rmtree(folder)


def take_pictures(server: PrefectServer, ui: PrefectUi, folder: Path) -> None:
    """Make one run after the other, so that each is as fast as can be, and take the pictures of it."""
    small = make_run(server, folder, 8, queue={"shard_size": 4}, requests={"mistakes": 0})
    large = make_run(server, folder, 40, queue={"shard_size": 10}, requests={"mistakes": 0.3})
    take_graph(ui, small)
    take_cards(ui, small)
    take_artifact(server, ui, large, "training-funnel", "funnel")
    take_artifact(server, ui, large, "training-samples", "dialogues")
    take_form(server, ui)
    reviewed = {**place(folder, "gold", 1), "approval": {"require_approval": True}}
    gold = server.create("gold/manual", reviewed)
    server.wait(gold, "Suspended")
    take_approval(ui, gold)


def make_run(server: PrefectServer, folder: Path, count: int, **parameters: object) -> UUID:
    run = server.create("training/manual", {**place(folder, "training", count), **parameters})
    server.wait(run, "Completed")
    return run


def place(folder: Path, flow: str, count: int) -> dict[str, object]:
    return {"output_dir": str(folder / f"{flow}-{count}-seed-42"), "count": count, "provider": "simulator"}


def take_graph(ui: PrefectUi, run: UUID) -> None:
    ui.page.set_viewport_size({"width": WIDTH, "height": 900})
    ui.open_run(run)
    graph = ui.page.locator("canvas").first
    wait_for(lambda: ui.count_green(graph) > 1000, 30)
    keep(ui, "run-graph", FloatRect(x=SIDE_BAR, y=0, width=WIDTH - SIDE_BAR, height=570))


def take_cards(ui: PrefectUi, run: UUID) -> None:
    ui.page.set_viewport_size({"width": WIDTH, "height": 1600})
    ui.open_run(run, "artifacts")
    ui.see("training-funnel-table")
    top = 500.0
    bottom = find_bottom(ui.page.locator(".artifact-card").last)
    keep(ui, "artifacts", FloatRect(x=SIDE_BAR, y=top, width=WIDTH - SIDE_BAR, height=bottom - top))


def take_artifact(server: PrefectServer, ui: PrefectUi, run: UUID, key: str, name: str) -> None:
    with server.client() as client:
        found = client.request("POST", "/artifacts/filter", json={"artifacts": {"key": {"any_": [key]}}}).json()
    ui.page.set_viewport_size({"width": WIDTH, "height": 1100})
    shown = ui.open_artifact(next(str(one["id"]) for one in found if one["flow_run_id"] == str(run)))
    for plot in shown.locator("img").all():
        wait_for(lambda plot=plot: bool(plot.evaluate("(image) => image.complete")), 30)
    keep(ui, name, FloatRect(x=SIDE_BAR, y=0, width=WIDTH - SIDE_BAR, height=1100))


def take_form(server: PrefectServer, ui: PrefectUi) -> None:
    ui.page.set_viewport_size({"width": WIDTH, "height": 2000})
    with server.client() as client:
        form = ui.open_form(client.read_deployment_by_name("training/manual").id)
    expect(form.field("parallel_calls")).to_be_visible()
    field = form.field("provider")
    if field.locator(".p-button-group").count():
        field.locator(".p-button-group button").first.click()
    unfold(field)
    bottom = find_bottom(form.field("dialogues"))
    keep(ui, "run-form", FloatRect(x=SIDE_BAR, y=0, width=WIDTH - SIDE_BAR, height=bottom))


def take_approval(ui: PrefectUi, run: UUID) -> None:
    ui.page.set_viewport_size({"width": WIDTH, "height": 900})
    ui.open_run(run)
    modal = ui.press("Resume")
    modal.switch_on("approve")
    modal.fill("note", "Read all eight; prices and sums are right.")
    modal.fill("reviewer", "Kim Minji")
    keep(ui, "approval", FloatRect(x=SIDE_BAR, y=0, width=WIDTH - SIDE_BAR, height=900))


def find_bottom(shown: Locator) -> float:
    box = shown.bounding_box()
    assert box is not None
    return box["y"] + box["height"] + 16


def keep(ui: PrefectUi, name: str, part: FloatRect) -> None:
    """Write a picture of a part of the page once it stands still.

    Raises:
        ValueError: it is too large for a repository.
    """
    ui.page.wait_for_load_state("networkidle")
    taken = ui.page.screenshot(clip=part)
    for _ in range(20):
        ui.page.wait_for_timeout(500)
        before, taken = taken, ui.page.screenshot(clip=part)
        if taken == before:
            break
    if len(taken) > MOST_BYTES:
        raise ValueError(f"{name}.png has {len(taken):,} bytes, more than {MOST_BYTES:,}. Show less of the page.")
    (IMAGES / f"{name}.png").write_bytes(taken)


if __name__ == "__main__":
    main()
