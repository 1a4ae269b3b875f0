"""Errors and rows: counts and sums against scikit-learn and numpy, each mark's segment leads to exactly its rows."""

import csv
import re
from datetime import UTC, date, datetime, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest
import sklearn.metrics as sk

from analysis.core import judged
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.expression import parse
from analysis.core.period import Period
from analysis.core.roles import ModelColumns, Roles
from analysis.core.words import number
from analysis.questions import errors, overview, rows
from analysis.questions.rows import download, export
from tests.engine.making import Folder, Table, binary, opened
from tests.questions.twin import ask, flowers, loans, prices, write

SIZE = 600


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    (made.root / "exports").mkdir()
    yield made
    made.close()


def some(random, value, share):
    return None if random.random() < share else value


@pytest.fixture(scope="module")
def judging():
    """Binary rows with missing labels, decisions and scores, with a time and a region."""
    random = np.random.default_rng(1)
    made = {name: [] for name in ("id", "y", "p", "s", "t", "g")}
    for place in range(SIZE):
        score = round(float(random.beta(2, 3)), 3)
        made["id"].append(f"r{place:04}")
        made["y"].append(some(random, int(random.random() < score), 0.1))
        made["s"].append(some(random, score, 0.05))
        made["p"].append(some(random, int(score > 0.4), 0.05))
        made["t"].append(some(random, str(date(2026, 1, 5) + timedelta(days=place % 40)), 0.03))
        made["g"].append(str(random.choice(["a", "it's", '"b"'])))
    return made


KINDS = {"id": "VARCHAR", "y": "INTEGER", "p": "INTEGER", "s": "DOUBLE", "t": "DATE", "g": "VARCHAR", "w": "DOUBLE"}


def made_of(folder, values):
    table, roles = binary(**{name: (KINDS[name], column) for name, column in values.items()})
    return opened(folder, table, task="binary", roles=roles)


@pytest.fixture(scope="module")
def two(folder, judging):
    return made_of(folder, judging)


@pytest.fixture(scope="module")
def weighted(folder, judging):
    random = np.random.default_rng(2)
    w = [some(random, round(float(random.gamma(2, 1)), 3), 0.1) for _ in range(SIZE)]
    return made_of(folder, judging | {"w": w})


@pytest.fixture(scope="module")
def many(folder):
    """30 classes, most errors among neighbours."""
    random = np.random.default_rng(3)
    y = random.integers(0, 30, 3000)
    p = np.where(random.random(3000) < 0.7, y, (y + random.integers(1, 3, 3000)) % 30)
    table = Table({"y": ("VARCHAR", [f"k{each:02}" for each in y]), "p": ("VARCHAR", [f"k{each:02}" for each in p])})
    return opened(folder, table, task="multiclass", roles=Roles(label="y", models=(ModelColumns("m", "p"),)))


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "weighted"])
def forecast(request, folder):
    random = np.random.default_rng(4)
    size = 2000
    p = random.gamma(2, 50, size).round(1)
    y = (p + random.normal(0, 20, size) - np.where(p > 150, 15, 0)).round(1)
    columns = {
        "y": ("DOUBLE", [some(random, float(each), 0.05) for each in y]),
        "p": ("DOUBLE", [some(random, float(each), 0.05) for each in p]),
        "t": ("TIMESTAMP", [f"2026-01-{1 + place % 28:02} {place % 24:02}:30:00" for place in range(size)]),
    }
    if request.param:
        columns["w"] = ("DOUBLE", [some(random, round(float(random.gamma(2, 1)), 3), 0.05) for _ in range(size)])
    roles = Roles(label="y", models=(ModelColumns("m", "p"),), time="t", weight="w" if request.param else None)
    return opened(folder, Table(columns), task="regression", roles=roles)


def count(evaluation, where, **options):
    """How many rows the question rows finds under an expression."""
    segment = parse(where, columns=judged.types(evaluation.facts))
    return rows(evaluation, where=segment, limit=1, **options).frames["count"]["rows"][0]


def known(values, *names):
    """The rows where all of these are known, as arrays."""
    kept = [place for place in range(SIZE) if all(values[name][place] is not None for name in names)]
    return (np.array([values[name][place] for place in kept]) for name in names)


# Confusion --------------------------------------------------------------------------------------------------------


def test_the_cells_are_scikit_learns(two, judging):
    y, p = known(judging, "y", "p")
    found = errors(two).frame
    assert found["n"].to_list() == sk.confusion_matrix(y, p).ravel().tolist()
    wanted = sk.confusion_matrix(y, p, normalize="true").ravel()
    np.testing.assert_allclose(found["share_of_actual"], wanted, rtol=1e-12)


