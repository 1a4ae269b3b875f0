"""The address is the view: what a link restores, also on a fresh server, and what it says when it cannot."""

import re
from datetime import date

import pytest
from playwright.sync_api import expect

from pages.ui.cards import cards
from tests.browser import tables

FIRST_DAY, LAST_DAY = date(2026, 2, 2), date(2026, 5, 31)
WHERE = "region = 'West' and age >= 30"


def chosen(row: tables.Row) -> bool:
    """What the view of these tests holds."""
    day = date.fromisoformat(row["decided_at"][:10])
    return FIRST_DAY <= day <= LAST_DAY and row["region"] == "West" and bool(row["age"]) and int(row["age"]) >= 30


def restores(page) -> None:
    """Everything the analyst chose is back in the bar."""
    page.chosen("Evaluation", "loans")
    expect(page.box("stMultiSelect", "Model versions").get_by_text("v2", exact=True)).to_be_visible()
    expect(page.page.get_by_label("Filter", exact=True)).to_have_value(WHERE)
    expect(page.page.get_by_label("Threshold", exact=True)).to_have_value("0.350")
    assert page.period() == (FIRST_DAY, LAST_DAY)


def test_a_shared_link_restores_the_view_as_the_first_request_of_a_fresh_server(visit, server, sample):
    page = visit()
    page.open("overview?e=loans")
    page.choose("Model versions", "v2", box="stMultiSelect")
    page.set_period(FIRST_DAY, LAST_DAY)
    page.filter(WHERE)
    page.threshold("0.35")
    restores(page)
    rows = [row for row in tables.loans() if chosen(row)]
    figures = tables.recall(rows, "defaulted", tables.above("score_v2", 0.35))
    page.shows("recall", *figures)
    sentence, link = page.sentence(), page.share()
    assert "Among rows where" in sentence

    view = page.view
    page.leave()
    server.restart()
    other = visit()
    other.open(link, view="overview")
    restores(other)
    assert other.sentence() == sentence
    other.shows("recall", *figures)
    assert other.view == view
    expect(other.page.get_by_test_id("stSidebarNav").get_by_role("link", name="Overview")).to_be_visible()
    expect(other.page.get_by_role("dialog")).to_have_count(0)
    assert other.share() == link


FIRST = {"segments"}  # the link above opens the overview so
STEMS = [pytest.param(card.stem, marks=[] if card.stem in FIRST else pytest.mark.slow) for card in cards()]


