"""Weak spots: the search runs by itself, is cancelled and run again; a spot opens its rows; a link restores it."""

import re

from playwright.sync_api import expect

from tests.browser.visitor import JOINER, MARKS

CHART = f".st-key-weak_spots_chart {MARKS}"


def test_search_look_and_link(visit, sample):
    page = visit()
    page.open("weak_spots?e=loans&weak_spots_objective=log_loss&weak_spots_against=v1")
    mark = page.page.locator(f"{CHART}[aria-label*='product is car and channel is broker']")
    expect(mark).to_be_visible(timeout=60_000)
    assert "v2 is worse in log loss than v1 in" in page.sentence()
    page.says(re.compile("Log loss by .* shaded: the weak spot"))
    expect(page.marks("weak_spots_along").first).to_be_attached()
    page.settled()  # a click while the page is still drawn would be lost
    page.page.locator(".st-key-weak_spots_look_1").get_by_role("button").click()
    drawer = page.page.get_by_role("dialog")
    said = drawer.locator(".st-key-verbs_sentence")
    expect(said).to_contain_text("Judged by")
    assert re.match(r"[\d,]+ rows? of", said.inner_text().replace(JOINER, ""))
    drawer.get_by_role("button", name="Close").click()
    expect(drawer).to_have_count(0)
    address = page.page.url
    other = visit()
    other.page.goto(address)
    expect(other.page.locator(CHART).first).to_be_visible(timeout=20_000)
    expect(other.page.locator(".st-key-job")).to_have_count(0)


def test_a_search_is_cancelled_and_run_again(visit, sample):
    page = visit()
    page.page.goto(f"{page.url}/weak_spots?e=loans&weak_spots_depth=3&weak_spots_objective=brier")
    page.page.locator(".st-key-job_cancel").get_by_role("button").click(timeout=60_000)
    again = page.page.locator(".st-key-weak_spots_search").get_by_role("button")
    expect(again).to_be_visible(timeout=60_000)
    again.click()
    expect(page.page.locator(CHART).first).to_be_visible(timeout=90_000)