def test_a_threshold_decides_instead(two, judging):
    y, s = known(judging, "y", "s")
    result = errors(two, threshold=0.55)
    assert result.frame["n"].to_list() == sk.confusion_matrix(y, s >= 0.55).ravel().tolist()
    for row in result.frame.iter_rows(named=True):
        assert count(two, row["where"], threshold=0.55) == row["n"]


@pytest.mark.parametrize("where", ["", "g = 'it''s'"])
@pytest.mark.parametrize("period", [Period(), Period(date(2026, 1, 10), date(2026, 1, 30))], ids=["all", "period"])
def test_a_cells_segment_leads_to_its_rows(two, weighted, where, period):
    for evaluation in (two, weighted):
        segment = parse(where, columns=evaluation.facts.types()) if where else None
        found = errors(evaluation, where=segment, period=period).frame
        assert found["n"].sum() > 50
        for row in found.iter_rows(named=True):
            both = f"{where} and {row['where']}" if where else row["where"]
            assert count(evaluation, both, period=period) == row["n"]


def test_beyond_twenty_classes_the_others_are_one_and_lead_to_their_rows(many):
    result = errors(many)
    matrix = result.frames["matrix"]
    assert matrix["actual"].n_unique() == matrix["predicted"].n_unique() == 21
    assert matrix["n"].sum() == result.frame["n"].sum() == 3000
    assert result.frame["n"].min() > 0
    other = matrix.filter(pl.col("actual") == "other (10 classes)")
    assert len(other) == 21
    for row in other.iter_rows(named=True):
        assert count(many, row["where"]) == row["n"]
    assert sorted(matrix["place_actual"].unique()) == list(range(21))
    assert any("10 others are one" in note for note in result.receipt.notes)


def test_without_a_decision_the_threshold_is_asked_for(folder, judging):
    made = made_of(folder, {name: judging[name] for name in ("y", "s")})
    result = errors(made)
    assert not len(result.frame)
    assert "choose a threshold" in result.sentence
    assert len(result.frames["losses"])
    assert len(errors(made, threshold=0.5).frame) == 4


def test_without_a_label_nothing_can_be_wrong(folder, judging):
    result = errors(made_of(folder, {name: judging[name] for name in ("p", "s")}))
    assert not len(result.frame)
    assert "nothing can be wrong yet" in result.sentence


# Residuals --------------------------------------------------------------------------------------------------------


def residual(evaluation):
    """(forecast, error, weight, place) of the rows a metric counts, from the rows themselves."""
    frame = rows(evaluation, order="file", limit=10_000).frame
    weight = frame["w"] if "w" in frame.columns else pl.Series([1.0] * len(frame))
    frame = frame.with_columns(weight.alias("weight")).filter(
        pl.col("error_").is_not_null() & pl.col("weight").is_not_null()
    )
    return frame["prediction_"].to_numpy(), frame["error_"].to_numpy(), frame["weight"].to_numpy(), frame


def test_bins_hold_what_numpy_puts_there(forecast):
    p, e, w, _ = residual(forecast)
    result = errors(forecast)
    edges = np.array(sorted({row["from"] for row in result.frame.iter_rows(named=True) if row["from"] is not None}))
    place = np.searchsorted(edges, p, side="right")
    assert result.frame["n"].to_list() == np.bincount(place, minlength=len(edges) + 1).tolist()
    for row, at in zip(result.frame.iter_rows(named=True), range(len(edges) + 1), strict=True):
        inside = place == at
        assert row["bias"] == pytest.approx(np.average(e[inside], weights=w[inside]), rel=1e-9)
    assert result.receipt.m == int((result.frame["n"] >= 30).sum())
    assert "too high" in result.sentence  # forecasts above 150 are 15 too high


@pytest.mark.parametrize("name", ["main", "cells", "over_time", "bias_over_time", "distribution", "losses"])
def test_a_bins_segment_leads_to_its_rows(forecast, name):
    result = errors(forecast)
    frame = result.frame if name == "main" else result.frames[name]
    assert frame["n"].sum() == len(residual(forecast)[0])
    picked = frame if len(frame) < 60 else frame.sample(60, seed=1)
    for row in picked.iter_rows(named=True):
        assert count(forecast, row["where"]) == row["n"], row["where"]


