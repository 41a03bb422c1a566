"""A real Chromium before a running server. Without Chromium these tests say so loudly, or fail where they must run."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from crm.embedded.catalogues import compile_catalogues
from staff.models import Person
from tests.browser.stage import Stage, set_stage

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
DESK, FLOOR = {"width": 1440, "height": 900}, {"width": 1280, "height": 800}
MISSING = "There is no Chromium here: no page was opened in a browser (Debian: apt-get install chromium fonts-noto-cjk)."


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db(transaction=True))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if CHROMIUM is None and terminalreporter.stats.get("skipped"):
        terminalreporter.section("BROWSER TESTS SKIPPED", sep="!", red=True, bold=True)
        terminalreporter.write_line(MISSING)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CRM_REQUIRE_BROWSER") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    compile_catalogues(ROOT)
    # Playwright keeps an event loop in this thread; the tests themselves ask the database from it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody before a screen: the page, and everything that the browser complained about."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to an address and wait until its panels are there."""
        self.page.goto(self.base + path)
        self.page.wait_for_load_state("networkidle")
        return self.page


@pytest.fixture
def visit(chromium: Browser, live_server: Any) -> Iterator[Callable[..., Visitor]]:
    """`visit(person)` signs in through the login page; `visit(None)` stands before it."""
    contexts: list[BrowserContext] = []

    def begin(
        person: Person | None, *, screen: dict[str, int] = DESK, script: bool = True, locale: str = "zh-CN"
    ) -> Visitor:
        context = chromium.new_context(viewport=screen, java_script_enabled=script, locale=locale)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        visitor = Visitor(page, live_server.url)
        page.on(
            "console",
            lambda m: (
                visitor.complaints.append(f"{page.url} {m.text}") if m.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: visitor.complaints.append(f"{page.url} {error}"))
        if person is not None:
            page.goto(f"{live_server.url}/login/")
            page.fill("#id_username", person.username)
            page.fill("#id_password", person.username)
            page.click("main button")
            page.wait_for_load_state("networkidle")
        return visitor

    yield begin
    for context in contexts:
        context.close()


@pytest.fixture
def stage(transactional_db: None) -> Stage:
    return set_stage()
