"""Rows for the charts and tables of errors: a result's frames in the columns a picture wants, with its marks' words."""

import polars as pl

from analysis.core import words
from analysis.core.receipt import Result

SHARES = {"counts": "rows", "actual": "share of the actual class", "predicted": "share of the predicted class"}
ORDERS = ("confused", "given")
ROOM = 1.6  # how far the axis of shares goes beyond the longest bar, so that its text fits on a narrow screen


def of_model(result: Result, name: str, model: str) -> pl.DataFrame:
    """A further frame of one model version; empty where there is none."""
    frame = result.frames.get(name)
    return pl.DataFrame() if frame is None else frame.filter(pl.col("model") == model)


def matrix(result: Result, model: str, shown: str, order: str) -> pl.DataFrame:
    """A row a cell: actual, predicted, y, x (places), n, text, strength (0 to 1), diagonal, model, where, aria.

    shown: a key of SHARES, what the cells say and are coloured by; order: one of ORDERS.
    """
    frame = of_model(result, "matrix", model)
    place = "place" if order == "confused" else "given"
    column = {"counts": "share_of_actual"}.get(shown, f"share_of_{shown}")
    rows = list(frame.iter_rows(named=True))
    most = max((row[column] or 0.0 for row in rows if row["actual"] != row["predicted"]), default=0.0)
    made = []
    for row in rows:
        share = row[column]
        text = f"{row['n']:,}" if shown == "counts" else words.number(share, "share")
        same = row["actual"] == row["predicted"]
        made.append(
            {
                "actual": row["actual"],
                "predicted": row["predicted"],
                "y": row[f"{place}_actual"],
                "x": row[f"{place}_predicted"],
                "n": row["n"],
                "text": "" if not row["n"] and len(rows) > 4 else text,
                "strength": 0.0 if same or not most else (share or 0.0) / most,
                "diagonal": same,
                "of_actual": words.number(row["share_of_actual"], "share"),
                "of_predicted": words.number(row["share_of_predicted"], "share"),
                "ends": words.interval(row["low"], row["high"], "share"),
                "model": model,
                "where": row["where"],
                "aria": f"actual {row['actual']}, predicted {row['predicted']}: {row['n']:,} rows, "
                f"{words.number(row['share_of_actual'], 'share')} of the actual",
            }
        )
    return pl.DataFrame(made)


def confusions(result: Result, model: str, most: int = 12) -> pl.DataFrame:
    """The most frequent errors as a table: actual, taken for, rows, share of the actual class with its interval."""
    frame = result.frame.filter(
        (pl.col("model") == model) & (pl.col("actual") != pl.col("predicted")) & (pl.col("n") > 0)
    )
    made = [
        {
            "Actual": row["actual"],
            "Taken for": row["predicted"],
            "Rows": row["n"],
            "Of the actual": words.number(row["share_of_actual"], "share"),
            "95% interval": words.interval(row["low"], row["high"], "share"),
        }
        for row in frame.sort("n", descending=True, maintain_order=True).head(most).iter_rows(named=True)
    ]
    return pl.DataFrame(made)


def heat(result: Result, model: str) -> pl.DataFrame:
    """Forecast by error in bins (kind "cell": x_from, x_to, y_from, y_to, n) and the bias of each forecast bin (kind
    "mean": x, value, low, high, n, small); model, where, aria."""
    cells = of_model(result, "cells", model)
    said = [
        f"forecast {row['forecast']}, error {row['error']}: {row['n']:,} rows" for row in cells.iter_rows(named=True)
    ]
    means = result.frame.filter(pl.col("model") == model)
    words_of = [f"forecast {row['bin']}: {_bias(row)}" for row in means.iter_rows(named=True)]
    return _cut(
        [
            _cells(cells, said),
            means.select(
                pl.lit("mean").alias("kind"),
                ((pl.col("drawn_from") + pl.col("drawn_to")) / 2).alias("x"),
                pl.col("bias").alias("value"),
                *("low", "high", "n", "small", "model", "where"),
            ).with_columns(pl.Series("aria", words_of, dtype=pl.String)),
        ]
    )


