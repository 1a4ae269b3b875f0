"""Building an evaluation file from a dataset file: wide, encoded, immutable. Runs in a child.

The file holds `rows` (raw columns c0.., quantile bins q0.., label y, weight w, local time t, half bit, and per model
version p, s, b, l, g, e, a, x: see core/evaluation.py), `codes` (what each score code holds) and `facts`.
"""

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from analysis.core.errors import BadRequest
from analysis.core.evaluation import BINS, EvalColumn, Evaluation, ModelFacts
from analysis.core.roles import BINARY, MULTICLASS, REGRESSION, Roles
from analysis.core.schema import FLOATS, Column, Schema
from analysis.core.settings import whole
from analysis.store import labels, pivot
from analysis.store.child import Progress
from analysis.store.codes import SAMPLE, Codes, binned_codes, exact_codes, quantile_edges

EDGES = np.unique(np.concatenate([np.arange(1, 15) / 15, np.arange(1, 100) / 100]))


def build(request: dict[str, Any], *, limits: dict[str, int], progress: Progress) -> dict[str, Any]:
    """An evaluation file as asked: {source, schema, target, task, roles, seed} -> the facts of the evaluation."""
    target = Path(request["target"])
    connection = connect(target, limits)
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


class Builder:
    """One build: profiles the columns, encodes what is measured, writes the file once."""

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
        self.picked: list[str] = []  # the select list of `rows`
        self.codes: dict[str, Codes] = {}

    def one(self, query: str) -> tuple[Any, ...]:
        row = self.connection.execute(query).fetchone()
        if row is None:
            raise RuntimeError("an aggregate without a row")
        return row

    def build(self) -> dict[str, Any]:
        self.progress(0.02, "Looking at the columns")
        self.layout = pivot.layout(self.connection, self.schema, self.roles, self.notes)
        self.rows = int(self.one(f"SELECT count(*) FROM {self.layout.relation}")[0])
        columns = self._columns()
        self.progress(0.3, "Reading the labels")
        classes, centre, median, labelled = self._label()
        self._weight()
        low, high, grain = self._time()
        ids = [self.schema.column(name).key for name in self.roles.id] or ["rowid"]
        mixed = ", ".join(f"r.{key}" for key in ids)
        self.picked.append(f"(hash({mixed}, {self.seed}) & 1) = 1 AS half")
        self.progress(0.4, "Encoding the scores")
        models = [self._model(model, classes) for model in self.layout.models]
        self._repeated(ids)
        self.progress(0.6, "Writing the evaluation")
        self.connection.execute(f"CREATE TABLE rows AS SELECT {', '.join(self.picked)} FROM {self.layout.relation} r")
        self._write_codes()
        evaluation = Evaluation(
            id="",
            name="",
            version=0,
            fingerprint="",
            task=self.task,
            roles=self.roles,
            columns=tuple(columns),
            models=tuple(self._counted(model) for model in models),
            rows=self.rows,
            labelled=labelled,
            classes=tuple(classes),
            centre=centre,
            median=median,
            time_low=low,
            time_high=high,
            grain=grain,
            notes=tuple(self.notes),
        )
        facts = evaluation.facts()
        self.connection.execute("CREATE TABLE facts AS SELECT ?::VARCHAR AS facts", [json.dumps(facts)])
        self.progress(0.95, "Closing the file")
        self.connection.execute("DETACH src")
        self.connection.execute("CHECKPOINT")
        return facts

    # Columns ---------------------------------------------------------------------------------------------------

    def _columns(self) -> list[EvalColumn]:
        relation, asked = self.layout.relation, []
        for column in self.schema:
            key = f"r.{column.key}"
            nan = f"count(*) FILTER (isnan({key}))" if column.type in FLOATS else "0"
            asked += [f"approx_count_distinct({key})", f"count(*) - count({key})", nan]
        facts = self.one(f"SELECT {', '.join(asked)} FROM {relation} r")
        made = []
        for place, column in enumerate(self.schema):
            self.progress(0.05 + 0.25 * place / len(self.schema), f"Encoding the column '{column.name}'")
            made.append(self._column(column, *(int(each) for each in facts[3 * place : 3 * place + 3])))
        return made

    def _column(self, column: Column, distinct: int, missing: int, nan: int) -> EvalColumn:
        key, raw = column.key, f"r.{column.key}"
        if nan:
            raw = f"CASE WHEN isnan({raw}) THEN NULL ELSE {raw} END"
            self.notes.append(f"{nan:,} NaN in '{column.name}' count as missing.")
        few = whole("encode_values")
        encoding, kind, edges = "plain", column.type, ()
        if distinct <= few * 1.2:
            limit = few if column.type == "VARCHAR" else whole("by_values")
            values = self.connection.execute(
                f"SELECT DISTINCT {raw} AS v FROM {self.layout.relation} r WHERE v IS NOT NULL LIMIT {limit + 1}"
            ).fetchnumpy()["v"]
            if len(values) <= limit:
                encoding, distinct = "values", len(values)
        if column.type == "VARCHAR" and encoding == "values" and distinct:
            self.connection.execute(
                f"CREATE TYPE e_{key} AS ENUM (SELECT DISTINCT {key} FROM {self.layout.relation} "
                f"WHERE {key} IS NOT NULL ORDER BY {key})"
            )
            kind = "ENUM"
            self.picked.append(f"CAST({raw} AS e_{key}) AS {key}")
        else:
            self.picked.append(f"{raw} AS {key}")
        if encoding == "plain" and (column.numeric or column.temporal):
            found = self._bin(column, raw)
            if found:
                encoding, edges = "bins", found
        return EvalColumn(key, column.name, kind, encoding, distinct, missing + nan, nan, tuple(edges))

    def _bin(self, column: Column, raw: str) -> tuple[str, ...]:
        as_number = raw if column.numeric else f"epoch_us(CAST({raw} AS TIMESTAMP))"
        sample = self._sample(f"CAST({as_number} AS DOUBLE)", SAMPLE // 5)
        if not len(sample):
            return ()
        edges = quantile_edges(sample, BINS)
        steps = " + ".join(f"CAST({as_number} >= {float(edge)!r} AS UTINYINT)" for edge in edges[1:-1]) or "0"
        self.picked.append(f"CASE WHEN {raw} IS NULL THEN NULL ELSE CAST({steps} AS UTINYINT) END AS q{column.key[1:]}")
        if column.numeric:
            return tuple(f"{edge:.15g}" for edge in edges)
        moments = np.asarray(edges, dtype="int64").astype("datetime64[us]")
        return tuple(str(moment)[: 10 if column.type == "DATE" else 19] for moment in moments)

    def _sample(self, expression: str, most: int) -> np.ndarray:
        """At most about `most` finite values of an expression, evenly spaced over the rows: the same every time."""
        every = max(1, self.rows // most)
        where = "" if every == 1 else f"AND r.rowid % {every} = 0"
        values = self.connection.execute(
            f"SELECT v FROM (SELECT {expression} AS v FROM {self.layout.relation} r WHERE true {where}) "
            "WHERE v IS NOT NULL AND isfinite(v)"
        ).fetchnumpy()["v"]
        return np.asarray(values, dtype=np.float64)

    # Label, weight, time ---------------------------------------------------------------------------------------

    def _label(self) -> tuple[list[str], float, float, int]:
        relation = self.layout.relation
        column = self.schema.column(self.roles.label) if self.roles.label else None
        if self.task == REGRESSION:
            if column is None:
                self.picked.append("NULL::DOUBLE AS y")
                return [], 0.0, 0.0, 0
            value = labels.number_sql(column, "label")
            self.picked.append(f"{value} AS y")
            labelled, centre, median = self.one(
                f"SELECT count(v), coalesce(avg(v), 0), coalesce(median(v), 0) FROM (SELECT {value} AS v FROM {relation} r)"
            )
            return [], float(centre), float(median), int(labelled)
        found = labels.classes(self.connection, self.layout, self.schema, self.task, self.roles)
        self.notes += found.notes
        if found.positive is not None and self.roles.positive is None:
            self.roles = self.roles.with_(positive=found.positive)
        if column is None:
            self.picked.append("NULL::USMALLINT AS y")
            return found.names, 0.0, 0.0, 0
        self.label_sql = labels.code_sql(f"r.{column.key}", column.type, found.label_values)
        self.picked.append(f"{self.label_sql} AS y")
        return found.names, 0.0, 0.0, found.labelled

    def _weight(self) -> None:
        if self.roles.weight is None:
            return
        column = self.schema.column(self.roles.weight)
        value = labels.number_sql(column, "weight")
        bad, missing = self.one(
            f"SELECT count(*) FILTER (v < 0 OR isinf(v)), count(*) FILTER (v IS NULL) "
            f"FROM (SELECT {value} AS v FROM {self.layout.relation} r)"
        )
        if bad:
            raise BadRequest(
                f"The weight column '{column.name}' has {bad:,} negative or infinite values; a weight says how many "
                "rows of the population a row stands for. Correct the file or choose another column."
            )
        if missing:
            self.notes.append(f"{missing:,} rows without a weight are left out of every metric.")
        self.picked.append(f"{value} AS w")

    def _time(self) -> tuple[str, str, str]:
        if self.roles.time is None:
            return "", "", ""
        column = self.schema.column(self.roles.time)
        low, high = self.one(f"SELECT min({column.key}), max({column.key}) FROM {self.layout.relation} r"
                             if column.numeric else "SELECT NULL, NULL")
        value = labels.time_sql(column, self.roles.zone, low, high)
        self.picked.append(f"{value} AS t")
        low, high, missing = self.one(
            f"SELECT CAST(min(v) AS VARCHAR), CAST(max(v) AS VARCHAR), count(*) FILTER (v IS NULL) "
            f"FROM (SELECT {value} AS v FROM {self.layout.relation} r)"
        )
        if missing:
            self.notes.append(f"{missing:,} rows without a time in '{column.name}' appear in totals, not in trends.")
        return low or "", high or "", "date" if column.type == "DATE" else "timestamp"

    def _repeated(self, ids: list[str]) -> None:
        if ids == ["rowid"]:
            return
        keys = ", ".join(ids)
        distinct = int(self.one(f"SELECT approx_count_distinct(({keys})) FROM {self.layout.relation} r")[0])
        if self.rows <= 200_000 or distinct < 0.9 * self.rows:
            distinct = int(self.one(f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {self.layout.relation} r)")[0])
            if distinct < self.rows:
                self.notes.append(f"{self.rows - distinct:,} rows repeat an id that occurs before; they are kept.")

    # Models ----------------------------------------------------------------------------------------------------

    def _model(self, model: pivot.ModelSql, classes: list[str]) -> ModelFacts:
        index = model.index
        if model.latency is not None:
            self.picked.append(f"CAST({model.latency} AS DOUBLE) AS x{index}")
        common: dict[str, Any] = {"name": model.name, "index": index, "latency": model.latency is not None}
        common["quantiles"] = model.quantiles
        if self.task == REGRESSION:
            return self._regressor(model, common)
        if model.prediction is not None:
            self.picked.append(f"{labels.decision_sql(model, classes, self.roles.positive)} AS p{index}")
        else:
            self.picked.append(f"NULL::USMALLINT AS p{index}")
        common["decision"] = model.prediction is not None
        if self.task == MULTICLASS:
            return self._multiclass(model, classes, common)
        score = labels.score_sql(model, classes)
        if score is None:
            return ModelFacts(score=False, **common)
        return self._scored(model, score, classes, common)

    def _scored(self, model: pivot.ModelSql, score: str, classes: list[str], common: dict[str, Any]) -> ModelFacts:
        index = model.index
        decided = "NULL::UTINYINT"
        if model.prediction is not None:
            decided = labels.decision_sql(model, classes, self.roles.positive)
        low, high, outside, top_negative, low_positive, distinct = self.one(
            f"SELECT min(s), max(s), count(*) FILTER (s < 0 OR s > 1), max(s) FILTER (p = 0), min(s) FILTER (p = 1), "
            f"approx_count_distinct(s) FROM (SELECT {score} AS s, {decided} AS p FROM {self.layout.relation} r) "
            "WHERE s IS NOT NULL"
        )
        threshold = None
        if top_negative is not None and low_positive is not None and top_negative < low_positive:
            threshold = float(low_positive)
        codes = self._codes(score, low, high, int(distinct), threshold)
        name = f"b{index}"
        self.codes[name] = codes
        self._code_function(name, codes)
        self.picked += [f"{score} AS s{index}", f"code_{name}({score}) AS {name}"]
        probabilities = not outside
        clipped = 0
        if probabilities and self.roles.label:
            right = f"CASE WHEN {self.label_sql} = 1 THEN {score} WHEN {self.label_sql} = 0 THEN 1 - {score} END"
            self.picked += [f"{labels.log_loss_sql(right)} AS l{index}", f"({right} - 1) * ({right} - 1) AS g{index}"]
            clipped = int(
                self.one(f"SELECT count(*) FILTER ({right} < {labels.EPSILON}) FROM {self.layout.relation} r")[0]
            )
        return ModelFacts(
            score=True,
            probabilities=probabilities,
            outside=int(outside),
            clipped=clipped,
            threshold=threshold,
            exact=codes.exact,
            codes=len(codes.low),
            **common,
        )

    def _codes(self, value: str, low: float | None, high: float | None, distinct: int, threshold: float | None) -> Codes:
        most = whole("score_codes")
        if low is None or high is None:
            return exact_codes(np.zeros(1))
        if distinct <= 3 * most:
            values = self.connection.execute(
                f"SELECT DISTINCT {value} AS v FROM {self.layout.relation} r WHERE v IS NOT NULL LIMIT {most + 1}"
            ).fetchnumpy()["v"]
            if len(values) <= most:
                return exact_codes(np.asarray(values))
        extra = EDGES if low >= 0 and high <= 1 else np.empty(0)
        if threshold is not None:
            extra = np.append(extra, threshold)
        return binned_codes(self._sample(value, SAMPLE), low=low, high=high, most=most, extra=extra)

    def _code_function(self, name: str, codes: Codes) -> None:
        import pyarrow as pa

        def encode(values: Any) -> Any:
            return pa.array(codes.of(values.to_numpy(zero_copy_only=False)))

        self.connection.create_function(f"code_{name}", encode, ["DOUBLE"], "USMALLINT", type="arrow")  # type: ignore[arg-type]

    def _multiclass(self, model: pivot.ModelSql, classes: list[str], common: dict[str, Any]) -> ModelFacts:
        index, scores = model.index, {name: sql for name, sql in model.scores if name is not None}
        known = [name for name in classes if name in scores]
        if not known or len(known) < len(classes):
            if known:
                lacking = ", ".join(f"'{name}'" for name in classes if name not in scores)
                self.notes.append(f"{model.name} has no score for {lacking}: its log loss and Brier score are undefined.")
            return ModelFacts(score=bool(known), class_scores=model.class_columns, **common)
        parts = [scores[name] for name in known]
        total = " + ".join(parts)
        outside, scored = self.one(
            f"SELECT count(*) FILTER (least({', '.join(parts)}) < 0 OR abs({total} - 1) > 0.01), count({total}) "
            f"FROM {self.layout.relation} r"
        )
        if not outside and self.roles.label:
            cases = " ".join(f"WHEN {code} THEN {part}" for code, part in enumerate(parts))
            right = f"CASE {self.label_sql} {cases} END"
            squares = " + ".join(
                f"({part} - CAST({self.label_sql} = {code} AS DOUBLE)) * ({part} - CAST({self.label_sql} = {code} AS DOUBLE))"
                for code, part in enumerate(parts)
            )
            self.picked += [f"{labels.log_loss_sql(right)} AS l{index}", f"({squares}) / 2 AS g{index}"]
        return ModelFacts(
            score=True, probabilities=not outside, outside=int(outside), class_scores=model.class_columns, **common
        )

    def _regressor(self, model: pivot.ModelSql, common: dict[str, Any]) -> ModelFacts:
        index = model.index
        if model.prediction is None:
            raise BadRequest(f"The model version '{model.name}' has no prediction column; regression needs one.")
        guess = labels.finite(f"CAST({model.prediction} AS DOUBLE)")
        self.picked.append(f"{guess} AS p{index}")
        codes = exact_codes(np.zeros(1))
        if self.roles.label:
            truth = labels.number_sql(self.schema.column(self.roles.label), "label")
            error = f"({guess} - {truth})"
            low, high, distinct = self.one(
                f"SELECT min(abs(v)), max(abs(v)), approx_count_distinct(abs(v)) "
                f"FROM (SELECT {error} AS v FROM {self.layout.relation} r)"
            )
            codes = self._codes(f"abs({error})", low, high, int(distinct or 0), None)
            self._code_function(f"a{index}", codes)
            self.picked += [f"{error} AS e{index}", f"code_a{index}(abs({error})) AS a{index}"]
        self.codes[f"a{index}"] = codes
        return ModelFacts(decision=True, score=False, exact=codes.exact, codes=len(codes.low), **common)

    def _counted(self, model: ModelFacts) -> ModelFacts:
        shown = f"p{model.index} IS NOT NULL"
        if model.score and self.task == BINARY:
            shown += f" OR s{model.index} IS NOT NULL"
        scored = int(self.one(f"SELECT count(*) FROM rows WHERE {shown}")[0])
        return ModelFacts(**{**model.__dict__, "scored": scored})

    def _write_codes(self) -> None:
        self.connection.execute("CREATE TABLE codes (name VARCHAR, code USMALLINT, low DOUBLE, high DOUBLE)")
        for name, codes in self.codes.items():
            import pyarrow as pa

            made = {"code": pa.array(np.arange(len(codes.low), dtype=np.uint16)), "low": codes.low, "high": codes.high}
            self.connection.register("made", pa.table(made))
            self.connection.execute(f"INSERT INTO codes SELECT '{name}', code, low, high FROM made ORDER BY code")
            self.connection.unregister("made")
