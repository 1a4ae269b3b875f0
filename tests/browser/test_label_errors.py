"""Labels: two doubted labels decided, one by its key and one in the table's place, and found again after a reload."""

import re

from playwright.sync_api import expect

from tests.browser.visitor import WORK


def test_two_labels_are_decided_and_can_be_downloaded(visit, sample):
    page = visit()
    page.page.goto(f"{page.url}/label_errors?e=loans")
    asked = page.page.locator(".st-key-labels_next")
    expect(asked).to_be_visible(timeout=WORK)
    page.arrived("label_errors", within=WORK)
    assert "Confident learning puts" in page.sentence()
    first = asked.locator("strong").inner_text()
    with page.running():
        page.page.keyboard.press("y")
    expect(asked.locator("strong")).not_to_have_text(first)
    asked.get_by_role("button", name=re.compile("The label is right")).click()
    kept = page.page.locator(".st-key-labels_kept")
    expect(kept).to_contain_text("Download 2 decisions")
    expect(kept).to_contain_text("Correct 1 in a new version")
    page.page.reload()
    expect(kept).to_contain_text("Download 2 decisions", timeout=WORK)
    assert "1 confirmed, 1 rejected" in page.sentence()
