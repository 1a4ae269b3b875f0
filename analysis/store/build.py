"""Building an evaluation file from a dataset file: wide, encoded, immutable. Runs in a child.

The file holds `rows` (the columns raw and encoded, label y, weight w, local time t, half bit, and per model version
p, s, b, e, a, l, g, r, x, h, o, z: see core/evaluation.py), `codes` (what each score code holds) and `facts`.
"""

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from analysis.core import words
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.roles import BINARY, REGRESSION, Roles
from analysis.core.schema import Schema
from analysis.store import columns, labels, pivot
from analysis.store.child import Progress
from analysis.store.scores import Columns, Scorer
from analysis.store.source import Source


def build(request: dict[str, Any], *, limits: dict[str, int], progress: Progress) -> dict[str, Any]:
    """An evaluation file as asked: {source, schema, target, task, roles, seed} -> the facts of the evaluation."""
    connection = connect(Path(request["target"]), limits)
    try:
        source = request["source"].replace("'", "''")
        connection.execute(f"ATTACH '{source}' AS src (READ_ONLY)")
        roles = Roles.from_dict(request["roles"])
        schema = Schema.from_list(request["schema"])
        return Builder(connection, schema, request["task"], roles, int(request["seed"]), progress).build()
    finally:
        connection.close()


def connect(target: Path, limits: dict[str, int]) -> duckdb.DuckDBPyConnection:
    """A writable DuckDB file in a child: bounded memory, spilling only beside the file itself, nothing autoloaded."""
    config = {
        "memory_limit": f"{limits['memory_mb']}MB",
        "threads": str(limits["threads"]),
        "temp_directory": str(target.parent / "spill"),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",
    }
    connection = duckdb.connect(str(target), config=config)  # type: ignore[arg-type]
    connection.execute(f"SET max_temp_directory_size = '{limits['spill_gb']}GB'")
    return connection


def _rows(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])


