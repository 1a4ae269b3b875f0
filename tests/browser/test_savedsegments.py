"""Segments as nouns in the browser: built without a mouse, kept under a name, used on another page."""

import re

from playwright.sync_api import expect

from tests.browser import tables
from tests.browser.visitor import MARKS

WEST = [row for row in tables.loans() if row["region"] == "West"]


def editor(page):
    """The open editor beside the filter."""
    button = page.page.locator(".st-key-segmentedit").get_by_role("button").first
    body = page.page.locator(".st-key-segmentedit_body")
    if not body.count():
        with page.running():
            button.focus()
            page.page.keyboard.press("Enter")
    expect(body).to_be_visible()
    page.settled()
    return body


def press(page, body, name):
    """A button of the editor, by the keyboard."""
    button = body.get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled()
    button.focus()
    page.page.keyboard.press("Enter")


def pick(page, body, label, option):
    """One of a list, by typing it."""
    field = body.get_by_label(label, exact=True).last
    expect(field).to_be_visible()
    field.focus()
    field.press_sequentially(option)
    expect(page.page.get_by_role("option").first).to_have_text(option)
    field.press("Enter")
    page.settled()


def draft(page, text):
    expect(page.page.get_by_label("Segment", exact=True)).to_have_value(text)
    page.settled()


def test_a_segment_is_built_applied_and_saved_without_a_mouse(visit, sample):
    page = visit()
    page.open("overview?e=loans")
    body = editor(page)
    pick(page, body, "Column of the condition", "region")
    pick(page, body, "Values of region", "West")
    body.get_by_label("Values of region", exact=True).last.press("Escape")
    press(page, body, "Add")
    draft(page, "region = 'West'")
    expect(body).to_contain_text(re.compile(rf"{len(WEST):,} of 20,000 rows \(24\.6%\): region is West"))
    pick(page, body, "Column of the condition", "age")
    expect(body.get_by_label("From", exact=True)).to_be_visible()
    pick(page, body, "Condition", "is missing")
    press(page, body, "Or")
    draft(page, "region = 'West' or age is missing")
    press(page, body, "Not")
    draft(page, "not (region = 'West' or age is missing)")
    press(page, body, "Not")
    draft(page, "region = 'West' or age is missing")
    name = body.get_by_label("Name", exact=True)
    name.fill("West or no age")
    name.press("Enter")
    press(page, body, "Save segment")
    expect(body).to_contain_text('any filter knows it as @"West or no age"')
    with page.running():
        press(page, body, "Apply as filter")
    expect(page.page.get_by_label("Filter", exact=True)).to_have_value("region = 'West' or age is missing")
    expect(body).to_have_count(0)
    chosen = [row for row in tables.loans() if row["region"] == "West" or not row["age"]]
    page.shows("recall", *tables.recall(chosen, "defaulted", tables.decided("decision_v2")))
    page.menu("Errors")
    assert page.address()["where"] == ["region = 'West' or age is missing"]
    body = editor(page)
    press(page, body, "Clear")
    draft(page, "")
    pick(page, body, "Saved segment", "West or no age")
    expect(body).to_contain_text("Rows where region is West or age is missing")
    press(page, body, "Add saved")
    draft(page, '@"West or no age"')
    with page.running():
        press(page, body, "Apply as filter")
    assert page.address()["where"] == ['@"West or no age"']
    missed = [row for row in chosen if row["defaulted"] == "yes" and row["decision_v2"] == "no"]
    cell = page.page.locator(".st-key-errors_matrix path[aria-label^='actual yes, predicted no: ']")
    expect(cell).to_have_attribute("aria-label", re.compile(f": {len(missed):,} rows"))


def test_where_its_columns_are_not_there_a_saved_segment_says_so(visit, server, sample):
    tables.save(server.workspace, {"old West": "region = 'West' and age > 60"})
    page = visit()
    page.open("overview?e=digits")
    body = editor(page)
    pick(page, body, "Saved segment", "old West")
    expect(body).to_contain_text("Not applicable to 'digits': its columns are not there: 'age' and 'region'.")
    expect(body.get_by_role("button", name="Add saved")).to_be_disabled()
    page.open("overview?e=digits&where=%40%22old%20West%22")
    page.says("The saved segment 'old West' is not applicable here: its columns are not there")
    page.open("overview?e=digits&where=%40nothing")
    page.says("There is no saved segment 'nothing'")


def test_a_cell_and_an_overlap_of_saved_segments_open_their_rows(visit, server, sample):
    tables.save(server.workspace, {"West": "region = 'West'", "young": "age < 30"})
    both = [row for row in WEST if row["age"] and int(row["age"]) < 30]
    page = visit()
    page.open("segments?e=loans&segments_view=saved&m=v2")
    for chart, mark, rows in (
        ("segments_matrix", "West, v2, Precision: ", WEST),
        ("segments_overlap", "West + young: ", both),
    ):
        found = page.page.locator(f".st-key-{chart} {MARKS}[aria-label^='{mark}']").first
        found.scroll_into_view_if_needed()
        found.click(force=True)
        drawer = page.page.get_by_role("dialog")
        expect(drawer.get_by_role("combobox").first).to_have_value(re.compile(f"^{re.escape(mark)}"))
        expect(drawer.locator(".st-key-verbs_sentence")).to_contain_text(f"{len(rows):,} rows of loans")
        drawer.get_by_role("button", name="Close").click()
        expect(drawer).to_have_count(0)
