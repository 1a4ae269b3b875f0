"""What an analyst does: look at the sample, bring a file of one's own, correct what was guessed, read the figures."""

import re
from datetime import date

from playwright.sync_api import expect

from tests.browser import tables

KEY_FIGURES = ("recall", "precision", "f1", "roc_auc", "average_precision", "accuracy", "log_loss", "brier")


def test_the_sample_is_one_click_away(visit, sample):
    page = visit()
    page.open("overview?e=loans")
    sentence = page.sentence()
    assert re.search(r"v1 finds \d+\.\d% of the actual 'yes' \(between \d+\.\d% and \d+\.\d%, on 4,494 pos", sentence)
    assert "v2 finds" in sentence
    for metric in KEY_FIGURES:
        expect(page.figure(metric)).to_have_text(re.compile(r"^\d+\.\d%$|^0\.\d{3}$"))
        expect(page.card(metric)).to_contain_text(re.compile(r"\d%? – \d.* · n [\d,]+"))
        expect(page.card(metric)).to_contain_text(re.compile("no skill (\\d|—)"))
    weeks = 26
    expect(page.marks("overview_trend")).to_have_count(2 * weeks)
    expect(page.marks("overview_labels")).to_have_count(2 * weeks)
    expect(page.marks("overview_versions")).to_have_count(2)
    expect(page.page.get_by_role("region", name="Every key figure of every model version")).to_be_visible()
    used = sum(bool(row["defaulted"] and row["decision_v2"]) for row in tables.loans())
    page.says(f"v2: {used:,} of 20,000 rows used")


def test_the_figures_of_the_sample_are_those_of_its_file(visit, sample):
    rows = tables.loans()
    page = visit()
    page.open("overview?e=loans")
    page.shows("recall", *tables.recall(rows, "defaulted", tables.decided("decision_v2")))
    page.pick("v1")
    page.shows("recall", *tables.recall(rows, "defaulted", tables.decided("decision_v1")))


def test_a_file_of_ones_own_from_the_drop_to_the_figures(visit, sample, tmp_path):
    rows = tables.cases(tmp_path / "cases 2025.csv")
    page = visit()
    page.open("datasets")
    page.drop(tmp_path / "cases 2025.csv")
    page.says("delimiter ;")
    page.says("8 columns")
    expect(page.page.get_by_role("region", name="First rows")).to_be_visible()
    page.keep()
    page.says(f"{len(rows):,} loaded + 0 rejected = {len(rows):,} records counted in the file")

    page.page.get_by_role("link", name="Say what the columns mean").click()
    page.arrived("evaluations")
    page.chosen("Label (actual)", "outcome")
    page.choose("Label (actual)", tables.CHECKED)
    page.chosen("Positive class", "yes")
    page.choose("Positive class", "no")
    page.choose("Prediction", "said")
    page.choose("Column that names the version (long file)", "release")
    page.choose("Id", "case no", box="stMultiSelect")
    page.evaluate()
    for release in reversed(tables.RELEASES):
        own = [row for row in rows if row["release"] == release]
        value, n = tables.recall(own, tables.CHECKED, tables.decided("said", yes="no"), yes="no")
        if release != tables.RELEASES[-1]:
            page.pick(release)
        page.shows("recall", value, n)
        assert f"{release} finds {value} of the actual 'no'" in page.sentence()
        assert not {"from", "to"} & set(page.address())  # the period of what was looked at before is gone
    weeks = len({date.fromisoformat(row["day"]).isocalendar()[:2] for row in rows})
    expect(page.marks("overview_trend")).to_have_count(2 * weeks)
