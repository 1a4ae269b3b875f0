"""The sample's answer key as a search of weak spots should find it: which search shows which planted fault."""

import json
from pathlib import Path
from typing import Any

from analysis import questions
from analysis.core.evaluation import Evaluation
from analysis.core.expression import parse
from analysis.core.roles import Roles
from analysis.engine.coded import Scope
from analysis.engine.condition import render
from analysis.engine.duckdb import Engine
from analysis.engine.objectives import of
from analysis.engine.statements import references
from analysis.questions import Asked
from analysis.store import datasets, evaluations
from analysis.store.sample import FOLDER
from analysis.store.workspace import Workspace
from sample_data import places as where
from sample_data import recipes, scorers
from sample_data.generate import write_table
from sample_data.schema import SCHEMAS

SHOWS = {  # fault: (place of the evaluation among the schema's recipes, objective, model version, against)
    "pair_failure": (0, "log_loss", 1, 0),
    "miscalibrated_group": (0, "calibration", 1, None),
    "inverted_scores": (0, "log_loss", 0, None),
    "unfair_decisions": (0, "false_positive_rate", 1, None),
    "label_noise": (0, "log_loss", 0, None),
    "biased_forecast": (2, "bias", 0, None),
}


def shipped() -> tuple[Path, Path]:
    """(the table beside the app, its key)."""
    return FOLDER / "loans.csv", FOLDER / "answer_key.json"


def drawn(folder: Path, schema: str, seed: int, rows: int = 20_000) -> tuple[Path, Path]:
    """The same of another schema or seed, made now."""
    chosen = SCHEMAS[schema]
    fitted = scorers.fit(chosen, where.draw(chosen, seed), seed)
    table, key = write_table(chosen, seed=seed, rows=rows, out=folder, fitted=fitted)
    return table, key


def made(workspace: Workspace, table: Path, key: Path) -> tuple[list[Evaluation], dict[str, Any]]:
    """The evaluations of a sample's table, and its key."""
    schema = table.stem
    chosen = SCHEMAS[schema]
    dataset, _ = datasets.ingest(workspace, table, name=schema)
    found = []
    for plan in recipes.of_table(chosen):
        roles = Roles.from_dict(plan["roles"])
        name = plan["name"]
        found.append(evaluations.create(workspace, dataset, name=name, task=plan["task"], roles=roles)[0])
    return found, json.loads(key.read_text())[table.name]


def overlap(
    workspace: Workspace, known: list[Evaluation], key: dict[str, Any], fault: str
) -> tuple[float, float, float, str]:
    """(Jaccard index, share of the hit's rows in the place, share of the place's rows in the hit, the hit), of the hit
    that is most like the fault's place, on the rows that were searched."""
    at, objective, place, other = SHOWS[fault]
    facts = known[at]
    opened = Engine(workspace).open(facts)
    models = [each.name for each in facts.models]
    against = "" if other is None else models[other]
    result = questions.discover(opened, Asked(objective=objective, models=(models[place],), against=against))
    text = next(each["where"] for each in key["faults"] if each["code"] == fault)
    theirs = opened.judge(against, None) if against else None
    scope = Scope(of(facts, objective), opened.judge(models[place], None), theirs=theirs)
    truth = render(parse(text, columns=facts.types()), references(facts))
    best = (0.0, 0.0, 0.0, "nothing")
    for segment in result.frame["segment"]:
        hit = render(parse(segment, columns=facts.types()), references(facts))
        both, own, whole = opened.scan(
            f"SELECT count(*) FILTER ({hit} AND {truth}), count(*) FILTER ({hit}), count(*) FILTER ({truth}) "
            f"FROM rows r WHERE {scope.rows()}"
        ).row(0)
        best = max(best, (both / (own + whole - both), both / own, both / whole, segment))
    return best
