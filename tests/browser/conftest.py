"""A browser, a server with the sample loaded through its start page, and visitors who report what went wrong."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from analysis.store.sample import recipes
from tests.browser import browser as chromium
from tests.browser.server import Server
from tests.browser.visitor import LATER, WORK, Visitor

FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder needs the browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.found()
    if path is None:
        pytest.fail(chromium.NONE)
    expect.set_options(timeout=LATER)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def context(browser: Browser) -> BrowserContext:
    """The one all tabs share, so that the app's own scripts are fetched and compiled once."""
    return browser.new_context()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server most tests share; a test that needs it fresh restarts it, on the same workspace."""
    started = Server(tmp_path_factory.mktemp("browser")).start()
    yield started
    started.stop()


Visit = Callable[..., Visitor]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember a test's failure, for a picture of what it saw."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
def visit(context: BrowserContext, server: Server, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Opens tabs; afterwards none may have seen anything wrong, and nothing is left of them.

    What the tabs of a failed test showed is kept in shots/, beside the server's log in the report.
    """
    visitors: list[Visitor] = []

    def opened(*, width: int = 1440, theme: str = "light", url: str = server.url) -> Visitor:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        visitors.append(Visitor(page, url))
        return visitors[-1]

    yield opened
    try:
        if request.node.stash.get(FAILED, False):
            for place, visitor in enumerate(visitors):
                visitor.shot(f"failed-{request.node.name}-{place}")
            sys.stdout.write(server.log.read_text()[-4000:])
        for visitor in visitors:
            visitor.is_well()
    finally:
        for visitor in visitors:
            if not visitor.page.is_closed():
                visitor.page.evaluate("() => localStorage.clear()")
            visitor.page.close()
        context.clear_cookies()


@pytest.fixture(scope="session")
def sample(context: BrowserContext, server: Server) -> list[str]:
    """Loads the sample the way a newcomer does, by one click on the start page; the names of its evaluations."""
    page = context.new_page()
    visitor = Visitor(page, server.url)
    visitor.open(view="datasets")
    visitor.button("Load the sample").click()
    visitor.arrived("overview", within=WORK)
    visitor.chosen("Evaluation", "loans")
    visitor.is_well()
    page.close()
    names = [each["name"] for made in recipes().values() for each in made]
    ends = time.monotonic() + WORK / 1000
    while len(server.files("evaluations")) < len(names):
        assert time.monotonic() < ends, server.log.read_text()
        time.sleep(0.1)
    return names
