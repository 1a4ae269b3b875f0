"""Models of an evaluation file: what is read of each version, what is made from it, and the codes of its scores."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from analysis.core.errors import BadRequest
from analysis.core.evaluation import ModelFacts
from analysis.core.roles import MULTICLASS, REGRESSION, Roles
from analysis.core.schema import Column, Schema
from analysis.core.settings import whole
from analysis.store import labels
from analysis.store.codes import SAMPLE, Codes, binned_codes, exact_codes
from analysis.store.pivot import ModelSql
from analysis.store.source import Source

LOOKED_FOR = np.unique(np.concatenate([np.arange(1, 15) / 15, np.arange(1, 100) / 100]))
CLASS_SAMPLE = 200_000  # a hundred rows a code
UNSUMMED = 0.01  # how far the scores of a row may be from summing to 1


@dataclass
class Columns:
    """The select lists of `rows`: read: from the source; given: over these (the probability given to what happened);
    made: over all of them; spent: names used on the way and not kept. codes: {column: what its codes hold}.
    """

    read: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    spent: list[str] = field(default_factory=list)
    codes: dict[str, Codes] = field(default_factory=dict)


def class_codes(source: Source, values: dict[str, str], *, most: int) -> dict[str, Codes]:
    """Codes of many quantities at once, each of at most about `most`. values: {name: SQL over the source}."""
    ends = ", ".join(f"min({sql}), max({sql}), approx_count_distinct({sql})" for sql in values.values())
    found = source.one(f"SELECT {ends} FROM {source.relation} r")
    samples = source.sample(list(values.values()), CLASS_SAMPLE)
    made: dict[str, Codes] = {}
    for place, (name, sql) in enumerate(values.items()):
        low, high, distinct = found[3 * place : 3 * place + 3]
        few = source.values(sql, most + 1) if low is not None and distinct <= 3 * most else np.empty(0)
        if low is None or 0 < len(few) <= most:
            made[name] = exact_codes(np.zeros(1) if low is None else few)
        else:
            extra = LOOKED_FOR if low >= 0 and high <= 1 else np.empty(0)
            made[name] = binned_codes(samples[place], low=low, high=high, most=most, extra=extra)
    return made


@dataclass(frozen=True)
class Scorer:
    """Encodes the models of one build. label_sql: the label's class code over the source, None without a label."""

    source: Source
    schema: Schema
    task: str
    roles: Roles
    classes: list[str]
    label_sql: str | None
    columns: Columns

    def model(self, model: ModelSql) -> ModelFacts:
        """Add the model's columns; what is known of it, as far as one can tell before the file is written."""
        facts = ModelFacts(
            name=model.name,
            index=model.index,
            decision=model.prediction is not None,
            score=False,
            latency=model.latency is not None,
            quantiles=model.quantiles,
        )
        if model.latency is not None:
            taken = labels.finite(f"CAST({model.latency} AS DOUBLE)")
            self.columns.read.append(f"{taken} AS x{model.index}")
            facts = facts.with_(latency_codes=self._coded(taken, f"h{model.index}", f"x{model.index}"))
        if self.task == REGRESSION:
            return self._forecast(model, facts)
        decided = labels.decision_sql(model, self.classes)
        self.columns.read.append(f"{decided} AS p{model.index}")
        if self.task == MULTICLASS:
            return self._class_scores(model, facts)
        score = labels.score_sql(model, self.classes)
        return facts if score is None else self._score(model, facts, score, decided)

    def _score(self, model: ModelSql, facts: ModelFacts, score: str, decided: str) -> ModelFacts:
        index = model.index
        low, high, outside, top_negative, low_positive, distinct = self.source.one(
            f"SELECT min(s), max(s), count(*) FILTER (s < 0 OR s > 1), max(s) FILTER (p = 0), min(s) FILTER (p = 1), "
            f"approx_count_distinct(s) FROM (SELECT {score} AS s, {decided} AS p FROM {self.source.relation} r) "
            "WHERE s IS NOT NULL"
        )
        threshold = None
        if top_negative is not None and low_positive is not None and top_negative < low_positive:
            threshold = float(low_positive)
        codes = self._codes(score, low, high, int(distinct), threshold)
        self.columns.read.append(f"{score} AS s{index}")
        self._encode(f"b{index}", f"s{index}", codes)
        return facts.with_(
            score=True,
            probabilities=not outside,
            outside=int(outside),
            threshold=threshold,
            exact=codes.exact,
            codes=len(codes.low),
        )

    def _coded(self, value: str, name: str, column: str) -> int:
        """Add the codes of a quantity, which is `value` over the source and `column` in the file; how many they are."""
        low, high, distinct = self.source.one(
            f"SELECT min(v), max(v), approx_count_distinct(v) FROM (SELECT {value} AS v FROM {self.source.relation} r)"
        )
        codes = self._codes(value, low, high, int(distinct or 0))
        self._encode(name, column, codes)
        return len(codes.low)

    def _encode(self, name: str, value: str, codes: Codes) -> None:
        import pyarrow as pa
        from duckdb.func import PythonUDFType

        def encode(values: Any) -> Any:
            return pa.array(codes.of(values.to_numpy(zero_copy_only=False)))

        self.columns.codes[name] = codes
        self.source.connection.create_function(
            f"code_{name}", encode, ["DOUBLE"], "USMALLINT", type=PythonUDFType.ARROW
        )
        self.columns.made.append(f"code_{name}({value}) AS {name}")

    def _codes(
        self, value: str, low: float | None, high: float | None, distinct: int, threshold: float | None = None
    ) -> Codes:
        most = whole("score_codes")
        if low is None or high is None:
            return exact_codes(np.zeros(1))
        if distinct <= 3 * most:
            values = self.source.values(value, most + 1)
            if len(values) <= most:
                return exact_codes(values)
        extra = LOOKED_FOR if low >= 0 and high <= 1 else np.empty(0)
        if threshold is not None:
            extra = np.append(extra, threshold)
        return binned_codes(self.source.sample([value], SAMPLE)[0], low=low, high=high, most=most, extra=extra)

    def _class_scores(self, model: ModelSql, facts: ModelFacts) -> ModelFacts:
        """Scores of every class: how much the label's was off, its rank, and the codes of each and of the highest."""
        index, scores = model.index, {name: sql for name, sql in model.scores if name is not None}
        facts = facts.with_(score=bool(scores), class_scores=model.class_columns)
        if not scores or any(name not in scores for name in self.classes):
            return facts
        named = [f"z{index}_{code}" for code in range(len(self.classes))]
        parts = [labels.finite(f"CAST({scores[name]} AS DOUBLE)") for name in self.classes]
        picked = [f"{part} AS {name}" for part, name in zip(parts, named, strict=True)]
        scored = f"{' + '.join(named)} IS NOT NULL"
        best = f"CASE WHEN {scored} THEN greatest({', '.join(named)}) END"
        looked = replace(self.source, relation=f"(SELECT {', '.join(picked)}, r.rowid FROM {self.source.relation} r)")
        outside = looked.one(
            f"SELECT count(*) FILTER (least({', '.join(named)}) < 0 OR abs({' + '.join(named)} - 1) > {UNSUMMED}) "
            f"FROM {looked.relation}"
        )[0]
        self.columns.read += picked
        self.columns.given.append(f"{best} AS best{index}")
        self.columns.spent += [*named, f"best{index}"]
        if self.label_sql is not None:
            self._rightness(index, named, scored, losses=not outside)
        coded = {f"b{index}_top": best}
        if len(named) <= whole("coded_classes"):
            held = "CASE WHEN best{} IS NOT NULL THEN {} END"
            coded |= {f"b{index}_{code}": name for code, name in enumerate(named)}
        codes = class_codes(looked, coded, most=whole("class_codes"))
        for name, made in codes.items():
            place = name.rpartition("_")[2]
            value = f"best{index}" if place == "top" else held.format(index, named[int(place)])
            self._encode(name, value, made)
        sizes = {name: len(made.low) for name, made in codes.items()}
        top = sizes.pop(f"b{index}_top")
        return facts.with_(
            probabilities=not outside,
            outside=int(outside),
            class_codes=max(sizes.values(), default=0),
            top_codes=top,
            exact=all(made.exact for made in codes.values()),
        )

    def _rightness(self, index: int, named: list[str], scored: str, *, losses: bool) -> None:
        """Add the rank of the label's score, and the log loss and squared error of probabilities."""
        cases = " ".join(f"WHEN {code} THEN {name}" for code, name in enumerate(named))
        right = f"right{index}"
        self.columns.given.append(f"CASE WHEN {scored} THEN CASE y {cases} END END AS {right}")
        self.columns.spent.append(right)
        above = [
            f"CAST({name} > {right} OR ({name} = {right} AND y <= {code}) AS USMALLINT)"
            for code, name in enumerate(named)
        ]
        self.columns.made.append(f"CAST({' + '.join(above)} AS USMALLINT) AS r{index}")
        if losses:
            misses = [f"({name} - CAST(y = {code} AS DOUBLE))" for code, name in enumerate(named)]
            squares = " + ".join(f"{miss} * {miss}" for miss in misses)
            self.columns.made += [f"{labels.log_loss_sql(right)} AS l{index}", f"({squares}) / 2 AS g{index}"]

    def _forecast(self, model: ModelSql, facts: ModelFacts) -> ModelFacts:
        index = model.index
        if model.prediction is None:
            raise BadRequest(f"The model version '{model.name}' has no prediction column; regression needs one.")
        if not Column("", "", model.prediction_type).numeric:
            raise BadRequest(
                f"The prediction of '{model.name}' holds {model.prediction_type}, not numbers; choose another column, "
                "or the task multiclass."
            )
        forecast = labels.finite(f"CAST({model.prediction} AS DOUBLE)")
        self.columns.read.append(f"{forecast} AS p{index}")
        if self.roles.label is None:
            return self._quantiles(model, facts, "NULL::DOUBLE")
        truth = labels.number_sql(self.schema.column(self.roles.label), "label")
        self.columns.made.append(f"p{index} - y AS e{index}")
        codes = self._coded(f"abs({forecast} - {truth})", f"a{index}", f"abs(p{index} - y)")
        if "o" not in self.columns.codes:
            self._coded(truth, "o", "y")
        self._coded(forecast, f"o{index}", f"p{index}")
        exact = self.columns.codes[f"a{index}"].exact
        return self._quantiles(model, facts, truth).with_(exact=exact, codes=codes, ranked=True)

    def _quantiles(self, model: ModelSql, facts: ModelFacts, truth: str) -> ModelFacts:
        """Add the forecast's quantiles; the labels' own at the same levels are what no skill would give."""
        for place, value in enumerate(model.quantile_values):
            self.columns.read.append(f"{labels.finite(f'CAST({value} AS DOUBLE)')} AS z{model.index}_{place}")
        if not model.quantiles:
            return facts
        levels = [level for level, _ in model.quantiles]
        found = self.source.one(f"SELECT quantile_cont({truth}, {levels}) FROM {self.source.relation} r")[0]
        return facts.with_(label_quantiles=tuple(float(each) for each in found or [0.0] * len(levels)))
