"""Recipes: for each sample file the evaluations an analyst would set up, as the roles they would confirm."""

from typing import Any

from analysis.core.roles import BINARY, MULTICLASS, REGRESSION, ModelColumns, Roles
from sample_data.places import sunday
from sample_data.schema import Schema

REFERENCE_WEEKS = 8


def recipe(name: str, title: str, task: str, roles: Roles) -> dict[str, Any]:
    return {"name": name, "title": title, "task": task, "roles": roles.to_dict()}


def of_table(schema: Schema) -> list[dict[str, Any]]:
    """The outcome with both versions, the same weighted, and the amount's forecast."""
    name = schema.columns
    shared = Roles(
        id=(name["id"],),
        time=name["time"],
        segments=tuple(name[slot] for slot in ("area", "branch", "product", "channel", "device", "work")),
        protected=(name["gender"], name["band"]),
        features=(*schema.features, name["address"], name["leak"]),
        text=(name["note"],),
        unit=name["customer"],
        reference=(str(schema.start), str(sunday(schema, REFERENCE_WEEKS))),
    )
    models = tuple(
        ModelColumns(
            model,
            prediction=name[f"decision_{which}"],
            scores=((None, name[f"score_{which}"]),),
            latency=name[f"latency_{which}"],
        )
        for which, model in enumerate(schema.models, start=1)
    )
    binary = shared.with_(label=name["label"], models=models, amount=name["size"], positive=schema.positive)
    forecast = ModelColumns(name["forecast"], name["forecast"], quantiles=((0.1, name["low"]), (0.9, name["high"])))
    losses = shared.with_(label=name["loss"], models=(forecast,))
    singular = schema.name.removesuffix("s")
    return [
        recipe(schema.name, schema.title, BINARY, binary),
        recipe(f"{schema.name} weighted", f"{schema.title}, weighted", BINARY, binary.with_(weight=name["weight"])),
        recipe(f"{singular} losses", f"Loss of each {singular}, forecast with quantiles", REGRESSION, losses),
    ]


def of_digits() -> list[dict[str, Any]]:
    models = tuple(
        ModelColumns(
            model,
            prediction=f"{model}_prediction",
            scores=tuple((str(digit), f"{model}_proba_{digit}") for digit in range(10)),
        )
        for model in ("logreg", "forest")
    )
    roles = Roles(
        id=("image_id",),
        label="digit",
        models=models,
        features=("ink", "ink_left", "ink_top", "symmetry", "width", "height"),
        segments=("stroke",),
        split="fold",
    )
    return [recipe("digits", "Handwritten digits, two models", MULTICLASS, roles)]


def of_diabetes() -> list[dict[str, Any]]:
    models = tuple(
        ModelColumns(model, f"{model}_prediction", quantiles=((0.1, f"{model}_q10"), (0.9, f"{model}_q90")))
        for model in ("linear", "boosted")
    )
    roles = Roles(
        id=("patient_id",),
        label="progression",
        models=models,
        features=("age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"),
        protected=("sex",),
        split="fold",
    )
    return [recipe("diabetes", "Diabetes progression, two models", REGRESSION, roles)]
