"""The page Explain: from a cell of errors to one of its rows, and why the model answers so about it."""

import re

import pytest
from playwright.sync_api import expect

from analysis.store import models
from analysis.store.sample import FOLDER
from analysis.store.workspace import Workspace
from tests.browser import tables
from tests.browser.visitor import MARKS, ROW, WORK


@pytest.fixture
def kept(server, sample):
    """The sample's second model, kept for the loans as long as the test runs."""
    opened = Workspace.open(server.workspace)
    model, _ = models.add(opened, FOLDER / "loan_v2.onnx", name="v2", evaluation="loans")
    yield model
    models.delete(opened, model)
    opened.close()


def test_a_false_negative_is_explained_from_its_cell(visit, kept):
    missed = {
        row["application_id"] for row in tables.loans() if (row["defaulted"], row["decision_v2"]) == ("yes", "no")
    }
    page = visit()
    page.open("errors?e=loans")
    page.page.locator(f".st-key-errors_matrix {MARKS}[aria-label^='actual yes, predicted no: ']").click()
    drawer = page.page.get_by_role("dialog")
    drawer.get_by_text("Explain", exact=True).click()
    rows = drawer.get_by_role("region", name="Rows to choose from")
    expect(rows).to_be_visible()
    page.settled()
    rows.click(position={"x": 14, "y": ROW * 1.5})
    button = drawer.get_by_role("button", name="Explain this row")
    expect(button).to_be_enabled()
    page.settled()
    button.click()
    page.arrived("explain", within=WORK)
    expect(page.page.locator(".st-key-explain_grade")).to_contain_text(
        re.compile("Trust: (good|with care)"), timeout=WORK
    )
    expect(page.button("Stop")).to_have_count(0, timeout=WORK)
    page.settled()
    row = page.address()["row"][0]
    assert row in missed
    sentence = page.sentence()
    assert re.match(rf"v2@.?1 gives 0\.[0-4]\d\d for 'yes' of row {row}, mostly because \w+", sentence), sentence
    assert re.search(r"the local fit explains \d+\.\d% of what it does nearby", sentence)
    expect(page.marks("explain_chart")).to_have_count(10)
    page.says("The lime package gives the same weights with this seed")
    expect(page.page.locator(".st-key-explain_letter")).to_contain_text(f"For case {row} the model arrived at 0.")

    first = page.marks("explain_chart").first.get_attribute("aria-label").split(" = ")[0]
    page.marks("explain_chart").first.click(force=True)
    page.says(re.compile(rf"Row {row} has .* there and gets 0\.[0-4]\d\d"), within=WORK)
    assert page.address()["explain_feature"] == [first]
    page.pick("Why")

    page.type("Row, by its application_id", "A0")
    page.says("No row of 'loans' has the id 'A0'.")
    again = visit()
    again.open(f"explain?e=loans&row={row}")
    assert again.sentence() == sentence


def test_a_segment_is_explained_cancelled_and_taken_up_again(visit, kept):
    page = visit()
    west = "explain?e=loans&explain_view=segment&where=region+%3D+%27West%27"
    page.open(f"{west}&explain_rows=1000")
    job, cancel = page.page.locator(".st-key-job"), page.page.locator(".st-key-job_cancel").get_by_role("button")
    expect(job).to_contain_text(re.compile(r"\((\d\d+|[2-9]) of 400\)"), timeout=WORK)
    cancel.click()
    page.says(re.compile("parts? of the work (is|are) kept; starting again goes on there"), within=WORK)
    go = page.page.locator(".st-key-explain_segment_go").get_by_role("button")
    expect(go).to_have_text(re.compile("Go on"))
    go.click()
    expect(job).to_contain_text("kept from before", timeout=WORK)
    cancel.click()
    expect(go).to_be_visible(timeout=WORK)

    page.open(f"{west}&explain_rows=40&explain_neighbours=500")
    page.says(re.compile("where region is West"), within=WORK)
    expect(page.marks("explain_segment_chart")).to_have_count(20, timeout=WORK)
    page.settled()
    typical = page.page.locator("[class*='st-key-explain_typical_segment_1']").get_by_role("button")
    id = typical.inner_text().split()[-1]
    typical.click()
    expect(page.page.locator(".st-key-explain_grade")).to_contain_text("Trust:", timeout=WORK)
    assert page.address()["row"] == [id]


@pytest.mark.slow
def test_all_rows_behind_a_mark_are_explained_by_a_verb(visit, kept):
    page = visit()
    page.open("segments?e=loans")
    page.page.locator(f".st-key-segments_groups {MARKS}").first.click()
    drawer = page.page.get_by_role("dialog")
    drawer.get_by_text("Explain", exact=True).click()
    page.settled()
    drawer.get_by_role("button", name="Explain all of them").click()
    page.arrived("explain", within=WORK)
    expect(page.page.locator(".st-key-job, .st-key-explain_segment_chart").first).to_be_visible(timeout=WORK)
    address = page.address()
    assert address["explain_view"] == ["segment"]
    assert address["where"][0].startswith("region = ")