class Builder:
    """One build: looks at the columns, encodes what is measured, writes the file in one pass."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        schema: Schema,
        task: str,
        roles: Roles,
        seed: int,
        progress: Progress,
    ) -> None:
        self.connection, self.schema, self.task, self.seed = connection, schema, task, seed
        self.roles, self.progress = roles, progress
        self.notes: list[str] = []
        self.columns = Columns()

    def build(self) -> dict[str, Any]:
        self.progress(0.02, "Looking at the columns")
        layout = pivot.layout(self.connection, self.schema, self.roles, self.notes)
        self.source = Source(self.connection, layout.relation, _rows(self.connection, layout.relation))
        profiles = columns.profiles(self.source, self.schema)
        self._say_nan(profiles)
        self.progress(0.15, "Reading the labels")
        classes, label_sql, facts = self._label(layout)
        self.progress(0.2, "Encoding the scores")
        scorer = Scorer(self.source, self.schema, self.task, self.roles, classes, label_sql, self.columns)
        models = [scorer.model(model) for model in layout.models]
        self.progress(0.3, "Encoding the columns")
        kept, read = columns.encode(self.source, profiles, self._instead(profiles))
        self.columns.read += read
        self._weight()
        low, high, grain = self._time()
        self._half()
        self.progress(0.4, "Writing the evaluation")
        self._write_rows()
        self._write_codes()
        evaluation = Evaluation(
            id="",
            name="",
            version=0,
            fingerprint="",
            task=self.task,
            roles=self.roles,
            columns=tuple(kept),
            models=tuple(self._counted(model) for model in models),
            rows=self.source.rows,
            classes=tuple(classes),
            time_low=low,
            time_high=high,
            grain=grain,
            notes=tuple(self.notes),
            **facts,
        )
        made = evaluation.facts()
        self.connection.execute("CREATE TABLE facts AS SELECT ?::VARCHAR AS facts", [json.dumps(made)])
        self.progress(0.95, "Closing the file")
        self.connection.execute("DETACH src")
        self.connection.execute("CHECKPOINT")
        return made

    def _say_nan(self, profiles: list[columns.Profile]) -> None:
        for profile in profiles:
            if profile.nan:
                self.notes.append(f"{profile.nan:,} NaN in '{profile.column.name}' count as missing.")

    def _instead(self, profiles: list[columns.Profile]) -> dict[str, str]:
        """Columns that are a measured quantity themselves, so that the file holds them once."""
        clean = {profile.column.name for profile in profiles if profile.clean}
        found: dict[str, str] = {}
        if self.roles.model_version is not None:
            return found
        if self.task == REGRESSION and self.roles.label in clean:
            found[str(self.roles.label)] = "y"
        for index, model in enumerate(self.roles.models):
            own = dict(model.scores)
            named = model.prediction if self.task == REGRESSION else own.get(None, own.get(self.roles.positive))
            if named in clean and self.task in (BINARY, REGRESSION) and model.mapping is None:
                found.setdefault(str(named), f"{'p' if self.task == REGRESSION else 's'}{index}")
            measured = [(name, f"z{index}_{place}") for place, (_, name) in enumerate(model.quantiles)]
            measured = (measured if self.task == REGRESSION else []) + [(str(model.latency), f"x{index}")]
            for name, held in measured:
                if name in clean:
                    found.setdefault(name, held)
        return found

    def _label(self, layout: pivot.Layout) -> tuple[list[str], str | None, dict[str, Any]]:
        """(the classes, the label as SQL, {labelled, centre, median})."""
        relation = self.source.relation
        column = self.schema.column(self.roles.label) if self.roles.label else None
        if self.task == REGRESSION:
            if column is None:
                self.columns.read.append("NULL::DOUBLE AS y")
                return [], None, {"labelled": 0}
            value = labels.number_sql(column, "label")
            self.columns.read.append(f"{value} AS y")
            labelled, centre, median = self.source.one(
                "SELECT count(v), coalesce(avg(v), 0), coalesce(median(v), 0) "
                f"FROM (SELECT {value} AS v FROM {relation} r)"
            )
            return [], value, {"labelled": int(labelled), "centre": float(centre), "median": float(median)}
        found = labels.classes(self.connection, layout, self.schema, self.task, self.roles)
        self.notes += found.notes
        for model in layout.models:
            read = [
                f"'{value}' as '{found.names[code]}'"
                for value, code in labels.readings(model, found.names).items()
                if value != found.names[code]
            ]
            if read:
                self.notes.append(f"The predictions of {model.name} are read so: {words.listed(read)}.")
        if found.positive is not None:
            self.roles = self.roles.with_(positive=found.positive)
        if column is None:
            self.columns.read.append("NULL::USMALLINT AS y")
            return found.names, None, {"labelled": 0}
        label_sql = labels.code_sql(f"r.{column.key}", column.type, found.label_values)
        self.columns.read.append(f"{label_sql} AS y")
        return found.names, label_sql, {"labelled": found.labelled}

    def _weight(self) -> None:
        if self.roles.weight is None:
            return
        column = self.schema.column(self.roles.weight)
        value = labels.number_sql(column, "weight")
        bad, missing = self.source.one(
            f"SELECT count(*) FILTER (v < 0 OR isinf(v)), count(*) FILTER (v IS NULL OR isnan(v)) "
            f"FROM (SELECT CAST(r.{column.key} AS DOUBLE) AS v FROM {self.source.relation} r)"
        )
        if bad:
            raise BadRequest(
                f"The weight column '{column.name}' has {bad:,} negative or infinite values; a weight says how many "
                "rows of the population a row stands for. Correct the file or choose another column."
            )
        if missing:
            self.notes.append(f"{missing:,} rows without a weight are left out of every metric.")
        self.columns.read.append(f"{value} AS w")

    def _time(self) -> tuple[str, str, str]:
        """Add the local time t; (its first and last moment, its grain)."""
        if self.roles.time is None:
            return "", "", ""
        column, relation = self.schema.column(self.roles.time), self.source.relation
        zones = [name for (name,) in self.connection.execute("SELECT name FROM pg_timezone_names()").fetchall()]
        if self.roles.zone not in zones:
            raise UnknownName("time zone", self.roles.zone, zones)
        low, high = None, None
        if column.numeric:
            low, high = self.source.one(f"SELECT min({column.key}), max({column.key}) FROM {relation} r")
        value = labels.time_sql(column, self.roles.zone, low, high)
        self.columns.read.append(f"{value} AS t")
        first, last, missing = self.source.one(
            f"SELECT CAST(min(v) AS VARCHAR), CAST(max(v) AS VARCHAR), count(*) FILTER (v IS NULL) "
            f"FROM (SELECT {value} AS v FROM {relation} r)"
        )
        if missing:
            self.notes.append(f"{missing:,} rows without a time in '{column.name}' appear in totals, not in trends.")
        return first or "", last or "", "date" if column.type == "DATE" else "timestamp"

    def _half(self) -> None:
        """Add the half bit, from id and seed, and say where ids repeat."""
        keys = [self.schema.column(name).key for name in self.roles.id] or ["rowid"]
        mixed = ", ".join(f"r.{key}" for key in keys)
        self.columns.read.append(f"(hash({mixed}, {self.seed}) & 1) = 1 AS half")
        if not self.roles.id:
            return
        relation, key = self.source.relation, f"hash({mixed})"
        distinct = int(self.source.one(f"SELECT approx_count_distinct({key}) FROM {relation} r")[0])
        if self.source.rows <= 1_000_000 or distinct < 0.9 * self.source.rows:
            picked = ", ".join(keys)
            counted = f"SELECT count(*) FROM (SELECT DISTINCT {picked} FROM {relation} r)"
            distinct = int(self.source.one(counted)[0])
            if distinct < self.source.rows:
                lost = self.source.rows - distinct
                self.notes.append(f"{lost:,} rows repeat an id that occurs before; they are kept.")

    def _write_rows(self) -> None:
        """One pass over the source, in layers, so that no expression is worked out twice."""
        lists = self.columns
        body = f"SELECT {', '.join(lists.read)} FROM {self.source.relation} r"
        if lists.given:
            body = f"SELECT *, {', '.join(lists.given)} FROM ({body})"
        kept = f"* EXCLUDE ({', '.join(lists.spent)})" if lists.spent else "*"
        self.connection.execute(f"CREATE TABLE rows AS SELECT {', '.join([kept, *lists.made])} FROM ({body})")

    def _write_codes(self) -> None:
        self.connection.execute("CREATE TABLE codes (name VARCHAR, code USMALLINT, low DOUBLE, high DOUBLE)")
        for name, codes in self.columns.codes.items():
            places = np.arange(len(codes.low), dtype=np.uint16)
            self.connection.register("made", {"code": places, "low": codes.low, "high": codes.high})
            self.connection.execute(f"INSERT INTO codes SELECT '{name}', code, low, high FROM made ORDER BY code")
            self.connection.unregister("made")

    def _counted(self, model: ModelFacts) -> ModelFacts:
        """What only the written rows tell: how many the model answered and how, how many log losses were clipped."""
        index, decided, scored, clipped = model.index, f"p{model.index} IS NOT NULL", "false", "false"
        if self.task == BINARY and model.score:
            scored = f"s{index} IS NOT NULL"
            clipped = f"(y = 1 AND s{index} < {labels.EPSILON}) OR (y = 0 AND s{index} > 1 - {labels.EPSILON})"
        elif model.top_codes:
            scored = f"b{index}_top IS NOT NULL"
            clipped = f"l{index} > {labels.CLIPPED}" if model.probabilities and self.roles.label else "false"
        answered, undecided, unscored, lost = self.source.one(
            f"SELECT count(*) FILTER ({decided} OR {scored}), count(*) FILTER ({scored} AND NOT ({decided})), "
            f"count(*) FILTER ({decided} AND NOT ({scored})), count(*) FILTER ({clipped}) FROM rows"
        )
        return model.with_(
            scored=int(answered),
            undecided=int(undecided),
            unscored=int(unscored),
            clipped=int(lost) if model.probabilities else 0,
        )
