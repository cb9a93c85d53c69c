"""Opens the Prefect UI in a headless Chromium, and finds there what a person looks for; used by tests and pictures."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from playwright.sync_api import Locator, Page, Response, expect, sync_playwright

CHROMIUM: Final = Path("/usr/bin/chromium")
"""Debian's; Playwright's own is a download from elsewhere."""

SIZE: Final = (1280, 900)
PATIENCE_MS: Final = 60_000
MOST_PRESSES: Final = 5
_ARGUMENTS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_LABEL: Final = ":scope > .p-label__header .schema-form-property__label"

_COUNT_GREEN: Final = """async (png) => {
    const image = new Image();
    image.src = 'data:image/png;base64,' + png;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) count += data[i + 1] > data[i] + 60 && data[i + 1] > data[i + 2] + 60;
    return count;
}"""

_FIND_CUT: Final = """(root) => [...root.querySelectorAll('*')]
    .filter((e) => e.clientWidth && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible')
    .map((e) => e.innerText.slice(0, 80))"""


class Form:
    """A form that the UI makes of a JSON schema: a deployment's parameters, or what a run that waits is told.

    A field goes by its parameter's name, whether its label is that name or a title made of it.
    """

    def __init__(self, root: Locator) -> None:
        self.root = root

    def field(self, name: str) -> Locator:
        label = re.compile(rf"^{name.replace('_', '[ _]')}( \(|$)", re.IGNORECASE)
        return self.root.locator(".schema-form-property").filter(has=self.root.page.locator(_LABEL, has_text=label))

    def require_description(self, name: str, text: str) -> None:
        """Wait until the field is described so; line breaks count as spaces."""
        told = self.field(name).locator(":scope > .p-label__header .p-label__description")
        expect(told, name).to_have_text(text)

    def read_choices(self, name: str) -> list[str]:
        """Return what the field's dropdown offers."""
        self._open(name)
        listed = unfold(self.field(name))
        choices = listed.locator(".p-select-option").all_inner_texts()
        self.root.page.keyboard.press("Escape")
        expect(listed).to_have_count(0)
        return choices

    def choose(self, name: str, choice: str) -> None:
        self._open(name)
        unfold(self.field(name)).get_by_text(choice, exact=True).click()

    def fill(self, name: str, value: object) -> None:
        self._open(name)
        self.field(name).locator("input, textarea").first.fill(str(value))

    def switch_on(self, name: str) -> None:
        switch = self.field(name).get_by_role("switch")
        switch.check(force=True)
        expect(switch).to_be_checked()

    def add(self, name: str, value: str) -> None:
        """Add a line to a list."""
        field = self.field(name)
        field.get_by_role("button", name="Add item").click()
        field.locator("input, textarea").last.fill(value)

    def press(self, button: str) -> None:
        self.root.get_by_role("button", name=button, exact=True).last.click()

    def send(self, button: str, request: str) -> Response:
        """Press a button, and return what the server said to the request that this makes.

        A server with SQLite may find its database locked, says so as a 500 or 503, and has done nothing: a person
        presses again, and so it is done here, while the form is there.
        """
        presses = 0
        while True:
            presses += 1
            with self.root.page.expect_response(lambda response: request in response.url) as heard:
                self.press(button)
            if heard.value.status < 500 or presses == MOST_PRESSES or not self.root.is_visible():
                return heard.value

    def _open(self, name: str) -> None:
        """Have a field that may be unset take a value."""
        kinds = self.field(name).locator(".p-button-group button")
        if kinds.count():
            kinds.first.click()


class PrefectUi:
    """The UI of a server, in one page of a browser."""

    def __init__(self, page: Page, api_url: str) -> None:
        self.page, self._base = page, api_url.removesuffix("/api")

    def open(self, path: str) -> None:
        self.page.goto(f"{self._base}/{path}")
        self.page.wait_for_load_state("networkidle")

    def open_run(self, run: UUID, tab: str | None = None) -> None:
        """Open a flow run's page, and one of its tabs, such as `task-runs`."""
        self.open(f"runs/flow-run/{run}")
        if tab is not None:
            self.page.locator(f"li#{tab}").click()

    def open_form(self, deployment: UUID) -> Form:
        """Open a deployment's page as a person does, and the form that `Run` leads to."""
        self.open(f"deployments/deployment/{deployment}")
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_text("Custom run", exact=False).click()
        form = Form(self.page.locator("form.p-form").first)
        expect(form.field("count")).to_be_visible()
        return form

    def open_artifact(self, artifact: str) -> Locator:
        """Open an artifact's page, and return what is shown of it."""
        self.open(f"artifacts/artifact/{artifact}")
        shown = self.page.locator(".artifact-data-view, .artifact-data").first
        expect(shown).to_be_visible()
        return shown

    def press(self, name: str) -> Form:
        """Press one of a run's buttons, and return the dialog that asks back."""
        self.page.get_by_role("button", name=name, exact=True).first.click()
        modal = self.page.locator(".p-modal")
        expect(modal).to_be_visible()
        return Form(modal)

    def see(self, text: str | re.Pattern[str]) -> None:
        """Wait until the page shows the text."""
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()

    def read(self) -> str:
        return self.page.locator("body").inner_text()

    def count_green(self, shown: Locator) -> int:
        """Return how many pixels have the green of what is completed, as a drawing has no text to read."""
        return int(self.page.evaluate(_COUNT_GREEN, base64.b64encode(shown.screenshot()).decode()))

    def find_cut(self, shown: Locator) -> list[str]:
        """Return the beginnings of what is wider than its place."""
        return list(shown.evaluate(_FIND_CUT))


def unfold(place: Locator) -> Locator:
    """Open the dropdown that is there, and return its list."""
    place.locator(".p-select-button__control").focus()
    place.page.keyboard.press("ArrowDown")
    listed = place.page.locator(".p-pop-over-content")
    expect(listed.locator(".p-select-option").first).to_be_visible()
    return listed


@contextmanager
def open_browser(api_url: str, folder: Path) -> Generator[PrefectUi]:
    """Start Chromium with a profile in the folder, and end it with the block."""
    width, height = SIZE
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder / "profile",
            executable_path=CHROMIUM,
            args=list(_ARGUMENTS),
            env={**os.environ, "HOME": str(folder)},
            viewport={"width": width, "height": height},
            locale="en-US",
            timezone_id="Asia/Seoul",
        )
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        try:
            yield PrefectUi(context.pages[0], api_url)
        finally:
            context.close()


__all__ = ["Form", "PrefectUi", "open_browser", "unfold"]
