"""Taking a file in: upload, preview, keep. The uploaded bytes leave the server's memory as soon as they are on disk."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from analysis.core import words
from analysis.core.dataset import Dataset, name_from_file
from analysis.core.errors import AssayError
from analysis.core.rule import FAIL, WARN
from analysis.core.settings import whole
from analysis.engine import ruling
from analysis.store import datasets
from analysis.store.staging import check_free_space, disk_errors, new_id
from pages.ui import frame, show, working
from pages.ui.context import plain

BLOCK = 1 << 20


def upload() -> None:
    """The drop zone, and the preview of what was dropped."""
    turn = st.session_state.setdefault("intake_turn", 0)
    waiting: dict[str, Any] | None = st.session_state.get("intake_file")
    if waiting is None:
        file = st.file_uploader(
            "Drop a CSV or Parquet file here",
            key=f"intake_upload_{turn}",
            max_upload_size=whole("upload_mb"),
            help="CSV with any delimiter, also gzipped; Parquet. For larger files: `python -m analysis ingest FILE`.",
        )
        if file is None:
            return
        st.session_state["intake_file"] = take(file)
        st.session_state["intake_turn"] = turn + 1
        st.rerun()
    else:
        _preview(waiting)


def waiting() -> bool:
    """Whether a dropped file waits to be kept or discarded."""
    return "intake_file" in st.session_state


def take(file: Any) -> dict[str, Any]:
    """Copy an upload to disk in blocks and let its bytes go."""
    space = frame.workspace()
    target = space.root / "uploads" / new_id()
    check_free_space(space.root, file.size)
    with disk_errors(), target.open("wb") as out:
        shutil.copyfileobj(file, out, BLOCK)
    label = file.name
    _release(file)
    return {"path": str(target), "label": label, "size": target.stat().st_size}


def _release(file: Any) -> None:
    """Free an upload's memory now; left alone, Streamlit holds it until the session ends."""
    run = get_script_run_ctx()
    remove = getattr(getattr(run, "uploaded_file_mgr", None), "remove_file", None)
    if run is not None and remove is not None:
        remove(session_id=run.session_id, file_id=file.file_id)
    file.close()


def _drop() -> None:
    waiting = st.session_state.pop("intake_file", None)
    st.session_state.pop("intake_preview", None)
    if waiting is not None:
        Path(waiting["path"]).unlink(missing_ok=True)


def _preview(waiting: dict[str, Any]) -> None:
    path, label = Path(waiting["path"]), waiting["label"]
    if working.current() is not None:
        return
    if not path.exists():
        _drop()
        st.info("The uploaded file was cleared away in the meantime; drop it again.")
        return
    try:
        if "intake_preview" not in st.session_state:
            with st.spinner("Looking into the file ..."):
                st.session_state["intake_preview"] = datasets.preview(path, label=label)
    except AssayError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.caption("Nothing was stored.")
        st.button("Choose another file", on_click=_drop, key="intake_again")
        return
    seen = st.session_state["intake_preview"]
    with st.container(border=True, key="intake_preview_box"):
        show.heading(label, _understood(seen, waiting["size"]))
        for note in seen.get("notes", []):
            st.caption(plain(note))
        columns = pl.DataFrame(
            [{"column": each["name"], "type": each["type"]} for each in seen["columns"]],
            schema={"column": pl.String, "type": pl.String},
        )
        sides = st.columns([1, 3])
        with sides[0]:
            show.table(columns, alt="Columns and their guessed types", height=300)
        with sides[1]:
            names = [each["name"] for each in seen["columns"]]
            rows = pl.DataFrame(seen["rows"], schema=dict.fromkeys(names, pl.String), orient="row")
            show.table(rows, alt="First rows", height=300)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Keep as", value=name_from_file(label), key="intake_name", width=320)
            if st.button("Keep", type="primary", key="intake_keep", icon=":material/check:"):
                _keep(path, label, name)
            st.button("Discard", on_click=_drop, key="intake_discard")
        same = [each for each in datasets.listed(frame.workspace()) if each.name == name.strip()]
        if same:
            st.caption(plain(f"'{name}' exists: this becomes version {max(each.version for each in same) + 1}."))


def _understood(seen: dict[str, Any], size: int) -> str:
    dialect = seen.get("dialect") or {}
    parts = [seen["format"].upper() if seen["format"] == "csv" else "Parquet", f"{size / 1e6:,.1f} MB"]
    parts.append(words.plural(len(seen["columns"]), "column"))
    if dialect.get("delimiter"):
        shown = {"\t": "tab", " ": "space", ",": "comma"}.get(dialect["delimiter"], dialect["delimiter"])
        parts.append(f"delimiter {shown}")
    if dialect.get("encoding"):
        parts.append(str(dialect["encoding"]))
    return ", ".join(parts)


def _keep(path: Path, label: str, name: str) -> None:
    space = frame.workspace()

    def work(progress: Any, stop: Any) -> dict[str, Any]:
        dataset, new = datasets.ingest(space, path, name=name, label=label, progress=progress, cancelled=stop)
        path.unlink(missing_ok=True)
        broken = [row["sentence"] for row in ruling.run(space, dataset) if row["outcome"] in (FAIL, WARN)]
        return {"dataset": dataset.id, "new": new, "broken": broken}

    working.start("ingest", f"Taking in {label}", work)
    st.rerun()


def kept() -> tuple[Dataset, bool, list[str]] | None:
    """The dataset just kept by this session, whether it is new, and the rules it breaks in words, once."""
    job = working.watch("ingest")
    if job is None:
        return None
    _drop()
    return datasets.find(frame.workspace(), job.outcome["dataset"]), job.outcome["new"], job.outcome["broken"]


def next_step(done: tuple[Dataset, bool, list[str]]) -> None:
    """What was kept, in numbers that add up, which rules it breaks, and where to go on."""
    dataset, new, broken = done
    said = show.counted(dataset)
    head = "Kept as" if new else "These bytes are already kept as"
    st.success(plain(f"{head} '{dataset.name}' version {dataset.version}: {said}."), icon=":material/check_circle:")
    for note in dataset.facts.get("notes", []):
        st.caption(plain(note))
    if broken:
        lines = [f"It breaks {words.plural(len(broken), 'rule')}:", *broken[:5]]
        st.warning("  \n".join(plain(line) for line in lines), icon=":material/rule:")
    st.session_state["evaluations_dataset"] = dataset.id
    with st.container(key="next"):
        st.page_link(
            frame.page("evaluations"), label="Say what the columns mean and evaluate", icon=":material/arrow_forward:"
        )
