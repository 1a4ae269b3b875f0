"""Verdicts: whether a table can be trusted, in words."""

import polars as pl

from analysis.checks.definition import CLEAR, FOUND, NOT_APPLICABLE, OUTCOMES
from analysis.core import words
from analysis.core.settings import number


def verdict(name: str, frame: pl.DataFrame, metric: str) -> str:
    """The verdict on a table, then the counts, then what matters most.

    frame: outcome, code, severity, sentence, muted and p_adjusted of every check.
    metric: its title; "" without effects.
    """
    found = frame.filter((pl.col("outcome") == FOUND) & pl.col("muted").is_null())
    muted = int(frame["muted"].is_not_null().sum())
    aside = f" {words.plural(muted, 'hit')} muted." if muted else ""
    checks = {outcome: frame.filter(pl.col("outcome") == outcome)["code"].n_unique() for outcome in OUTCOMES}
    checks[FOUND] = found["code"].n_unique()
    high = int((found["severity"] == "high").sum())
    if not len(found):
        head = f"Nothing was found in {name}: {words.plural(checks[CLEAR], 'check')} clear"
        return f"{head}, {checks[NOT_APPLICABLE]:,} not applicable.{aside}"
    trust = "cannot be trusted as it is" if high else "can be used with care"
    head = (
        f"{name} {trust}: {words.plural(len(found), 'hit')} of {words.plural(checks[FOUND], 'check')}"
        f"{f', {high:,} of high severity' if high else ''}; {checks[CLEAR]:,} clear, "
        f"{checks[NOT_APPLICABLE]:,} not applicable.{aside}"
    )
    moved = found.filter(pl.col("p_adjusted") <= number("q"))
    if not metric:
        return head
    if not len(moved):
        return f"{head}\nNo hit surely moves {metric}."
    first = moved.row(0, named=True)
    return f"{head}\n{len(moved):,} of them surely move {metric}, most of all {first['code']}: {first['sentence']}"