def heat_over_time(result: Result, model: str) -> pl.DataFrame:
    """The same with time across: start, end, and for the bias the middle `x`."""
    cells = of_model(result, "over_time", model)
    if not len(cells):
        return cells
    said = [f"{row['start']:%d %b %Y}, error {row['error']}: {row['n']:,} rows" for row in cells.iter_rows(named=True)]
    means = of_model(result, "bias_over_time", model)
    words_of = [f"{row['start']:%d %b %Y}: {_bias(row)}" for row in means.iter_rows(named=True)]
    middle = pl.col("start") + (pl.col("end") - pl.col("start")) / 2
    timed = [pl.col(name).dt.replace_time_zone("UTC") for name in ("start", "end")]
    return _cut(
        [
            _cells(cells.with_columns(timed).rename({"start": "x_from", "end": "x_to"}), said),
            means.select(
                pl.lit("mean").alias("kind"),
                middle.dt.replace_time_zone("UTC").alias("x"),
                pl.col("bias").alias("value"),
                *("low", "high", "n", "small", "model", "where"),
            ).with_columns(pl.Series("aria", words_of, dtype=pl.String)),
        ]
    )


def _cut(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Cells and means as one frame; a whisker that is longer than the picture is high ends where the cells do."""
    frame = pl.concat(parts, how="diagonal")
    return frame.with_columns(pl.col("low", "high").clip(pl.col("y_from").min(), pl.col("y_to").max()))


def _cells(cells: pl.DataFrame, said: list[str]) -> pl.DataFrame:
    return cells.select(
        pl.lit("cell").alias("kind"), "x_from", "x_to", "y_from", "y_to", "n", "model", "where"
    ).with_columns(pl.Series("aria", said, dtype=pl.String))


def _bias(row: dict[str, object]) -> str:
    value, low, high = (row[name] for name in ("bias", "low", "high"))
    return (
        f"mean error {words.number(value, 'label')}, 95% interval "  # type: ignore[arg-type]
        f"{words.interval(low, high, 'label')}, n {row['n']:,}"  # type: ignore[arg-type]
    )


def distribution(result: Result, model: str) -> pl.DataFrame:
    """A row a bin of the error: x_from, x_to, n, share, model, where, aria."""
    frame = of_model(result, "distribution", model)
    said = [
        f"error {row['bin']}: {row['n']:,} rows, {words.number(row['share'], 'share')}"
        for row in frame.iter_rows(named=True)
    ]
    return frame.with_columns(pl.Series("aria", said, dtype=pl.String))


def _short(value: float) -> str:
    text = words.significant(value)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def losses(result: Result, model: str) -> pl.DataFrame:
    """A row a tenth of the rows, worst first: name, place, share, low, high, n, text, room, model, where, aria."""
    frame = of_model(result, "losses", model)
    made = []
    rows = list(frame.filter(pl.col("share").is_not_null()).iter_rows(named=True)) if len(frame) else []
    for place, row in enumerate(rows):
        low, high = (_short(row[end]) for end in ("from", "to"))
        name = f"{low} and above" if place == 0 else f"below {high}" if place == len(frame) - 1 else f"{low} to {high}"
        share = words.number(row["share"], "share")
        made.append(
            {
                "name": name,
                "place": place,
                "share": row["share"],
                "low": row["low"],
                "high": row["high"],
                "n": row["n"],
                "room": ROOM * max(each["high"] or 0.0 for each in rows),
                "text": f"{share}  ({words.interval(row['low'], row['high'], 'share')})",
                "model": model,
                "where": row["where"],
                "aria": f"loss {name}: {share} of all loss, on {row['n']:,} rows",
            }
        )
    return pl.DataFrame(made)
