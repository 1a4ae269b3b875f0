"""An explanation put together: from its repeats and checks to the frames and the sentence of a result."""

from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.roles import REGRESSION
from analysis.core.settings import number, whole
from analysis.engine.changing import beside_of
from analysis.engine.explanations import RowExplained, value_text
from analysis.engine.onerow import recorded_of
from analysis.explaining.asked import SHAP_SAID
from analysis.explaining.neighbourhood import FLAG, NUMBER
from analysis.explaining.text import WORD
from analysis.metrics import trusting
from analysis.metrics.settling import OtherWidth, Settling
from analysis.metrics.trusting import CANNOT, Check

TOP = 3
SCHEMA: dict[str, Any] = {
    "feature": pl.String,
    "value": pl.String,
    "text": pl.String,
    "weight": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "settled": pl.Boolean,
    "negligible": pl.Boolean,
    "rank": pl.Int64,
    "per": pl.String,
    "contribution": pl.Float64,
    "contribution_low": pl.Float64,
    "contribution_high": pl.Float64,
    "usual": pl.String,
    "occlusion": pl.Float64,
    "shap": pl.Float64,
    "outside": pl.Float64,
    "p_adjusted": pl.Float64,
    "n": pl.Int64,
    "column": pl.String,
    "kind": pl.String,
    "method": pl.String,
}
METHOD = "mean over repeats, Student's interval"


