"""Answers in a terminal: a sentence and a table, or one JSON object; and what is said of datasets and evaluations."""

import json
from dataclasses import asdict
from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.dataset import Dataset
from analysis.core.evaluation import Evaluation
from analysis.core.model import Model
from analysis.core.receipt import Result, records
from analysis.core.roles import Guess
from analysis.core.surrogate import SurrogateOf

ONLY_JSON = ("method", "bound")


def told(sentence: str, frame: pl.DataFrame, receipt: dict[str, Any], as_json: bool) -> str:
    """What a command prints: one JSON object, or the sentence and the table a person reads."""
    if as_json:
        return json.dumps(
            {"sentence": sentence, "frame": records(frame), "receipt": receipt}, ensure_ascii=False, allow_nan=False
        )
    return _read(sentence, [frame])


def told_with(
    sentence: str, frame: pl.DataFrame, further: dict[str, pl.DataFrame], receipt: dict[str, Any], as_json: bool
) -> str:
    """The same with further frames: in JSON as `frames`, else a table each."""
    if not as_json:
        return _read(sentence, [frame, *further.values()])
    said = json.loads(told(sentence, frame, receipt, True))
    said["frames"] = {name: records(each) for name, each in further.items()}
    return json.dumps(said, ensure_ascii=False, allow_nan=False)


def _read(sentence: str, frames: list[pl.DataFrame]) -> str:
    shown = [frame.select(name for name in frame.columns if name not in ONLY_JSON) for frame in frames if len(frame)]
    with pl.Config(
        tbl_rows=400,
        tbl_cols=-1,
        tbl_width_chars=150,
        tbl_formatting="NOTHING",
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        fmt_str_lengths=48,
        float_precision=4,
    ):
        return "\n\n".join([sentence, *(str(each) for each in shown)])


def chosen_frame(result: Result) -> pl.DataFrame:
    """What a person reads of the goals: a row a group where each has a threshold of its own, else a row a goal."""
    if len(result.frames["segments"]):
        return result.frames["segments"]
    return result.frames["chosen"].select("goal", "model", "threshold", "upper", "metric", "value", "low", "high", "n")


def chosen_words(result: Result) -> str:
    """What the goals chose, in a sentence each, with what they give on rows they were not chosen on."""
    return "\n".join(result.frames["chosen"]["sentence"].to_list())


def dataset_receipt(dataset: Dataset) -> dict[str, Any]:
    """What intake can show for a dataset: counts that add up, fingerprint, notes, the first rejected rows."""
    return {
        "dataset": dataset.name,
        "version": dataset.version,
        "rows": dataset.rows,
        "rejected": dataset.rejected,
        "records": dataset.rows + dataset.rejected,
        "fingerprint": dataset.fingerprint,
        "source": dataset.source,
        "options": dataset.options,
        "notes": dataset.facts.get("notes", []),
        "rejects": dataset.facts.get("rejects_sample", []),
        "created": dataset.created,
        "actor": dataset.actor,
    }


def roles_frame(evaluation: Evaluation, proposal: Guess) -> pl.DataFrame:
    """A row a column: its roles and why it has them."""
    used = evaluation.roles.used()
    rows = [
        {
            "column": column.name,
            "roles": ", ".join(used.get(column.name, [])),
            "reason": proposal.reasons.get(column.name, ""),
            "type": column.type,
        }
        for column in evaluation.columns
    ]
    return pl.DataFrame(rows)


def evaluation_receipt(evaluation: Evaluation, source: Dataset | None = None) -> dict[str, Any]:
    """What an evaluation is made of."""
    return {
        "evaluation": evaluation.name,
        "version": evaluation.version,
        "fingerprint": evaluation.fingerprint,
        "task": evaluation.task,
        "positive": evaluation.positive,
        "classes": list(evaluation.classes),
        "models": [model.name for model in evaluation.models],
        "rows": evaluation.rows,
        "labelled": evaluation.labelled,
        "roles": evaluation.roles.to_dict(),
        "notes": list(evaluation.notes),
        "dataset": source.label if source else None,
        "created": evaluation.created,
        "actor": evaluation.actor,
    }


def evaluation_sentence(evaluation: Evaluation, new: bool) -> str:
    """An evaluation in a sentence."""
    head = f"'{evaluation.name}' version {evaluation.version}" + ("" if new else " exists already and is used")
    positive = f", positive class '{evaluation.positive}'" if evaluation.positive else ""
    models = words.listed([model.name for model in evaluation.models])
    return (
        f"{head}: {evaluation.task}{positive}, {words.plural(evaluation.rows, 'row')}, "
        f"{evaluation.labelled:,} labelled, "
        f"{'model version' if len(evaluation.models) == 1 else 'model versions'} {models}."
    )


def surrogate_frame(of: SurrogateOf) -> pl.DataFrame:
    """How near a surrogate is: a row a number, with its interval, rows and method."""
    named = {of.measure: of.fit, "mean absolute difference": of.apart, "same decision": of.same}
    return pl.DataFrame([{"measure": name, **asdict(near)} for name, near in named.items() if near is not None])


def datasets_frame(known: list[Dataset]) -> pl.DataFrame:
    """A row a dataset version."""
    return pl.DataFrame(
        [
            {
                "name": each.name,
                "version": each.version,
                "rows": each.rows,
                "columns": len(each.schema),
                "fingerprint": each.fingerprint,
                "created": each.created,
            }
            for each in known
        ]
    )


def evaluations_frame(known: list[Evaluation]) -> pl.DataFrame:
    """A row an evaluation version."""
    return pl.DataFrame(
        [
            {
                "name": each.name,
                "version": each.version,
                "task": each.task,
                "positive": each.positive,
                "rows": each.rows,
                "labelled": each.labelled,
                "models": ", ".join(model.name for model in each.models),
                "fingerprint": each.fingerprint,
                "created": each.created,
            }
            for each in known
        ],
        schema_overrides={"positive": pl.String},
    )


def models_frame(known: list[Model]) -> pl.DataFrame:
    """A row a model version."""
    return pl.DataFrame(
        [
            {
                "name": each.name,
                "version": each.version,
                "kind": each.kind,
                "takes": each.takes,
                "classes": ", ".join(each.classes),
                "made": each.made,
                "evaluation": each.evaluation,
                "fingerprint": each.fingerprint,
                "created": each.created,
            }
            for each in known
        ]
    )
