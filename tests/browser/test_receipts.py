"""Receipts: numbers copied as text and charts taken as files say what they are of."""

import re

from playwright.sync_api import expect


def test_the_receipt_gives_text_and_pictures(visit, sample, tmp_path):
    page = visit()
    page.open("overview?e=loans")
    with page.running():
        page.page.get_by_text("How was this computed?").click()
    text = page.page.locator(".st-key-overview_receipt_text")
    expect(text).to_contain_text(re.compile(r"Recall, v2: \d\d\.\d% \(95% interval \d\d\.\d% to \d\d\.\d%, n [\d,]+"))
    receipt = re.search(r"receipt (\w{12})\.", text.inner_text())[1]
    for kind, start in (("svg", b"<svg"), ("png", b"\x89PNG")):
        with page.page.expect_download() as waiting:
            page.page.locator(f".st-key-overview_receipt_{kind}").get_by_role("button").click()
        waiting.value.save_as(tmp_path / kind)
        made = (tmp_path / kind).read_bytes()
        assert made.startswith(start)
    said = (tmp_path / "svg").read_text(encoding="utf-8")
    assert f"receipt {receipt}" in said
    assert "Recall over time" in said
