"""The page Models: a file dropped, its agreement, a refusal, a deletion."""

import re

from playwright.sync_api import expect

from analysis.store.sample import FOLDER
from tests.browser.visitor import WORK
from tests.store.serving import loans_server, served

AS_MODELLED = "not (decided_at >= '2026-04-27' and decided_at < '2026-05-04')"


def test_a_model_is_added_and_its_agreement_seen(visit, server, sample, tmp_path):
    page = visit()
    page.open("models?e=loans")
    page.says("No model is kept yet.")
    pickled = tmp_path / "model.pkl"
    pickled.write_bytes(b"\x80\x04K\x01.")
    page.drop(pickled)
    expect(page.button("Add")).to_be_visible()
    page.settled()
    page.button("Add").click()
    page.says(re.compile("is a pickle .* runs whatever code"), within=WORK)
    assert not server.files("models")
    assert not server.files("uploads")

    page.drop(FOLDER / "loan_v1.onnx")
    expect(page.box("stTextInput", "Keep as").locator("input")).to_have_value("v1")
    page.settled()
    page.button("Add").click()
    page.says(re.compile("Kept as v1@.?1[.]"), within=WORK)
    page.says(re.compile(r"v1@.?1 reproduces most but not all of the recorded predictions of v1: 9\d\.\d% of 2,000"))
    expect(page.marks("models_pairs").first).to_be_attached()
    expect(page.page.get_by_role("region", name="Rows where the model gives another answer")).to_be_visible()
    page.says("it is given the first 9 of the 11 with that role in their order: age, income")

    other = visit()
    other.open("models?e=digits")
    other.says("No model was added for digits.")
    other.row("Models and their versions", 0)
    other.says(re.compile("could not be compared with what is recorded. The model takes 9 features without names"))

    page.filter(AS_MODELLED)
    page.says(re.compile(r"v1@.?1 reproduces the recorded predictions of v1: 100\.0% of 2,000 rows"), within=WORK)
    expect(page.page.get_by_test_id("stAlert")).to_have_count(0)

    with page.running():
        page.button("Delete").click()
    dialog = page.page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile("Delete v1@.?1 and its file[?]"))
    with page.running():
        dialog.get_by_role("button", name="Delete").click()
    page.says("No model is kept yet.")
    assert not server.files("models")


def test_a_model_behind_an_endpoint(visit, server, sample):
    with served(loans_server(), version="2.17.0", port=server.model_port) as serving:
        page = visit()
        page.open("models?e=loans")
        with page.running():
            page.page.get_by_text("An endpoint").click()
        page.type("Address", f"{serving.url}/invocations")
        page.type("Classes of its scores", "no,yes")
        page.button("Add").click()
        page.says(re.compile("Kept as v2@.?1[.]"), within=WORK)
        page.says(re.compile(r"v2@.?1 reproduces most but not all of the recorded predictions of v2"))
        page.says(re.compile("20 rows kept since it was added are asked again at each check"))
        serving.does = loans_server("v1")
        with page.running():
            page.button("Ask again").click()
        page.says(re.compile("Another model answers at this address than the one that was added"), within=WORK)
        with page.running():
            page.button("Delete").click()
        with page.running():
            page.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        page.says("No model is kept yet.")