class Told:
    """One explanation put together: the frames and the sentence of a Result. versions: of the libraries. widths: the
    same with other kernel widths."""

    def __init__(
        self, asked: RowExplained, runs: pl.DataFrame, found: Settling, checks: bool, widths: list[OtherWidth]
    ) -> None:
        self.asked, self.runs, self.found, self.widths = asked, runs, found, widths
        self.first = runs.filter(pl.col("explanation") == 0)
        self.further, facts = asked.checked() if checks else ({}, {})
        self.shap_said = str(facts.pop(SHAP_SAID, ""))
        self.versions = {name: str(text) for name, text in facts.items()}
        self.occlusion = occluded = asked.occlusion()
        self.steps = occluded["steps"].to_numpy()
        self.occluded = occluded["occlusion"].to_numpy()
        self.fit = float(np.mean(runs["fit"].to_numpy()))
        self.surrogate = float(np.mean(runs["surrogate"].to_numpy()))
        self.prediction = float(self.first["prediction"][0])
        self.reproduced = asked.reproduced() if checks else None
        self.checks = self._checks(checks)
        self.grade, self.why = trusting.grade(self.checks, found.n)

    def _checks(self, all_: bool) -> list[Check]:
        found, names, text = self.found, self.first["term"].to_list(), self.asked.request.text
        outside = self.runs["outside"].to_numpy().reshape(found.n, -1).mean(axis=0)
        made = [
            trusting.local_fit(self.fit, self.asked.request.samples * found.n),
            trusting.signs(found, names),
            trusting.ranks(found),
            trusting.occlusion(
                found.mean * self.steps, self.occluded, found.order, found.top, "Left out" if text else trusting.USUAL
            ),
            trusting.own_words() if text else trusting.beyond(outside, names),
        ]
        if self.widths:
            made.append(trusting.widths(found, self.widths, names))
        if all_:
            apart = self.further["reference"]["weight"].to_numpy() - self.first["weight"].to_numpy()
            made.append(trusting.reference(float(np.abs(apart).max())))
            made.append(trusting.shap(self._shap(), found.mean * self.steps, found.order, found.top, self.shap_said))
            made.append(trusting.reproduced(self.reproduced, self.prediction, self._recorded()))
        made.append(trusting.surrogate(self.surrogate, self.prediction, float(np.abs(found.mean).max())))
        return made

    def _shap(self) -> np.ndarray:
        """(terms,) SHAP values, nan where there are none."""
        found = self.further.get("shap")
        if found is None:
            return np.full(len(self.first), np.nan)
        return found["shap"].fill_null(np.nan).to_numpy()

    def frame(self) -> pl.DataFrame:
        found, first = self.found, self.first
        rank = np.empty(len(found.order), dtype=int)
        rank[found.order] = np.arange(1, len(rank) + 1)
        ends = np.sort(np.stack([found.low * self.steps, found.high * self.steps]), axis=0)
        columns = [self.asked.columns[at] for at in first["column"]]
        made = {
            "feature": first["term"],
            "value": [self._value(*each) for each in first.select("term", "column", "kind").iter_rows()],
            "text": [self._text(*each) for each in first.select("term", "column", "kind").iter_rows()],
            "weight": found.mean,
            "low": found.low,
            "high": found.high,
            "settled": found.settled,
            "negligible": found.negligible,
            "rank": rank,
            "per": [self._per(*each) for each in first.select("column", "kind").iter_rows()],
            "contribution": found.mean * self.steps + 0.0,
            "contribution_low": ends[0],
            "contribution_high": ends[1],
            "usual": self.occlusion["usual"],
            "occlusion": self.occluded,
            "shap": self._shap(),
            "outside": self.runs["outside"].to_numpy().reshape(found.n, -1).mean(axis=0),
            "p_adjusted": found.adjusted,
            "n": [found.n] * len(first),
            "column": [column.name for column in columns],
            "kind": first["kind"],
            "method": [METHOD if found.n > 1 else "one repeat"] * len(first),
        }
        frame = pl.DataFrame(made, schema=SCHEMA)
        return frame.with_columns(pl.col(pl.Float64).fill_nan(None)).sort("rank")

    def _value(self, term: str, place: int, kind: str) -> str:
        if kind == WORD:
            return term
        column = self.asked.columns[place]
        value = self.asked.rows[:, place][0]
        if kind == FLAG:
            return "yes" if value is None else "no"
        if column.type == "BOOLEAN" and value is not None:
            return "true" if value else "false"
        return value_text(value)

    def _text(self, term: str, place: int, kind: str) -> str:
        if kind == WORD:
            return f"'{term}'"
        name = self.asked.columns[place].name
        if kind == FLAG:
            return f"{name} is {'missing' if self.asked.rows[:, place][0] is None else 'given'}"
        return f"{name} = {self._value(term, place, kind)}"

    def _per(self, place: int, kind: str) -> str:
        if kind == WORD:
            return "this word instead of none"
        feature = self.asked.known.features[place]
        if kind == NUMBER and feature.deviation is not None:
            return f"one standard deviation more ({value_text(float(f'{feature.deviation:.4g}'))})"
        return "this value instead of another"

    def frames(self) -> dict[str, pl.DataFrame]:
        asked = self.asked
        version = self._version()
        summary = {
            "row": asked.request.row,
            "prediction": self.prediction,
            "surrogate": self.surrogate,
            "fit": None if np.isnan(self.fit) else self.fit,
            "class": asked.target.cls,
            "grade": self.grade,
            "why": " ".join(self.why),
            "version": version,
            "recorded": self._recorded(),
            "label": self._label(),
            "repeats": self.found.n,
            "samples": asked.request.samples * self.found.n,
            "leading": self.found.leading,
            "ordered": self.found.ordered,
            "top": self.found.top,
            "enough": self.found.enough,
            "most": max(1, whole("explain_budget") // asked.request.samples),
            "doubtful": not self.fit >= number("explain_fit"),
        }
        kinds = {"recorded": pl.Float64, "fit": pl.Float64, "label": pl.String}
        facts = [
            (column.name, value_text(asked.row.frame[f"v{len(asked.columns) + at}"][0]))
            for at, column in enumerate(asked.others)
        ]
        return (
            {
                "summary": pl.DataFrame([summary], schema_overrides=kinds),
                "checks": pl.DataFrame(
                    [
                        {
                            "code": each.code,
                            "check": each.check,
                            "outcome": each.outcome,
                            "value": each.value,
                            "n": each.n,
                            "sentence": each.sentence,
                        }
                        for each in self.checks
                    ],
                    schema_overrides={"value": pl.Float64, "n": pl.Int64},
                ),
                "facts": pl.DataFrame(facts, schema={"column": pl.String, "value": pl.String}, orient="row"),
                "runs": self.runs.select("explanation", "seed", pl.col("term").alias("feature"), "weight", "fit"),
            }
            | ({"pieces": self._pieces()} if asked.request.text else {})
            | ({"widths": self._widths()} if self.widths else {})
        )

    def _widths(self) -> pl.DataFrame:
        usual = OtherWidth(1.0, self.asked.width(len(self.found.mean)), self.found, self.fit)
        made = [
            pl.DataFrame(
                {
                    "feature": self.first["term"],
                    "times": [each.times] * len(self.first),
                    "width": [each.width] * len(self.first),
                    "weight": each.found.mean,
                    "low": each.found.low,
                    "high": each.found.high,
                    "settled": each.found.settled,
                    "fit": [each.fit] * len(self.first),
                }
            )
            for each in sorted([usual, *self.widths], key=lambda each: each.times)
        ]
        return pl.concat(made).fill_nan(None)

    def _pieces(self) -> pl.DataFrame:
        """The text piece by piece in its order: piece, and of a word its feature, weight, settled, negligible."""
        found = self.asked.words(self.first["term"].to_list())
        terms = [found.terms[at] if at >= 0 else None for at in found.places]
        made = pl.DataFrame({"piece": found.pieces, "feature": pl.Series(terms, dtype=pl.String)})
        known = self.frame().select("feature", "weight", "settled", "negligible")
        return made.join(known, on="feature", how="left", maintain_order="left")

    def dropped(self) -> dict[str, int]:
        left = self.asked.known.rows - self.asked.known.looked
        return {"not in the fixed sample": left} if left else {}

    def _version(self) -> str:
        if self.reproduced is not None:
            return self.reproduced[0]
        return beside_of(self.asked.evaluation, self.asked.scorer).name

    def _recorded(self) -> float | None:
        return recorded_of(self.asked.facts, self.asked.row, self._version(), self.asked.target.cls)

    def _label(self) -> str | None:
        name = self.asked.facts.roles.label
        if name is None:
            return None
        place = next((at for at, column in enumerate(self.asked.others) if column.name == name), None)
        if place is None:
            return None
        value = self.asked.row.frame[f"v{len(self.asked.columns) + place}"][0]
        return None if value is None else value_text(value)

    def sentence(self) -> str:
        asked = self.asked
        unit = "label" if asked.facts.task == REGRESSION else "score"
        of = f" for '{asked.target.cls}'" if asked.target.cls else ""
        head = f"{asked.scorer.model.label} gives {words.number(self.prediction, unit)}{of} of row {asked.request.row}"
        if self.grade == CANNOT:
            return f"{head}, and that cannot be explained by its features one by one. {self.why[0]}"
        frame = self.frame()
        sure = frame if self.found.n == 1 else frame.filter("settled")
        told = (
            sure.filter(pl.col("contribution").abs() > 0).sort(pl.col("contribution").abs(), descending=True).head(TOP)
        )
        because = words.listed(
            [f"{each['text']} ({words.delta(each['contribution'], unit)})" for each in told.iter_rows(named=True)]
        )
        fit = f"the local fit explains {words.number(max(self.fit, 0.0), 'share')} of what it does nearby"
        doubt = ", so take it with care" if self.fit < number("explain_fit") else ""
        said = f"{head}, mostly because {because}" if because else f"{head}; no feature stands out"
        return f"{said}; {fit}{doubt}."
