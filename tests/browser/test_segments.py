"""Segments: click a group and the page follows, break out by a second column, bins one types, and all in the link."""

import re

from playwright.sync_api import expect

from tests.browser import tables


def test_a_click_on_a_group_and_the_page_follows(visit, sample):
    page = visit()
    page.open("segments?e=loans")
    rows = [row for row in tables.loans() if row["region"] == "East"]
    value, n = tables.recall(rows, "defaulted", tables.decided("decision_v2"))
    assert f"Recall of East, v2 is {value} on {n.removeprefix('n ')}" in page.sentence()
    mark = page.marks("segments_groups").and_(page.page.locator(f"[aria-label^='East: {value}']"))
    with page.running():
        mark.click()
    expect(page.page.get_by_role("dialog")).to_be_visible()
    page.page.keyboard.press("Escape")
    expect(page.page.get_by_role("dialog")).to_have_count(0)
    page.says("Recall over time where region is East")
    page.says(f"v2 finds {value} of the actual 'yes'")
    expect(page.marks("segments_trend")).to_have_count(26)
    assert page.address()["segments_group"] == ["region = 'East'"]

    other = visit()
    other.open(page.share(), view="segments")
    other.says("Recall over time where region is East")
    other.chosen("Look at a group", "East")


def test_another_metric_column_and_bins_of_ones_own(visit, sample):
    page = visit()
    page.open("segments?e=loans&segments_model=v1")
    page.choose("Metric", "Accuracy")
    page.choose("Column", "age")
    expect(page.marks("segments_groups")).to_have_count(10)
    field = page.box("stSelectbox", "Bins of age").get_by_role("combobox")
    field.fill("30, 60")
    with page.running():
        field.press("Enter")
    expect(page.marks("segments_groups")).to_have_count(3)
    kept = [row for row in tables.loans() if row["age"] and int(row["age"]) < 30 and row["defaulted"]]
    right = sum(row["defaulted"] == row["decision_v1"] for row in kept if row["decision_v1"])
    of = sum(bool(row["decision_v1"]) for row in kept)
    expect(page.marks("segments_groups").first).to_have_attribute(
        "aria-label", re.compile(rf"^below 30: {100 * right / of:.1f}%, .* n {of:,}, v1$")
    )
    other = visit()
    other.open(page.page.url, view="segments")
    expect(other.marks("segments_groups")).to_have_count(3)
    page.choose("Bins of age", "where the metric changes")
    page.says("Accuracy does not change along age")


def test_two_columns_crossed_and_two_versions_side_by_side(visit, sample):
    page = visit()
    page.open("segments?e=loans")
    page.pick("Two columns")
    page.choose("Columns", "product")
    expect(page.marks("segments_cross")).to_have_count(4 * 5)
    page.choose("Against", "Its row and column")
    page.says("against its row and column")
    page.pick("One column")
    page.pick("Side by side")
    expect(page.marks("segments_groups")).to_have_count(2 * 4)


def test_many_groups_are_folded_and_said(visit, sample):
    page = visit()
    page.open("segments?e=loans&segments_by=customer_id")
    page.says(re.compile(r"groups with n under 30: [\d,]+ rows"))
    expect(page.marks("segments_groups")).to_have_count(1)
    with page.running():
        page.page.get_by_text("Show small groups", exact=True).click()
    expect(page.marks("segments_groups")).to_have_count(30)
    page.says("further groups, smaller than those drawn")
