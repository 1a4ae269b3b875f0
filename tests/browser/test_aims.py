"""What an analyst aims at, in the browser: a target on its card, a metric of one's own, a marker on the trend."""

import re

from playwright.sync_api import expect


def opened(page, name):
    """Open a popover of the overview and return it."""
    with page.running():
        page.page.locator(f".st-key-{name}").get_by_role("button").first.click()
    return page.page.get_by_test_id("stPopoverBody")


def closed(page, body):
    page.page.keyboard.press("Escape")
    expect(body).to_have_count(0)


def test_a_target_is_set_and_judged_and_taken_off(visit, sample):
    page = visit()
    page.open("overview?e=loans")
    body = opened(page, "targets")
    page.type("In per cent", "60", box="stNumberInput")
    with page.running():
        body.get_by_role("button", name="Set target").click()
    expect(page.card("recall")).to_contain_text("target ≥ 60.0% met")
    page.type("In per cent", "99", box="stNumberInput")
    with page.running():
        body.get_by_role("button", name="Set target").click()
    expect(page.card("recall")).to_contain_text("target ≥ 99.0% missed")
    with page.running():
        body.get_by_role("button", name="Remove").click()
    expect(page.card("recall")).not_to_contain_text("target")


def test_a_metric_of_ones_own_gets_a_card(visit, sample):
    page = visit()
    page.open("overview?e=loans")
    body = opened(page, "ownmetrics")
    page.type("Name of the metric", "balance")
    area = page.box("stTextArea", "Formula over metrics").locator("textarea")
    area.fill("0.7 * recal + 0.3 * specificity")
    with page.running():
        area.press("Control+Enter")
    expect(body).to_contain_text("Did you mean 'recall'?")
    area.fill("0.7 * recall + 0.3 * specificity")
    with page.running():
        area.press("Control+Enter")
    expect(body).to_contain_text(re.compile(r"Balance is \d\d\.\d% for v1"))
    with page.running():
        body.get_by_role("button", name="Keep metric").click()
    expect(page.figure("balance")).to_have_text(re.compile(r"^\d\d\.\d%$"))
    expect(page.card("balance")).to_contain_text(re.compile("no skill"))
    with page.running():
        body.get_by_role("button", name="Remove").click()
    expect(page.figure("balance")).to_have_count(0)


def test_a_marker_stands_on_the_trend(visit, sample):
    page = visit()
    page.open("overview?e=loans&to=2026-06-30")
    body = opened(page, "markers")
    day = body.get_by_role("spinbutton", name=re.compile("^year"))
    expect(day).to_be_visible()
    for part, text in (("year", "2026"), ("month", "03"), ("day", "02")):
        body.get_by_role("spinbutton", name=re.compile(f"^{part}")).press_sequentially(text)
    body.get_by_label("What happened").fill("v2 deployed")
    with page.running():
        body.get_by_role("button", name="Add marker").click()
    chart = page.page.locator(".st-key-overview_trend")
    expect(chart.get_by_text("v2 deployed")).to_have_count(1)
    expect(chart.locator("[aria-label='deployment at 02 Mar 2026: v2 deployed']")).to_have_count(1)
    with page.running():
        body.get_by_role("button", name="Remove").click()
    expect(chart.get_by_text("v2 deployed")).to_have_count(0)


def test_a_shared_metric_is_offered_and_taken_off_again(visit, sample):
    page = visit()
    page.open("overview?e=loans")
    body = opened(page, "ownmetrics")
    page.type("Name of the metric", "shared_error")
    area = page.box("stTextArea", "Formula over metrics").locator("textarea")
    area.fill("1 - accuracy")
    with page.running():
        area.press("Control+Enter")
    with page.running():
        body.get_by_text("For all evaluations", exact=True).click()
    with page.running():
        body.get_by_role("button", name="Keep metric").click()
    expect(page.figure("shared_error")).to_have_text(re.compile(r"^\d\d\.\d%$"))
    expect(body).to_contain_text("for all evaluations")
    with page.running():
        body.get_by_role("button", name="Remove").click()
    expect(page.figure("shared_error")).to_have_count(0)
