"""One row by its id: found alone, with what a model takes of it, or a sentence on why not."""

import pytest

from analysis.core.errors import BadRequest, NotFound
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.duckdb import Engine
from analysis.engine.onerow import id_text, one_row
from analysis.engine.sampled import Sampled
from analysis.store import datasets, evaluations


@pytest.fixture
def opened(workspace, tmp_path):
    def made(ids, text):
        file = tmp_path / "rows.csv"
        file.write_text(text)
        dataset, _ = datasets.ingest(workspace, file, name="rows", options={})
        roles = Roles(id=ids, label="y", models=(ModelColumns("m", prediction="p"),), positive="1")
        evaluation, _ = evaluations.create(workspace, dataset, name="rows", task="binary", roles=roles)
        return Engine(workspace).open(evaluation)

    return made


ROWS = "id,day,y,p,x,city\na'1,2026-01-01,1,1,2.5,Kiel\nb,2026-01-01,0,1,3.5,\nb,2026-01-02,0,0,4.5,Bonn\n"


def test_a_row_is_found_by_its_id_with_its_values_and_what_was_recorded(opened) -> None:
    evaluation = opened(("id", "day"), ROWS)
    columns = [evaluation.facts.column(name) for name in ("x", "city")]
    row = one_row(evaluation, "b, 2026-01-02", columns)
    assert row.values.rows() == [(4.5, "Bonn")]
    assert row.frame["p0"].to_list() == ["0"]
    assert id_text(evaluation.facts, row.frame, 0) == "b,2026-01-02"
    assert row.where.expression() == "id = 'b' and day = 2026-01-02"
    assert one_row(evaluation, "a'1,2026-01-01", columns).values.rows() == [(2.5, "Kiel")]


def test_a_part_of_an_id_may_hold_a_comma(opened) -> None:
    evaluation = opened(("id", "day"), ROWS + '"b,5",2026-01-03,0,1,9.5,Ulm\n')
    row = one_row(evaluation, '"b,5",2026-01-03', ())
    assert id_text(evaluation.facts, row.frame, 0) == '"b,5",2026-01-03'


def test_the_id_of_every_row_finds_it_again(kept) -> None:
    evaluation = Engine(kept).open(evaluations.find(kept, "loans"))
    drawn = evaluation.rows(Sampled(evaluation.facts.models[-1].name, limit=5)).frame
    for at in range(len(drawn)):
        found = one_row(evaluation, id_text(evaluation.facts, drawn, at), ())
        assert found.frame["row"].item() == drawn["row"][at]


@pytest.mark.parametrize(
    ("id", "kind", "word"),
    [
        ("b", BadRequest, "2 values"),
        ("c,2026-01-01", NotFound, "No row"),
        ("b,soon", BadRequest, "cannot be read"),
    ],
)
def test_what_is_no_id_is_said(opened, id: str, kind: type[Exception], word: str) -> None:
    with pytest.raises(kind, match=word):
        one_row(opened(("id", "day"), ROWS), id, ())
