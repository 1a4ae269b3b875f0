"""Quality: every planted fault is found with its rows, clean tables stay clear, and effects are those of the rows."""

import json

import polars as pl
import pytest

from analysis import questions
from analysis.core.expression import parse
from analysis.core.roles import Roles
from analysis.engine import subject as subjects
from analysis.engine.duckdb import Engine
from analysis.store import datasets, evaluations
from analysis.store.workspace import Workspace
from sample_data import recipes
from sample_data.schema import SCHEMAS
from tests.engine.making import ONE, Folder, Table, opened
from tests.questions.answer_key import drawn, shipped

FINDS = {  # fault: the check that finds it
    "low_volume": "Q15",
    "new_category": "Q16",
    "missing_not_at_random": "L06",
    "unit_change": "Q17",
    "placeholder_number": "Q10",
    "inverted_scores": "P04",
    "missing_predictions": "P07",
    "unfair_decisions": "P03",
    "overridden_decisions": "P03",
    "late_labels": "L07",
    "spelled_missing": "Q08",
    "spelled_missing_number": "Q08",
    "spellings": "Q13",
    "future_dates": "Q11",
    "repeated_rows": "Q01",
    "copies_under_new_id": "Q02",
    "contradictory_copies": "Q04",
    "label_noise": "L08",
    "e_mail_addresses": "V01",
    "telephone_numbers": "V01",
}
OTHERS_TOO = ("missing_predictions", "unfair_decisions", "label_noise")
PRECISION = {"missing_predictions": 1.0, "unfair_decisions": 0.99, "label_noise": 0.6}
RECALL = {"missing_predictions": 1.0, "unfair_decisions": 0.99, "label_noise": 0.55}
"""Least precision and recall of these; of all the others both are 1."""
SAYS = {"e_mail_addresses": "e-mail", "telephone_numbers": "telephone"}
"""What tells apart hits of one check in one column."""
OF_COLUMNS = {"constant_column": "Q05", "id_like_column": "Q07", "leaking_feature": "L03"}


def judged(folder, files):
    """(the frame of a sample's main evaluation, its rows by place, its answer key, {fault: rows touched})."""
    table, key = files
    workspace = Workspace.open(folder / "workspace", actor="tester")
    try:
        dataset, _ = datasets.ingest(workspace, table, name=table.stem)
        plan = recipes.of_table(SCHEMAS[table.stem])[0]
        made, _ = evaluations.create(
            workspace, dataset, name="e", task=plan["task"], roles=Roles.from_dict(plan["roles"])
        )
        opened = Engine(workspace).open(made)
        subject = subjects.of_evaluation(opened)
        result = questions.quality(subject, checks=sorted({*FINDS.values(), *OF_COLUMNS.values()}))
        hits = []
        for row in result.frame.filter(outcome="found").iter_rows(named=True):
            places = set()
            if row["where"]:
                where = subject.condition(parse(row["where"], columns=made.types()))
                places = set(opened.scan(f"SELECT rowid AS p FROM rows r WHERE {where}")["p"])
            if row["code"] in ("Q01", "Q02", "Q03", "Q04"):
                places = set(result.frames["places"].filter(code=row["code"])["place"])
            assert row["rows"] in (None, len(places)), row
            hits.append(row | {"places": places})
        faults = json.loads(key.read_text())[table.name]["faults"]
        truth = {}
        ids = opened.scan(f"SELECT rowid AS p, {made.column(made.roles.id[0]).key} AS id FROM rows")
        for fault in faults:
            if fault.get("ids"):
                mine = ids.filter(pl.col("id").is_in(fault["ids"])).sort("p")
                again = {"repeated_rows", "contradictory_copies"}
                mine = mine.filter(~pl.col("id").is_first_distinct()) if fault["code"] in again else mine
                truth[fault["code"]] = set(mine["p"])
            elif fault["where"]:
                where = subject.condition(parse(fault["where"], columns=made.types()))
                truth[fault["code"]] = set(opened.scan(f"SELECT rowid AS p FROM rows r WHERE {where}")["p"])
        return hits, {fault["code"]: fault for fault in faults}, truth
    finally:
        workspace.close()


