"""The form that adds a model behind an HTTP endpoint."""

from typing import Any

import streamlit as st

from analysis.core.evaluation import Evaluation
from analysis.engine import probe
from analysis.store import endpoint, modelhosts, models
from pages.ui import frame, working
from pages.ui.context import plain

PROTOCOLS = {endpoint.MLFLOW: "MLflow", endpoint.JSON: "Plain JSON"}
HOW = (
    "A model that answers over HTTP can be added here once an operator names its host by the setting model_hosts "
    "(`ASSAY_MODEL_HOSTS=host:port`)."
)


def form(evaluation: Evaluation) -> None:
    """Where it answers, how it speaks, what it takes."""
    names = [column.name for column in evaluation.columns]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        address = st.text_input(
            "Address",
            placeholder="https://host/invocations",
            key="models_address",
            help=plain(f"Rows are sent there. Allowed: {', '.join(modelhosts.listed())} (setting model_hosts)."),
            width=460,
        )
        protocol = st.segmented_control(
            "Protocol",
            list(PROTOCOLS),
            default=endpoint.MLFLOW,
            format_func=PROTOCOLS.__getitem__,
            key="models_protocol",
            help='MLflow: `{"dataframe_split": ...}` to `{"predictions": [...]}`. Plain JSON: `{"rows": [{...}]}` to '
            '`{"scores": [[...]], "classes": [...], "labels": [...]}`.',
        )
    features = st.multiselect(
        "Features it is sent",
        names,
        default=[name for name in evaluation.roles.features if name in names],
        key="models_sent",
        help="By name, in this order.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        classes = st.text_input(
            "Classes of its scores",
            placeholder="As it names them; else no, yes",
            key="models_classes",
            help="In the order of the scores, with commas between; needed only where the endpoint does not say.",
            width=260,
        )
        name = st.text_input("Keep as", value=evaluation.models[-1].name, key="models_endpoint_name", width=260)
        if st.button("Add", type="primary", icon=":material/add:", key="models_add_endpoint", disabled=not address):
            _add(
                evaluation,
                address.strip(),
                str(protocol),
                features,
                [each.strip() for each in classes.split(",") if each.strip()],
                name,
            )
    st.caption(
        "A header that carries a secret is given in a terminal: "
        "`python -m analysis models add --endpoint URL --header-env Authorization=VARIABLE ...`."
    )


def _add(
    evaluation: Evaluation, address: str, protocol: str, features: list[str], classes: list[str], name: str
) -> None:
    space, engine = frame.workspace(), frame.engine()

    def work(progress: Any, stop: Any) -> dict[str, Any]:
        progress(0.1, "asking it about a few rows")
        made = endpoint.endpoint(address, protocol, features=features, classes=classes)
        rows = probe.probe(engine.open(evaluation), features)
        given = {"name": name, "evaluation": evaluation.name, "classes": evaluation.classes, "cancelled": stop}
        model, new = models.add_endpoint(space, made, rows, **given)
        return {"model": model.id, "new": new}

    working.start("model", "Adding an endpoint", work)
    st.rerun()
