"""The calls an endpoint has had today: counted in the catalog, so that every process of a workspace shares one cap."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

import sqlalchemy as sa

from analysis.core.settings import whole
from analysis.store.tables import endpoint_calls as table
from analysis.store.workers import Worker
from analysis.store.workspace import Workspace


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def spent(workspace: Workspace, address: str) -> int:
    """The calls to an address on this day (UTC)."""
    asked = sa.select(table.c.calls).where(table.c.address == address, table.c.day == today())
    with workspace.catalog.read() as connection:
        return connection.execute(asked).scalar_one_or_none() or 0


@contextlib.contextmanager
def counted(workspace: Workspace, address: str, worker: Worker, rows: int) -> Iterator[int]:
    """For the length of one question about so many rows: the calls it may make; those it made are counted afterwards.

    None where the day's are used up; what is in memory is answered all the same. A question whose process ended counts
    the calls its rows take.
    """
    left = max(0, whole("endpoint_calls_day") - spent(workspace, address))
    try:
        yield min(left, whole("endpoint_calls"))
    finally:
        made = worker.calls if worker.calls is not None else -(-rows // max(1, whole("endpoint_rows")))
        if made:
            _add(workspace, address, made)


def _add(workspace: Workspace, address: str, calls: int) -> None:
    day, known = today(), (table.c.address == address)
    with workspace.catalog.write() as connection:
        more = table.update().where(known, table.c.day == day).values(calls=table.c.calls + calls)
        if not connection.execute(more).rowcount:
            connection.execute(table.delete().where(known))  # of earlier days
            connection.execute(table.insert().values(address=address, day=day, calls=calls))