@pytest.mark.parametrize("stem", STEMS)
def test_every_page_opens_as_the_first_request_of_a_fresh_server(visit, server, sample, stem):
    server.restart()
    page = visit()
    page.open(f"{stem}?e=loans")
    title = next(card.title for card in cards() if card.stem == stem)
    expect(page.page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(page.page.get_by_role("dialog")).to_have_count(0)
    expect(page.page.get_by_test_id("stSidebarNav").get_by_role("link")).to_have_count(len(cards()))
    page.chosen("Evaluation", "loans")


def test_the_menu_keeps_the_context_in_the_address(visit, sample):
    page = visit()
    page.open("overview?e=loans&m=v1&where=age %3C 40&from=2026-03-01&t=0.2")
    asked = page.address()
    assert set(asked) == {"e", "m", "from", "to", "where", "t"}
    for title in ("Datasets", "Evaluations", "Overview"):
        page.menu(title)
        expect(page.page).to_have_url(re.compile(f"/{title.lower()}\\?"))
        assert page.address() == asked
    expect(page.page.get_by_label("Filter", exact=True)).to_have_value("age < 40")


def test_a_link_holds_what_the_pickers_of_the_page_hold(visit, sample):
    rows = tables.loans()
    figures = tables.recall(rows, "defaulted", tables.decided("decision_v1"))
    page = visit()
    page.open("overview?e=loans")
    assert set(page.address()) == {"e"}
    page.pick("v1")
    page.choose("Metric", "Precision")
    page.shows("recall", *figures)
    link = page.share()
    asked = page.address()
    assert asked["overview_model"] == ["v1"]
    assert asked["overview_metric"] == ["precision"]

    page.menu("Datasets")
    assert set(page.address()) == {"e"}
    page.menu("Overview")
    assert page.address() == asked
    other = visit()
    other.open(link, view="overview")
    other.chosen("Metric", "Precision")
    other.shows("recall", *figures)
    other.pick("v2")
    other.choose("Metric", "Recall")
    assert set(other.address()) == {"e"}
    other.open("overview?e=loans&overview_model=v9&overview_metric=none", view="overview")
    other.chosen("Metric", "Recall")
    other.shows("recall", *tables.recall(rows, "defaulted", tables.decided("decision_v2")))


def test_a_filter_narrows_and_a_broken_one_shows_no_stale_figure(visit, sample):
    rows = tables.loans()
    page = visit()
    page.open("overview?e=loans&m=v1")
    page.shows("recall", *tables.recall(rows, "defaulted", tables.decided("decision_v1")))
    page.filter("region in ('North', 'East') and not channel = 'web'")
    some = [row for row in rows if row["region"] in ("North", "East") and row["channel"] != "web"]
    page.shows("recall", *tables.recall(some, "defaulted", tables.decided("decision_v1")))

    page.filter("regoin = 'North'")
    page.says("There is no column 'regoin'. Did you mean 'region'?")
    expect(page.page.locator("[class*=st-key-kpi_], .st-key-sentence")).to_have_count(0)
    page.filter("region = ")
    page.says("The filter could not be read.")
    expect(page.page.locator("[class*=st-key-kpi_], .st-key-sentence")).to_have_count(0)
    page.filter("")
    page.shows("recall", *tables.recall(rows, "defaulted", tables.decided("decision_v1")))


def test_a_filter_nothing_passes_says_so(visit, sample):
    page = visit()
    page.open("overview?e=loans")
    page.filter("age > 500")
    expect(page.figure("recall")).to_have_text("—")
    page.says("Undefined")


def test_threshold_and_period_change_the_figures(visit, sample):
    rows = tables.loans()
    page = visit()
    page.open("overview?e=loans&m=v1")
    for threshold in ("0.15", "0.6"):
        page.threshold(threshold)
        page.shows("recall", *tables.recall(rows, "defaulted", tables.above("score_v1", float(threshold))))
    page.threshold("")
    page.set_period(FIRST_DAY, LAST_DAY)
    some = [row for row in rows if FIRST_DAY <= date.fromisoformat(row["decided_at"][:10]) <= LAST_DAY]
    page.shows("recall", *tables.recall(some, "defaulted", tables.decided("decision_v1")))
    assert page.address()["from"] == [str(FIRST_DAY)]


def test_a_vanished_state_opens_the_newest_with_a_warning(visit, sample):
    page = visit()
    page.open("overview?e=loans~000000000000&m=v9")
    page.says("Part of this link could not be found")
    page.says("this state of 'loans'; its newest version 1 is shown instead")
    page.says("the model version 'v9'")
    page.chosen("Evaluation", "loans")
    assert not page.address()["e"][0].endswith("~000000000000")


def test_another_evaluation_starts_without_what_was_chosen_for_the_one_before(visit, sample):
    page = visit()
    page.open(f"overview?e=loans&m=v2&from={FIRST_DAY}&to={LAST_DAY}&where=region%20%3D%20%27West%27&t=0.35")
    page.choose("Evaluation", "loans weighted")
    for version in ("v1", "v2"):  # also after a further run, when a browser may send what it held before
        assert not {"m", "from", "to", "where", "t"} & set(page.address())
        assert page.period() != (FIRST_DAY, LAST_DAY)
        expect(page.page.get_by_label("Filter", exact=True)).to_have_value("")
        expect(page.page.get_by_label("Threshold", exact=True)).to_have_value("")
        page.pick(version)


def test_a_choice_of_a_page_that_is_not_there_is_said(visit, sample):
    page = visit()
    page.open("errors?e=loans&errors_model=v9&errors_shown=counts")
    page.says("Part of this link could not be found: 'v9' among the choices of Model version")
    assert "errors_model" not in page.address()
    page.choose("Evaluation", "digits")
    expect(page.page.get_by_text("could not be found")).to_have_count(0)
