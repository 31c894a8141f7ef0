"""Pages in a real browser, which is watched: what they ask for, and what they complain about."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conftest import require_program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def chromium() -> "Iterator[Browser]":
    """Debian's Chromium, or another of this name."""
    from playwright.sync_api import sync_playwright

    path = require_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def visit(browser: "Browser", file: Path, fragment: str = "", **settings: Any) -> "Iterator[Page]":
    """The page in a window of its own, with `settings` of Playwright's context.

    Fails at the end if it has written to the console, raised an error, or asked for anything but
    itself.
    """
    context = browser.new_context(**settings)
    context.set_default_timeout(10_000)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto(file.as_uri() + fragment)
    try:
        yield page
        assert not complaints, complaints
        assert {url.partition("#")[0] for url in asked} == {file.as_uri()}, asked
    finally:
        context.close()
