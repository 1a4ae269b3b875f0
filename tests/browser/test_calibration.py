"""The calibration page: what it says first, its marks, a segment, a fit, and a derived version."""

import re

from playwright.sync_api import expect

from tests.browser.visitor import WORK

REGIONS = 4


def test_calibration_from_the_sentence_to_a_mapping(visit, sample):
    page = visit()
    page.open("calibration?e=loans&m=v2")
    said = page.sentence()
    assert re.search(r"Scores of v2 are \d\.\d points too high on average \(between \d\.\d and \d\.\d\)", said)
    expect(page.marks("calibration_diagram")).to_have_count(15)
    expect(page.marks("calibration_counts")).to_have_count(15)
    expect(page.page.get_by_role("table", name="Calibration in numbers, by model version")).to_be_visible()

    page.choose("Column", "region")
    page.says(re.compile(r"Farthest off by region: scores of v2 in North are \d+\.\d points too high"))
    for place in range(REGIONS):
        expect(page.marks(f"calibration_by_{place}").first).to_be_attached()
    expect(page.marks(f"calibration_by_{REGIONS}")).to_have_count(0)

    with page.running():
        page.page.get_by_role("radio", name="Platt", exact=True).click()
    page.says(re.compile(r"Platt on rows it was not fitted on: log loss −0\.\d{3} \(.*\), better"))
    for key in ("calibration_before", "calibration_after"):
        expect(page.marks(key).first).to_be_attached()
    with page.page.expect_download() as downloading:
        page.button("Mapping as JSON").click()
    assert '"method": "platt"' in downloading.value.path().read_text()


def test_a_mapping_applied_is_a_version_more(visit, sample):
    page = visit()
    page.open("calibration?e=loans+weighted&m=v1")  # an evaluation no other test counts the versions of
    with page.running():
        page.page.get_by_role("radio", name="Isotonic", exact=True).click()
    page.button("Apply as a derived version").click()
    expect(page.button("Apply")).to_be_visible()
    page.button("Apply").click()
    page.says("The derived model version 'v1 isotonic' is there", within=WORK)
    assert "Scores of v1 isotonic are right on average" in page.sentence()


def test_what_has_no_calibration_says_so(visit, sample):
    page = visit()
    page.open("calibration?e=digits")
    page.says("Calibration is asked of the scores of two classes")
