"""A visitor: one browser tab at the app, with words for what a person does there and an eye on what they may miss.

Waiting follows one rule: act, expect the new state, then `settled`. Being settled alone proves nothing, as it is also
true before the click's run has begun.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect

JOINER = "\u2060"  # keeps the browser from making links of words; nobody sees it
SETTLED = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  return app && app.getAttribute('data-test-script-state') === 'notRunning'
    && app.getAttribute('data-test-connection-state') === 'CONNECTED'
    && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]') }"""
RAN = """before => Number(document.querySelector('[data-testid=assay-ready]')?.dataset.run) > before"""
KNOWN = re.compile(r"Dropping \"fit-|_stcore/(health|host-config)|favicon")
OWN = re.compile(r"(https?|wss?)://(127\.0\.0\.1|localhost)(:\d+)?/|data:|blob:|about:")
MARKS = "path[aria-roledescription]"
ROW = 34  # px: a table's row, and its header
SHOTS = Path(__file__).resolve().parents[2] / "shots"
FIRST, LATER, WORK = 60_000, 30_000, 120_000  # ms: a cold server's first answer, an answer, a job


class Visitor:
    """A tab at a server. Everything that must never happen is collected in `wrong`."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.wrong: list[str] = []
        page.set_default_timeout(LATER)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.wrong.append(f"script error: {error}"))
        page.on("request", self._asked)
        page.on("dialog", self._spoken_to)

    def _heard(self, message: Any) -> None:
        if message.type == "error" and not KNOWN.search(f"{message.text} {message.location}"):
            self.wrong.append(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        if not OWN.match(request.url):
            self.wrong.append(f"a request left the machine: {request.url}")

    def _spoken_to(self, dialog: Any) -> None:
        self.wrong.append(f"a {dialog.type} dialog: {dialog.message}")
        dialog.dismiss()

    def is_well(self) -> None:
        """Nothing went wrong in sight or out of it."""
        if not self.page.is_closed():
            expect(self.page.get_by_test_id("stException")).to_have_count(0, timeout=1000)
        assert not self.wrong, "\n".join(self.wrong)

    def leave(self) -> None:
        """Close the tab, all being well."""
        self.is_well()
        self.page.close()

    def shot(self, name: str) -> None:
        """A picture for people of what is in view."""
        if not self.page.is_closed():
            self.page.mouse.move(3, 3)
            self.page.screenshot(path=SHOTS / f"{re.sub('[^A-Za-z0-9]+', '-', name)[:90]}.png")

    # Going places ------------------------------------------------------------------------------------------------

    def open(self, path: str = "", *, view: str = "") -> None:
        """Go to an address of the app, or to a whole link, and wait until its page (or `view`) has been drawn."""
        self.page.goto(path if path.startswith("http") else f"{self.url}/{path}")
        self.arrived(view or urlsplit(path).path.strip("/"), within=FIRST)

    def arrived(self, view: str, *, within: int = LATER) -> None:
        """Wait for the end of a run of this page."""
        expect(self.page.locator(f'[data-testid=assay-ready][data-view^="{view}?"]')).to_be_attached(timeout=within)
        self.settled()

    @contextmanager
    def running(self, *, within: int = LATER) -> Iterator[None]:
        """What is done inside makes the app run; wait for the end of a run that began after it.

        Runs that are still under way are waited for first, lest the end of one of them be taken for it.
        """
        self.settled()
        mark = self.page.get_by_test_id("assay-ready")
        before = int(mark.get_attribute("data-run") or 0)
        yield
        self.page.wait_for_function(RAN, arg=before, timeout=within)
        self.settled()

    def settled(self) -> None:
        self.page.wait_for_function(SETTLED)

    def menu(self, title: str) -> None:
        """Click a page in the menu."""
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
        self.arrived(title.lower())

    @property
    def view(self) -> str:
        return self.page.get_by_test_id("assay-ready").get_attribute("data-view") or ""

    def address(self) -> dict[str, list[str]]:
        """What the address bar says after the question mark."""
        return parse_qs(urlsplit(self.page.url).query)

    def says(self, text: str | re.Pattern[str], *, within: int = LATER) -> None:
        """Wait until the page shows this text."""
        expect(self.page.get_by_test_id("stMain")).to_contain_text(text, timeout=within)
        self.settled()

    # Widgets -----------------------------------------------------------------------------------------------------

    def box(self, test_id: str, label: str) -> Locator:
        """A widget by its visible label."""
        name = self.page.get_by_test_id("stWidgetLabel").get_by_text(label, exact=True)
        return self.page.get_by_test_id(test_id).filter(has=name)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def choose(self, label: str, option: str, *, box: str = "stSelectbox") -> None:
        """Pick an option of a select box or a multiselect."""
        field = self.box(box, label).get_by_role("combobox")
        field.scroll_into_view_if_needed()  # scrolling closes a list that is open
        field.click()
        wanted = self.page.get_by_role("option", name=option, exact=True)
        if not wanted.count():  # a long list draws only what is in view
            field.fill(option)
        with self.running():
            wanted.click()
        if box == "stMultiSelect":
            field.press("Escape")  # its list stays open for more
            expect(self.page.get_by_role("listbox")).to_have_count(0)

    def pick(self, radio: str) -> None:
        """Choose one of a segmented control that is not chosen yet."""
        self.settled()
        radios = self.page.get_by_role("radio")
        names = [text.replace(JOINER, "") for text in radios.all_inner_texts()]
        with self.running():
            radios.nth(names.index(radio)).click()

    def holds(self, label: str, option: str) -> bool:
        """Whether a multiselect holds an option already."""
        return self.box("stMultiSelect", label).get_by_text(option, exact=True).count() > 0

    def row(self, table: str, place: int) -> None:
        """Have a row of a table chosen: by its box at the left, where it is not chosen yet.

        Tables are drawn on a canvas, so the box is clicked by where it must be; which rows are chosen stands in the
        table for screen readers inside it. (A click on the box of a chosen row would give the choice up again.)
        """
        grid = self.page.get_by_role("region", name=table)
        grid.scroll_into_view_if_needed()
        row = grid.locator(f"[role=row][aria-rowindex='{place + 2}']")
        expect(row).to_be_attached()
        if row.get_attribute("aria-selected") != "true":
            with self.running():
                grid.click(position={"x": 14, "y": ROW * (place + 1.5)})
            expect(row).to_have_attribute("aria-selected", "true")

    def chosen(self, label: str, option: str) -> None:
        """Wait until a select box shows this."""
        expect(self.box("stSelectbox", label).get_by_role("combobox")).to_have_value(option)

    def type(self, label: str, text: str, *, box: str = "stTextInput") -> None:
        """Fill a field and press Enter."""
        field = self.box(box, label).locator("input, textarea").first
        field.fill(text)
        with self.running():
            field.press("Enter")

    def filter(self, text: str) -> None:
        self.type("Filter", text)

    def threshold(self, text: str) -> None:
        self.type("Threshold", text, box="stNumberInput")

    def set_period(self, first: date, last: date) -> None:
        """Type both ends of the period into the context bar."""
        for end, day in (("start", first), ("end", last)):
            for part, text in (("year", f"{day:%Y}"), ("month", f"{day:%m}"), ("day", f"{day:%d}")):
                self._segment(part, end).press_sequentially(text)
        with self.running():  # by the button beside the field, and out of it
            self.page.keyboard.press("Tab")
            self.page.keyboard.press("Tab")
        assert self.period() == (first, last)

    def period(self) -> tuple[date, date]:
        """The period as the context bar shows it."""
        first, last = (
            date(*(int(self._segment(part, end).inner_text()) for part in ("year", "month", "day")))
            for end in ("start", "end")
        )
        return first, last

    def _segment(self, part: str, end: str) -> Locator:
        return self.page.get_by_role("spinbutton", name=f"{part}, Period {end} date")

    def share(self) -> str:
        """The link the Share button offers."""
        self.button("Share").click()
        shown = self.page.get_by_test_id("stPopoverBody").get_by_test_id("stCode")
        expect(shown).to_contain_text("?")
        link = shown.inner_text().strip()
        self.page.keyboard.press("Escape")
        expect(shown).to_have_count(0)
        return link

    # Data --------------------------------------------------------------------------------------------------------

    def drop(self, file: Path) -> None:
        """Drop a file on the Datasets page."""
        self.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)

    def keep(self, name: str | None = None) -> None:
        """Keep the file that is being previewed, and wait until it is kept."""
        expect(self.button("Keep")).to_be_visible(timeout=WORK)
        self.settled()
        if name is not None:
            self.type("Keep as", name)
        self.button("Keep").click()
        self.says(re.compile("[Kk]ept as"), within=WORK)

    def evaluate(self, name: str | None = None) -> None:
        """Save the roles as they stand and wait for the overview of the new evaluation."""
        expect(self.button("Save and measure")).to_be_visible()
        self.settled()
        if name is not None:
            self.type("Name of the evaluation", name)
        self.button("Save and measure").click()
        self.arrived("overview", within=WORK)

    def figure(self, metric: str) -> Locator:
        """The value of a key figure's card."""
        return self.card(metric).get_by_test_id("stMetricValue")

    def card(self, metric: str) -> Locator:
        """A key figure's card."""
        return self.page.locator(f".st-key-kpi_{metric}")

    def shows(self, metric: str, value: str, n: str) -> None:
        """Wait until a key figure has this value and this n."""
        expect(self.figure(metric)).to_have_text(value)
        expect(self.card(metric)).to_contain_text(re.compile(rf"· {re.escape(n)}(?!\d|,)"))

    def marks(self, key: str) -> Locator:
        """The marks drawn in a chart that a screen reader can name."""
        return self.page.locator(f".st-key-{key} {MARKS}")

    def sentence(self) -> str:
        """The answer in words, as a person reads it."""
        return self.page.locator(".st-key-sentence").inner_text().replace(JOINER, "")