def test_a_picture_never_sends_more_than_2000_marks(forecast):
    frames = errors(forecast).frames
    assert max(len(frame) for frame in frames.values()) + 60 <= 2000
    assert len(frames["distribution"]) <= 60


def test_the_worst_tenth_carries_what_its_rows_lose(forecast):
    _, e, w, _ = residual(forecast)
    losses = errors(forecast).frames["losses"]
    size = np.abs(e)
    for row in losses.iter_rows(named=True):
        last = row["tenth"] == 1
        inside = (size >= row["from"]) & ((size <= row["to"]) if last else (size < row["to"]))
        assert row["n"] == inside.sum()
        assert row["share"] == pytest.approx((w * size)[inside].sum() / (w * size).sum(), rel=1e-9)
    assert losses["cumulative"][-1] == pytest.approx(1)
    assert losses["share"].to_list() == sorted(losses["share"].to_list(), reverse=True)


def test_a_forecast_that_is_always_right_or_always_the_same(folder):
    for p in ([3.0] * 50, [float(each) for each in range(50)]):
        y = [float(each) for each in range(50)]
        table = Table({"y": ("DOUBLE", y), "p": ("DOUBLE", p)})
        made = opened(folder, table, task="regression", roles=Roles(label="y", models=(ModelColumns("m", "p"),)))
        result = errors(made)
        assert result.frame["n"].sum() == 50
        assert result.frames["losses"]["n"].sum() == 50
        for row in result.frames["cells"].iter_rows(named=True):
            assert count(made, row["where"]) == row["n"]


# Rows -------------------------------------------------------------------------------------------------------------


def test_the_largest_losses_come_first_and_unjudged_rows_last(two, judging):
    frame = rows(two, limit=1000).frame
    y, s = (np.array([np.nan if each is None else each for each in judging[name]], dtype=float) for name in "ys")
    wanted = -np.log(np.where(y == 1, s, 1 - s)) + 0 * y
    order = {name: place for place, name in enumerate(judging["id"])}
    shown = wanted[[order[name] for name in frame["id"]]]
    judgeable = ~np.isnan(shown)
    assert judgeable.sum() == frame["loss_"].count()
    assert judgeable[: judgeable.sum()].all()
    np.testing.assert_allclose(frame["loss_"].drop_nulls(), shown[judgeable], rtol=1e-12)
    assert np.all(np.diff(frame["loss_"].drop_nulls()) <= 0)
    assert len(frame) == SIZE


def test_the_loss_of_many_classes_and_without_probabilities(folder, many):
    frame = rows(many, limit=3000).frame
    assert frame["loss_"].to_list() == sorted(frame["loss_"].to_list(), reverse=True)
    assert ((frame["label_"] != frame["prediction_"]).cast(pl.Float64) == frame["loss_"]).all()
    assert "losses" not in errors(many).frames


@pytest.mark.parametrize("order", ["id", "score", "time", "file", "loss"])
def test_pages_of_rows_in_any_order_are_the_whole(two, order):
    whole = rows(two, order=order, limit=1000).frame
    parts = [rows(two, order=order, limit=100, offset=start).frame for start in range(0, SIZE, 100)]
    assert pl.concat(parts).equals(whole)
    if order in ("id", "score"):
        known = whole["id" if order == "id" else "score_"].drop_nulls().to_list()
        assert known == sorted(known, reverse=order == "score")


def test_what_rows_refuses(two, many):
    with pytest.raises(UnknownName, match="order"):
        rows(two, order="colour")
    with pytest.raises(BadRequest, match="10,000"):
        rows(two, limit=10_001)
    with pytest.raises(BadRequest, match="time"):
        rows(many, order="time")


HOSTILE = ["=1+1", "+2", "-3", "@x", "\t=1", "\r=2", "it's", '"quoted", and, comma', "two\nlines", "", "-", "ünï"]


@pytest.fixture(scope="module")
def hostile(folder):
    size = len(HOSTILE) * 2
    table = Table(
        {
            "=y": ("VARCHAR", ["it's", '"b"'] * len(HOSTILE)),
            "label_": ("VARCHAR", HOSTILE * 2),
            "LOSS_": ("DOUBLE", [-1.5] * size),
            '"; DROP TABLE rows; --': ("VARCHAR", ["it's"] * size),
            "+s": ("DOUBLE", [0.25, 0.5] * len(HOSTILE)),
        }
    )
    model = ModelColumns("m\"'; --", '"; DROP TABLE rows; --')
    return opened(folder, table, task="multiclass", roles=Roles(label="=y", models=(model,)))


