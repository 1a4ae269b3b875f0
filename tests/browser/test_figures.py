"""Key figures of one's own choice: in the address, in a shared link, and still there after a look elsewhere."""

from playwright.sync_api import expect

USUAL = ("recall", "precision", "f1", "roc_auc", "average_precision", "accuracy", "log_loss", "brier", "latency_p95")


def shows(page, *metrics):
    expect(page.page.locator("[class*=st-key-kpi_]")).to_have_count(len(metrics))
    for metric in metrics:
        expect(page.card(metric)).to_be_visible()


def test_a_choice_of_key_figures_is_in_the_link(visit, sample):
    page = visit()
    page.open("overview?e=loans")
    shows(page, *USUAL)
    assert "kpi" not in page.address()
    page.button("Key figures").click()
    page.choose("Key figures", "Specificity", box="stMultiSelect")
    shows(page, *USUAL, "specificity")
    assert page.address()["kpi"] == [*USUAL, "specificity"]
    page.page.keyboard.press("Escape")
    page.menu("Datasets")
    page.menu("Overview")
    shows(page, *USUAL, "specificity")

    other = visit()
    other.open(page.page.url, view="overview")
    shows(other, *USUAL, "specificity")


def test_a_link_with_figures_shows_these_alone_and_who_is_first(visit, sample):
    page = visit()
    page.open("overview?e=loans&kpi=kappa&kpi=roc_auc&kpi=nonsense")
    shows(page, "kappa", "roc_auc")
    assert page.sentence().startswith("On the rows both answered")
    expect(page.page.get_by_role("region", name="Which model version is first in each key figure")).to_be_visible()
    link = page.share()
    assert "kpi=kappa&kpi=roc_auc" in link
