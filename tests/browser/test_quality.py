"""Quality: the verdict, a hit's rows and what they do to the metric, a mute with its reason, a column more closely."""

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import JOINER, MARKS, WORK


def test_verdict_hit_mute_and_column(visit, sample):
    page = visit()
    page.page.goto(f"{page.url}/quality?e=loans&quality_metric=accuracy")
    expect(page.page.locator(f".st-key-quality_effects {MARKS}").first).to_be_visible(timeout=WORK)
    said = page.sentence()
    assert "loans@1 cannot be trusted as it is" in said
    assert "of them surely move Accuracy" in said
    first = page.page.locator(".st-key-quality_1")
    expect(first).to_contain_text("without")
    expect(first).to_contain_text("of all errors")
    first.get_by_role("button", name="Look into it").click()
    drawer = page.page.get_by_role("dialog")
    expect(drawer.locator(".st-key-verbs_sentence")).to_contain_text("Judged by")
    drawer.get_by_role("button", name="Close").click()
    expect(drawer).to_have_count(0)

    title = first.locator("strong").inner_text().replace(JOINER, "").partition(". ")[2]
    first.get_by_role("button", name="Mute").click()
    reason = page.page.get_by_label("Why it does not matter here")
    reason.fill("known and accepted")
    reason.press("Enter")
    page.page.locator(".st-key-quality_1_do").get_by_role("button").click()
    muted = page.page.locator(".st-key-quality_muted")
    expect(muted).to_contain_text("Muted: 1")
    assert "1 hit muted" in page.sentence()
    muted.locator("summary").click()
    expect(muted).to_contain_text(title)
    expect(muted).to_contain_text("known and accepted")
    muted.get_by_role("button", name="Unmute").click()
    expect(muted).to_have_count(0)


@pytest.mark.slow
def test_rules_are_suggested_saved_and_kept_to(visit, sample):
    page = visit()
    page.page.goto(f"{page.url}/quality?e=loans&quality_metric=accuracy")
    expect(page.page.locator(".st-key-quality_rules_suggest")).to_be_visible(timeout=WORK)
    expect(page.page.locator(f".st-key-quality_effects {MARKS}").first).to_be_visible(timeout=WORK)
    page.page.get_by_role("button", name="Suggest rules from loans@1").click()
    expect(page.page.get_by_text("They are in the grid and not saved yet")).to_be_visible(timeout=WORK)
    page.page.get_by_role("button", name="Save rules").click()
    said = page.page.locator(".st-key-quality_rules_sentence")
    expect(said).to_contain_text("keeps to its rules", timeout=WORK)
    expect(page.page.get_by_text("They are in the grid and not saved yet")).to_have_count(0)


@pytest.mark.slow
def test_a_dataset_is_judged_as_uploaded(visit, sample):
    page = visit()
    page.page.goto(f"{page.url}/quality?e=loans&quality_of=loans@1")
    expect(page.page.get_by_text("Roles as guessed")).to_be_visible(timeout=WORK)
    expect(page.page.locator(".st-key-quality_count_found")).to_be_visible(timeout=WORK)
    first = page.page.locator(".st-key-quality_1")
    expect(first).to_be_visible()
    expect(first.get_by_role("button", name="Look into it")).to_have_count(0)
    assert "loans@1 cannot be trusted as it is" in page.sentence()
