"""Charts as files: each stands alone, with its marks, its title and what it is of."""

import re

import pytest

from analysis.questions import overview
from analysis.telling import charts, picture, rows
from analysis.telling.citation import source
from analysis.telling.picture import Drawn
from tests.engine.making import Folder
from tests.questions.test_overview import course, made_of


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("evaluations"))
    yield overview(made_of(folder, course(60)))
    folder.close()


def drawn(result, name):
    if name == "trend":
        return Drawn(rows.trend(result, "recall"), charts.trend("share", "Recall", False), "Recall over time")
    if name == "labelled":
        return Drawn(rows.labelled(result, "m"), charts.labelled(), "Rows and labels")
    return Drawn(rows.versions(result, "recall"), charts.point_range("share", "Recall", 120), "Recall by version")


@pytest.mark.parametrize("name", ["trend", "labelled", "versions"])
def test_a_picture_has_a_mark_for_every_row_its_title_and_its_receipt(result, name):
    chart = drawn(result, name)
    said = picture.svg(chart, source(result)).decode()
    assert said.startswith("<svg")
    assert said.rstrip().endswith("</svg>")
    for each in chart.rows["aria"]:
        assert each.replace("'", "&#39;") in said or each in said, each
    assert chart.title in said
    assert f"receipt {result.receipt.id}" in said
    assert "currentColor" not in said
    assert not re.search(r"NaN|undefined", said)


def test_the_same_as_png(result):
    made = picture.png(drawn(result, "trend"), source(result))
    assert made.startswith(b"\x89PNG")
    assert int.from_bytes(made[16:20]) > 1400