def test_judged_columns_never_take_the_name_of_a_column(hostile):
    names = judged.named(hostile.facts)
    assert names == {"label": "label__", "prediction": "prediction_", "score": "score_", "loss": "loss__"}
    frame = rows(hostile).frame
    assert set(frame.columns) == {column.name for column in hostile.facts.columns} | set(names.values())
    for row in errors(hostile).frame.iter_rows(named=True):
        assert count(hostile, row["where"]) == row["n"]


def test_an_export_parses_back_and_no_text_starts_a_formula(hostile, tmp_path):
    result = rows(hostile, limit=3)
    text = download(hostile, result).decode()
    parsed = list(csv.reader(text.splitlines(keepends=True)))
    assert len(parsed) == 1 + 2 * len(HOSTILE)
    header = parsed[0]
    assert header[:2] == ["'=y", "label_"]
    numbers = {"LOSS_", "'+s", "score_", "loss__"}
    for row in parsed:
        for name, cell in zip(header, row, strict=True):
            assert name in numbers or cell[:1] not in ("=", "+", "-", "@", "\t", "\r")
    place = header.index("label_")
    assert [row[place].removeprefix("'") if row[place][1:2] in tuple("=+-@\t\r") else row[place] for row in parsed[1:]]
    held = sorted(row[place] for row in parsed[1:])
    wanted = sorted(("'" + each if each[:1] in tuple("=+-@\t\r") else each) for each in HOSTILE * 2)
    assert held == wanted
    assert {row[header.index("LOSS_")] for row in parsed[1:]} == {"-1.5"}


def test_a_download_leaves_nothing_and_an_export_a_file(two, folder):
    result = rows(two, where=parse("g = 'a'", columns=two.facts.types()), limit=5)
    where = parse("g = 'a'", columns=two.facts.types())
    before = set((folder.root / "exports").iterdir())
    text = download(two, result, where=where).decode()
    assert set((folder.root / "exports").iterdir()) == before
    path, written = export(two, result, where=where)
    assert path.parent == folder.root / "exports"
    assert written == result.frames["count"]["rows"][0]
    assert len(text.splitlines()) == len(path.read_text().splitlines()) == written + 1
    path.unlink()


MOMENTS = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "BIGINT")


@pytest.mark.parametrize(
    ("kind", "weight"),
    [
        pytest.param(kind, weight, marks=[] if weight == place % 2 else pytest.mark.slow)
        for place, kind in enumerate(MOMENTS)
        for weight in (False, True)
    ],
)
def test_a_point_of_a_trend_leads_to_its_rows(folder, judging, kind, weight):
    start = 1_772_841_600  # 7 March 2026 in UTC; New York's clocks change the night after
    moments = [start + place * 1700 for place in range(SIZE)]
    assert datetime.fromtimestamp(start, UTC) == datetime(2026, 3, 7, tzinfo=UTC)
    values = {
        "DATE": [str(date(2026, 3, 1) + timedelta(days=place % 11)) for place in range(SIZE)],
        "TIMESTAMP": [str(datetime(2026, 3, 1) + timedelta(minutes=29 * place)) for place in range(SIZE)],
        "TIMESTAMP WITH TIME ZONE": [f"{datetime.fromtimestamp(each, UTC):%Y-%m-%d %H:%M:%S}+00" for each in moments],
        "BIGINT": moments,
    }[kind]
    w = [None if place % 9 == 0 else 1.5 for place in range(SIZE)]
    columns = {"y": ("INTEGER", judging["y"]), "p": ("INTEGER", judging["p"]), "t": (kind, values)}
    columns |= {"w": ("DOUBLE", w)} if weight else {}
    zone = "UTC" if kind in ("DATE", "TIMESTAMP") else "America/New_York"
    roles = Roles(label="y", models=(ModelColumns("m", "p"),), time="t", zone=zone, weight="w" if weight else None)
    made = opened(folder, Table(columns), task="binary", roles=roles)
    trend = overview(made, metrics=["accuracy"]).frames["trend"]
    assert len(trend) > 8
    for row in trend.iter_rows(named=True):
        assert count(made, row["where"]) == row["rows"]
        labelled = count(made, row["where_labelled"])
        assert labelled == round(row["rows"] * row["labelled"])
        assert count(made, row["where_not_yet"]) == row["rows"] - labelled


# Receipts and sentences -------------------------------------------------------------------------------------------


def bare(statement):
    with duckdb.connect() as connection:
        found = connection.execute(statement)
        names = [column[0] for column in found.description]
        return pl.DataFrame(found.fetchall(), schema=names, orient="row")


