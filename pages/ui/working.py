"""Long work on the screen: start a job, watch it, cancel it, go on when it is done."""

import threading
from collections.abc import Callable
from typing import Any

import streamlit as st

from analysis.core import words
from analysis.core.errors import Interrupted
from analysis.store import jobs, sample
from analysis.store.child import Progress
from pages.ui import context, frame
from pages.ui.context import plain


def start(
    kind: str, title: str, work: Callable[[Progress, threading.Event], dict[str, Any]], *, about: str = ""
) -> None:
    """Run the work as a job of this session; `watch` shows it. It goes on when the session ends; where another session
    has begun a job of this kind `about` the same, this one waits for that."""
    job = jobs.underway(kind, about) if about else None
    job = job or jobs.start(frame.workspace(), kind=kind, title=title, work=work, about=about)
    st.session_state["job"] = job.id


def stopping(progress: Progress, stop: threading.Event) -> Progress:
    """The progress of work that asks nobody whether it was cancelled: each report ends it once it was."""

    def report(share: float, doing: str) -> None:
        if stop.is_set():
            raise Interrupted("Cancelled. Nothing was kept.")
        progress(share, doing)

    return report


def current() -> jobs.Job | None:
    """This session's job, running or just ended."""
    id = st.session_state.get("job")
    return jobs.get(id) if id else None


def busy(kind: str) -> bool:
    """Whether this session waits for a job of this kind."""
    job = current()
    return job is not None and job.kind == kind


def leave() -> None:
    """Wait no longer for this session's job; it goes on."""
    st.session_state.pop("job", None)


def watch(kind: str, early: Callable[[], bool] | None = None) -> jobs.Job | None:
    """Show the running job of this kind with its progress and a way to cancel.

    Returns the job once, on the run after it was done; errors and cancellations are shown here. early: whether there
    is something to show before it is done; then the page is run again.
    """
    job = current()
    if job is None or job.kind != kind:
        return None
    if job.running:
        _progress(job, early)
        return None
    del st.session_state["job"]
    if job.state == "done":
        return job
    if job.state == "cancelled":
        st.info(plain(job.error), icon=":material/cancel:")
    else:
        st.error(plain(job.error), icon=":material/error:")
    return None


@st.fragment(run_every="0.5s")
def _progress(job: jobs.Job, early: Callable[[], bool] | None) -> None:
    if not job.running or (early is not None and early()):
        st.rerun()
    with st.container(border=True, key="job"):
        left = job.seconds_left
        time_left = "" if left is None else f" · about {left:.0f} s left"
        st.progress(job.share, text=plain(f"{job.title}: {job.doing}{time_left}"))
        st.button("Cancel", on_click=job.cancel, key="job_cancel", disabled=job.cancelled.is_set())


def follow_sample() -> None:
    """Show the sample's loading where it was asked for; when its main part is there, go to its overview.

    The rest of it is loaded meanwhile.
    """
    if watch("sample") is not None:
        space = frame.workspace()
        jobs.start(
            space,
            kind="sample",
            title="Loading the rest of the sample",
            work=lambda progress, stop: sample.load(space, progress=progress, cancelled=stop),
        )
        context.request(sample.first(space))
        st.switch_page(frame.page("overview"))


def offer_sample(*, key: str) -> None:
    """One click loads the sample. The page calls `follow_sample` on every run, as it may fill up meanwhile."""
    job = current()
    running = job is not None and job.running
    if st.button("Load the sample", icon=":material/science:", key=key, disabled=running):
        space = frame.workspace()
        start(
            "sample",
            "Loading the sample",
            lambda progress, stop: sample.load(space, first_only=True, progress=progress, cancelled=stop),
        )
        st.rerun()
    st.caption(
        f"Loan decisions over 26 weeks, {words.count(20_000)} rows, two model versions, with planted faults to find."
    )