def check(folder, files):
    hits, faults, truth = judged(folder, files)
    for code, check_code in FINDS.items():
        fault = faults[code]
        mine = [
            hit for hit in hits if hit["code"] == check_code and set(hit["columns"].split(", ")) & set(fault["columns"])
        ]
        if "model" in fault["size"]:
            mine = [hit for hit in mine if hit["model"] == fault["size"]["model"]]
        mine = [hit for hit in mine if SAYS.get(code, "") in hit["sentence"]]
        if code in ("repeated_rows", "copies_under_new_id"):
            mine = [hit for hit in hits if hit["code"] == check_code]
        rows = set().union(*(hit["places"] for hit in mine))
        wanted = truth[code]
        if code in OTHERS_TOO:  # the place is told, not which of its rows
            assert rows, (code, "not found")
            assert len(rows & wanted) / len(rows) >= PRECISION[code], code
            assert len(rows & wanted) <= fault["rows"] <= len(rows & wanted) / RECALL[code], code
            continue
        assert rows, (code, "not found")
        both = len(rows & wanted)
        precision, recall = both / len(rows), both / len(wanted)
        assert (precision, recall) == (1.0, 1.0), (code, precision, recall)
    for code, check_code in OF_COLUMNS.items():
        column = faults[code]["columns"][0]
        assert any(hit["code"] == check_code and column in hit["columns"].split(", ") for hit in hits), code


def test_every_planted_fault_is_found_with_its_rows(tmp_path):
    check(tmp_path, shipped())


@pytest.mark.slow
@pytest.mark.parametrize(("schema", "seed"), [("loans", 8), ("loans", 9), ("loans", 10), ("claims", 7), ("claims", 8)])
def test_other_seeds_and_another_schema(tmp_path, schema, seed):
    check(tmp_path, drawn(tmp_path, schema, seed))


def test_effects_come_after_the_same_hits(tmp_path):
    folder = Folder(tmp_path)
    score = [(at * 37 % 100) / 100 + 0.001 for at in range(400)]
    label = ["yes" if (at * 53 % 100) / 100 < each else "no" for at, each in enumerate(score)]
    columns = {"y": ("VARCHAR", label), "p": ("VARCHAR", ["yes" if each > 0.5 else "no" for each in score])}
    kinds = ["N/A" if at % 10 == 0 else "ab"[at % 2] for at in range(400)]
    columns |= {"s": ("DOUBLE", score), "kind": ("VARCHAR", kinds)}
    opened_ = opened(folder, Table(columns), task="binary", roles=Roles(label="y", models=(ONE,), positive="yes"))
    subject = subjects.of_evaluation(opened_)
    assert not questions.judged_before(subject, opened_, effects=False)
    first = questions.quality(subject, evaluation=opened_, effects=False)
    assert questions.judged_before(subject, opened_, effects=False)
    assert not questions.judged_before(subject, opened_, "accuracy")
    asked = []
    whole = questions.quality(
        subject, evaluation=opened_, metric="accuracy", progress=lambda share, doing: asked.append(doing)
    )
    assert set(asked) == {"Measuring what the rows found do to the metric"}
    assert questions.judged_before(subject, opened_, "accuracy")
    assert first.frame["effect"].null_count() == len(first.frame)
    assert set(first.frame["sentence"]) == set(whole.frame["sentence"])
    row = whole.frame.filter(code="Q08").row(0, named=True)
    right = [said == each for said, each in zip(*(columns[name][1] for name in ("p", "y")), strict=True)]
    rest = [each for at, each in enumerate(right) if at % 10]
    assert row["effect"] == pytest.approx(sum(right) / 400 - sum(rest) / len(rest), abs=1e-12)
    folder.close()
