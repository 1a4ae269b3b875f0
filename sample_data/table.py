"""Table: the rows of one file, chunk by chunk, and the count of what was planted in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from sample_data import cells, copies, inputs, outputs, world  # noqa: F401 (importing registers their faults)
from sample_data.fault import FAULTS, LISTED_IDS, Scene, Touch, entry
from sample_data.places import Places
from sample_data.schema import Schema
from sample_data.scorers import Scorers
from sample_data.world import Batch

CHUNK = 100_000
LEAST_ROWS = 500
ID_DIGITS = 8
CHOICES = ("branch", "area", "product", "channel", "device", "work", "gender", "band", "household")
WHOLE = ("age", "prior", "address", "leak", "loss", "forecast", "low", "high", "latency_1", "latency_2")


@dataclass
class Count:
    """The answer key's entries, filled as chunks go by. An entry lists ids only while the fault has few rows."""

    faults: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, scene: Scene, titles: dict[str, str], touches: dict[str, Touch], batch: Batch) -> None:
        ids = batch.columns["id"]
        for code, touch in touches.items():
            known = self.faults.setdefault(code, entry(scene, code, titles[code], touch))
            touched = batch.touched[code]
            known["rows"] += int(touched.sum())
            known["place_rows"] += int(batch.place[code].sum())
            room = LISTED_IDS + 1 - len(known["ids"])
            known["ids"] += [shown_id(scene, number) for number in ids[touched][:room]]

    def entries(self) -> list[dict[str, Any]]:
        """One dict per fault; `ids` only where `where` does not say which rows, and up to 1,000 of them."""
        found = []
        for known in self.faults.values():
            told = known["rows"] == known["place_rows"] or known["rows"] > LISTED_IDS
            found.append({key: value for key, value in known.items() if not (told and key == "ids")})
        return found


def enough(rows: int) -> None:
    """Errors: ValueError below 500 rows, where the faults would have no room."""
    if rows < LEAST_ROWS:
        raise ValueError(f"--rows {rows} is too few for the planted faults; give at least {LEAST_ROWS}.")


def shown_id(scene: Scene, number: int) -> str:
    return f"{scene.schema.prefix}{int(number):0{ID_DIGITS}d}"


def chunks(
    schema: Schema, places: Places, scorers: Scorers, seed: int, rows: int, count: Count, size: int = CHUNK
) -> Iterator[pl.DataFrame]:
    """The file's rows in order of time, at most `size` and a half at once. Fills `count`."""
    edges = np.linspace(0, rows, max(1, round(rows / size)) + 1).astype(int)
    for number, (first, last) in enumerate(pairwise(edges)):
        scene = Scene(schema, places, seed, number)
        batch, touches, titles = made(scene, scorers, int(first), int(last), rows)
        count.add(scene, titles, touches, batch)
        yield frame(scene, batch)


def made(
    scene: Scene, scorers: Scorers, first: int, last: int, rows: int
) -> tuple[Batch, dict[str, Touch], dict[str, str]]:
    """Rows first to last of the file with all their faults, what each fault did, and the faults' titles."""
    schema, rng = scene.schema, np.random.default_rng([scene.seed, 4, scene.chunk])
    n = last - first - sum(copies.copied(last - first).values())
    share = (first + (np.arange(n) + rng.random(n)) * ((last - first) / n)) / rows
    batch = world.draw(schema, scene.places, rng, share, max(50, int(0.7 * rows)))
    touches: dict[str, Touch] = {}

    def stage(name: str) -> None:
        for code, (when, _, apply) in FAULTS.items():
            if when == name:
                touch = touches[code] = apply(scene, batch)
                batch.touched[code] = touch.touched
                batch.place[code] = np.ones(n, dtype=bool) if touch.place is None else touch.place

    stage("world")
    world.finish(batch.columns)
    world.outcomes(schema, batch.columns, world.log_odds(schema, batch.columns), rng)
    true_inputs = batch.inputs()
    stage("inputs")
    read = batch.inputs()
    for which in (1, 2):
        batch.columns[f"score_{which}"] = scorers.scores(which - 1, read)
        batch.columns[f"latency_{which}"] = np.round(np.exp((3.7, 4.5)[which - 1] + 0.3 * rng.standard_normal(n)))
    batch.columns["forecast"], batch.columns["low"], batch.columns["high"] = scorers.losses(true_inputs)
    stage("outputs")
    stage("cells")
    batch, added = copies.with_copies(scene, batch, first + 1, last - first)
    for code, touch in added.items():
        batch.touched[code], batch.place[code] = touch.touched, np.ones(batch.n, dtype=bool)
    titles = {code: title for code, (_, title, _) in FAULTS.items()} | copies.TITLES
    return batch, touches | added, titles


def frame(scene: Scene, batch: Batch) -> pl.DataFrame:
    """The batch as it is written: the file's names, missing as null, times as text."""
    schema, columns = scene.schema, batch.columns
    start = int((datetime.combine(schema.start, datetime.min.time()) - datetime(1970, 1, 1)).total_seconds())
    made: dict[str, pl.Series] = {}
    for slot in CHOICES:
        made[slot] = pl.Series(scene.values(slot)).gather(columns[slot])
    for slot in WHOLE:
        values = pl.Series(columns[slot].astype(float), nan_to_null=True)
        made[slot] = values.cast(pl.Int64)
    for slot in ("size", "ratio", "tenure", "history", "use", "savings", "score_1", "score_2", "weight", "money"):
        made[slot] = pl.Series(columns[slot], nan_to_null=True)
    for slot in ("size", "history", "savings"):
        made[slot] = made[slot].cast(pl.Int64)
    yes_no = pl.Series([schema.negative, schema.positive, None])
    for slot in ("label", "decision_1", "decision_2"):
        made[slot] = yes_no.gather(np.where(columns[slot] < 0, 2, columns[slot]))
    made["time"] = pl.Series((columns["time"] + start) * 1000).cast(pl.Datetime("ms")).dt.strftime(schema.stamp)
    made["begun"] = pl.Series(columns["begun"] + start // 86400).cast(pl.Int32).cast(pl.Date)
    made["id"] = schema.prefix + pl.Series(columns["id"]).cast(pl.String).str.zfill(ID_DIGITS)
    made["customer"] = "C" + pl.Series(columns["customer"]).cast(pl.String).str.zfill(7)
    scrambled = columns["token"] * 387_420_489 % 1_000_000_000
    made["token"] = "R" + pl.Series(scrambled).cast(pl.String).str.zfill(9)
    made["constant"] = pl.Series([schema.constant]).new_from_index(0, batch.n)
    own = np.flatnonzero(columns["note"] >= cells.TEXTS)
    note = pl.Series([None, *schema.notes]).gather(np.where(columns["note"] >= cells.TEXTS, 0, columns["note"]))
    made["note"] = note.scatter(own, [cells.personal_text(int(code)) for code in columns["note"][own]])
    return pl.DataFrame({name: made[slot] for slot, name in schema.columns.items()})