@pytest.mark.parametrize("kind", ["two", "weighted", "many"])
def test_receipts_of_a_confusion_give_its_counts_and_shares(request, folder, monkeypatch, kind):
    evaluation = request.getfixturevalue(kind)
    monkeypatch.chdir(folder.root)
    for threshold in (None, 0.6) if kind != "many" else (None,):
        result = errors(evaluation, threshold=threshold)
        found = bare(result.receipt.sql["confusion (m)"])
        shown = result.frame.filter(pl.col("n") > 0)
        assert len(found) == len(shown)
        both = shown.join(found, on=["actual", "predicted"], suffix="_sql")
        assert len(both) == len(shown)
        assert (both["n"] == both["n_sql"]).all()
        for name in ("share_of_actual", "share_of_predicted"):
            np.testing.assert_allclose(both[name], both[f"{name}_sql"], rtol=1e-9)


def test_receipts_of_residuals_give_their_sums(forecast, folder, monkeypatch):
    monkeypatch.chdir(folder.root)
    result = errors(forecast)
    found = bare(result.receipt.sql["bias (m)"])
    assert found["n"].to_list() == result.frame["n"].to_list()
    np.testing.assert_allclose(found["s"] / found["w"], result.frame["bias"], rtol=1e-9)
    losses = bare(result.receipt.sql["losses (m)"])
    assert losses["n"].to_list() == result.frames["losses"]["n"].to_list()[::-1]


def test_receipts_of_rows_give_the_rows(two, folder, monkeypatch):
    monkeypatch.chdir(folder.root)
    result = rows(two, where=parse("g = 'it''s'", columns=two.facts.types()), limit=7)
    assert bare(result.receipt.sql["count"])["n"][0] == result.frames["count"]["rows"][0]
    assert bare(result.receipt.sql["rows"])["v0"].to_list() == result.frame["id"].to_list()


NUMBER = re.compile(r"(?<![\w.])−?\d[\d,]*(?:\.\d+)?%?")


def test_every_number_of_the_sentence_is_in_the_frames(two, weighted, many, forecast):
    for evaluation in (two, weighted, many, forecast):
        told(errors(evaluation))


def told(result):
    text = re.sub(r"'[^']*'", "", result.sentence)
    known = set()
    for frame in (result.frame, result.frames.get("losses", pl.DataFrame())):
        for row in frame.iter_rows(named=True):
            for value in row.values():
                if isinstance(value, float):
                    known |= {number(value, "share"), number(value, "label")}
                elif isinstance(value, int):
                    known.add(f"{value:,}")
                elif isinstance(value, str):
                    known |= set(NUMBER.findall(value))
    spoken = set(NUMBER.findall(text))
    assert len(spoken) >= 3
    assert spoken <= known


# The terminal -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    space = folder / "w"
    scores = [word for name in ("ash", "birch", "cedar") for word in ("--score", f"{name}=score {name}")]
    made = {
        "loans": (loans(weighted=False), "--label paid --prediction decision --score score --task binary --id id"),
        "prices": (prices(), "--label price --prediction forecast --task regression --id id"),
        "flowers": (flowers(), "--label kind --prediction guess --task multiclass --id id"),
    }
    for name, (given, words) in made.items():
        assert ask(space, "ingest", write(folder / f"{name}.csv", given)).status == 0
        more = scores if name == "flowers" else []
        done = ask(space, "evaluate", name, *words.split(), *more, "--name", name)
        assert done.status == 0, done.err
    return space


@pytest.mark.parametrize("name", ["loans", "flowers", "prices"])
def test_the_terminal_says_what_errs_and_shows_its_rows(space, name):
    said = ask(space, "errors", name, "--json").json
    assert said["receipt"]["question"] == "errors"
    for row in said["frame"][:6]:
        shown = ask(space, "rows", name, "--where", row["where"], "--limit", "1000", "--json").json
        assert len(shown["frame"]) == row["n"]
    plain = ask(space, "errors", name)
    assert plain.status == 0
    assert plain.out.splitlines()[0] == said["sentence"].splitlines()[0]


def test_the_terminal_refuses_in_one_sentence(space):
    assert "order" in ask(space, "rows", "loans", "--order", "colour").refusal
    assert "--limit" in ask(space, "rows", "loans", "--limit", "0").refusal
    assert "label__" in ask(space, "rows", "loans", "--where", "label__ = 'yes'").refusal
    assert "threshold" in ask(space, "errors", "prices", "--threshold", "0.5").refusal
