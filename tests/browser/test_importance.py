"""The page Importance: what a model leans on, a feature's curve, and long work that is cancelled and taken up again."""

import re

import pytest
from playwright.sync_api import expect

from analysis.store import models, workers
from analysis.store.sample import FOLDER
from analysis.store.workspace import Workspace
from tests.browser.visitor import MARKS, WORK

CHART = f"[class*='st-key-importance_ranking'] {MARKS}"


@pytest.fixture
def kept_model(server, sample):
    """The sample's second version as a model of the server's workspace, gone afterwards."""
    space = Workspace.open(server.workspace, actor="tester")
    model, _ = models.add(space, FOLDER / "loan_v2.onnx", name="v2", evaluation="loans")
    yield model
    models.delete(space, model)
    workers.forget(model.id)
    space.close()


def test_what_a_model_leans_on(visit, sample, request):
    page = visit()
    page.open("importance?e=loans")
    page.says("No model is kept yet.")
    expect(page.page.get_by_role("link", name="Add a model")).to_be_visible()

    request.getfixturevalue("kept_model")
    page.open("importance?e=loans")
    page.says(re.compile(r"v2@.?\d leans most on loan_to_income: shuffling it costs 0\.\d+ of ROC AUC"), within=WORK)
    expect(page.page.locator(CHART)).to_have_count(9)
    page.says(re.compile(r"The mean score of 'yes' by v2@.?\d rises from .* with loan_to_income"))
    page.page.locator(f"{CHART}[aria-label^='income: ']").click()
    page.says(re.compile("The mean score of 'yes' .* with income at"))
    assert page.address()["importance_feature"] == ["income"]


@pytest.mark.slow
def test_long_work_is_cancelled_and_taken_up_again(visit, sample, kept_model):
    page = visit()
    page.open("importance?e=loans&importance_by=week")
    page.page.locator(".st-key-job_cancel").get_by_role("button").click(timeout=WORK)
    page.says(re.compile("parts of the work are kept; starting again goes on there"), within=WORK)
    go = page.page.locator(".st-key-importance_shuffle").get_by_role("button")
    expect(go).to_have_text(re.compile("Go on"))
    go.click()
    expect(page.page.locator(".st-key-job")).to_contain_text(re.compile("kept from before"))
    page.page.locator(".st-key-job_cancel").get_by_role("button").click()
    expect(go).to_be_visible(timeout=WORK)
