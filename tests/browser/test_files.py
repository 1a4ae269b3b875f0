"""Files in all conditions: broken, the same again, changed, hostile; and what may be done with what was kept."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import tables
from tests.browser.visitor import JOINER, WORK

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    + bytes(200)
)
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "a:Q",
    "[b](http://x)",
    ":red[c]",
    '"; drop table data; --',
    "x" * 300,
]
MARKUP = "<b onmouseover=alert(2)>![m](http://outside.example/p.png)</b>"


def test_broken_files_are_refused_in_one_sentence(visit, server, sample, tmp_path):
    whole = tmp_path / "whole.parquet"
    polars = pytest.importorskip("polars")
    polars.DataFrame({"a": range(5000), "b": range(5000)}).write_parquet(whole)
    broken = {"picture.csv": PNG, "header.csv": b"id,label,score\n", "cut.parquet": whole.read_bytes()[:5000]}
    before = server.files("datasets")
    page = visit()
    page.open("datasets")
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        page.drop(tmp_path / name)
        page.says("Nothing was stored.")
        said = page.page.get_by_test_id("stAlert").inner_text()
        assert name in said
        assert re.fullmatch(r"[^\n]+\.", said.removeprefix("error").strip()), said
        assert "Traceback" not in said
        with page.running():
            page.button("Choose another file").click()
        expect(page.page.get_by_test_id("stAlert")).to_have_count(0)
    assert server.files("datasets") == before
    assert not server.files("uploads")
    assert not server.files("staging")
    tables.cases(tmp_path / "good.csv", count=20)
    page.drop(tmp_path / "good.csv")
    page.says("8 columns")
    with page.running():
        page.button("Discard").click()
    assert not server.files("uploads")


def test_the_life_of_a_dataset_and_its_evaluation(visit, server, sample, tmp_path):
    file = tmp_path / "claims.csv"
    rows = tables.cases(tmp_path / "cases.csv", count=150)
    wide = [{**row, "model_version": row["release"], "prediction": row["said"]} for row in rows]
    tables.write(file, wide)
    page = visit()
    page.open("datasets")
    page.drop(file)
    page.keep()
    page.says("Kept as 'claims' version 1")
    kept = server.files("datasets")
    page.drop(file)
    page.says("'claims' exists")
    page.keep()
    page.says("These bytes are already kept as 'claims' version 1")
    assert server.files("datasets") == kept

    page.page.get_by_role("link", name="Say what the columns mean").click()
    page.arrived("evaluations")
    page.evaluate()
    page.chosen("Evaluation", "claims")
    first = page.address()["e"]

    tables.write(file, [*wide[1:], wide[0]])
    page.menu("Datasets")
    page.drop(file)
    page.says("this becomes version 2")
    page.keep()
    page.says("Kept as 'claims' version 2")

    page.menu("Evaluations")
    page.evaluate()
    page.chosen("Evaluation", "claims")
    assert page.address()["e"] != first

    page.menu("Evaluations")
    page.row("Evaluations and their versions", 0)
    with page.running():
        page.button("Duplicate with edits").click()
    page.says("Starting from the roles of 'claims@2'.")
    page.choose("Label (actual)", "outcome checked")
    page.evaluate("claims checked")
    page.chosen("Evaluation", "claims checked")

    page.menu("Evaluations")
    page.row("Evaluations and their versions", 0)
    page.button("Rename or describe").click()
    form = page.page.get_by_test_id("stForm")
    form.get_by_label("Name", exact=True).fill("claims audited")
    form.get_by_label("Description", exact=True).fill("Outcomes as the auditors saw them.")
    with page.running():
        form.get_by_role("button", name="Save").click()
    page.chosen("Evaluation", "claims audited")
    page.row("Evaluations and their versions", 0)
    page.says("claims audited@1 — Outcomes as the auditors saw them.")

    page.menu("Datasets")
    page.row("Datasets and their versions", 0)
    with page.running():
        page.button("Delete").click()
    dialog = page.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete 'claims@2' with its 300 rows?")
    expect(dialog).to_contain_text("cannot be made again without the file.")
    built = re.search(r"Built from it: (.+?)\. They", dialog.inner_text().replace(JOINER, ""))
    assert built is not None
    assert sorted(built[1].split(", ")) == ["claims audited@1", "claims@2"]
    with page.running():
        dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_have_count(0)
    assert len(server.files("datasets")) == len(kept) + 1
    page.row("Datasets and their versions", 0)
    with page.running():
        page.button("Delete").click()
    with page.running():
        dialog.get_by_role("button", name="Delete").click()
    expect(dialog).to_have_count(0)
    assert server.files("datasets") == kept
    expect(page.page.locator(".st-key-dataset_details")).to_have_count(0)  # the next in its place is not the chosen one
    page.menu("Overview")
    page.chosen("Evaluation", "claims audited")
    page.figure("recall").wait_for()


def test_a_long_intake_can_be_cancelled(visit, server, sample, tmp_path):
    file = tmp_path / "long.csv"
    with file.open("w") as out:
        out.write("id,when,place,amount,comment\n")
        for start in range(0, 1_000_000, 10_000):
            out.write(
                "".join(
                    f"{n},2026-01-{n % 28 + 1:02},place {n % 977},{n * 0.37:.2f},comment number {n * 7919 % 100_003}\n"
                    for n in range(start, start + 10_000)
                )
            )
    assert file.stat().st_size > 50e6
    before = server.files("datasets")
    page = visit()
    page.open("datasets")
    page.drop(file)
    expect(page.button("Keep")).to_be_visible(timeout=WORK)
    page.settled()
    page.button("Keep").click()
    page.page.locator(".st-key-job").wait_for()
    page.button("Cancel").click()
    page.says(re.compile("[Cc]ancelled"), within=WORK)
    expect(page.page.locator(".st-key-job")).to_have_count(0)
    assert server.files("datasets") == before
    assert not server.files("staging")
    assert server.children() == []
    expect(page.button("Keep")).to_be_visible()
    with page.running():
        page.button("Discard").click()
    assert not server.files("uploads")
    page.menu("Overview")


def test_hostile_names_are_shown_as_plain_text(visit, sample, tmp_path):
    rows = tables.cases(tmp_path / "cases.csv", count=200)
    versions = {tables.RELEASES[0]: MARKUP, tables.RELEASES[1]: "v2 :red[x] *y*"}
    hostile = [
        {
            HOSTILE[0]: row["outcome"],
            HOSTILE[1]: row["said"],
            HOSTILE[2]: row["area"],
            HOSTILE[3]: MARKUP if row["area"] == "Hills" else "=1+1",
            HOSTILE[4]: row["case no"],
            HOSTILE[5]: row["p of yes"],
            "version": versions[row["release"]],
            "day": row["day"],
        }
        for row in rows
    ]
    file = tables.write(tmp_path / "x<img src=y onerror=alert(3)>:blue[z].csv", hostile)
    page = visit()
    page.open("datasets")
    page.drop(file)
    page.says("x<img src=y onerror=alert(3)>:blue[z].csv")
    page.keep()
    page.says("400 loaded")
    page.page.get_by_role("link", name="Say what the columns mean").click()
    page.arrived("evaluations")
    page.choose("Label (actual)", HOSTILE[0])
    page.choose("Positive class", "yes")
    page.choose("Prediction", HOSTILE[1])
    page.choose("Score of the positive class", HOSTILE[5])
    page.choose("Column that names the version (long file)", "version")
    for role, column in (("Id", HOSTILE[4]), ("Segments", HOSTILE[2]), ("Segments", HOSTILE[3])):
        if not page.holds(role, column):
            page.choose(role, column, box="stMultiSelect")
    page.evaluate()
    sentence = page.sentence()
    assert f"{MARKUP} finds" in sentence
    assert "v2 :red[x] *y* finds" in sentence
    expect(page.marks("overview_versions")).to_have_count(2)
    own = [row for row in rows if row["release"] == tables.RELEASES[0]]
    page.pick(MARKUP)
    page.shows("recall", *tables.recall(own, "outcome", tables.decided("said")))
    page.filter("\"[b](http://x)\" = 'Hills' and \":red[c]\" contains 'onmouseover'")
    some = [row for row in own if row["area"] == "Hills"]
    page.shows("recall", *tables.recall(some, "outcome", tables.decided("said")))
    alive = "img[src=x], img[src=y], [onmouseover], [onerror], a[href*=outside], a[href='http://x']"
    expect(page.page.locator(alive)).to_have_count(0)
    page.open(page.share(), view="overview")
    page.shows("recall", *tables.recall(some, "outcome", tables.decided("said")))
    expect(page.page.locator(alive)).to_have_count(0)
