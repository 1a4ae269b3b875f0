"""What any engine must answer: cubes counted row by row in plain Python, against `ask(query)`.

An engine's test file subclasses `Contract` and gives a fixture `asked(task, weighted, units=False)` that returns an
open evaluation of `table(task, weighted, units)`.
"""

import math
from collections import Counter
from dataclasses import is_dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from analysis.core.cutoffs import Band, ByGroup
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.expression import parse
from analysis.core.period import Period, bucket_place
from analysis.core.roles import ModelColumns, Roles
from analysis.core.segment import Not
from analysis.engine.query import Query
from tests.engine.making import Table

SIZE = 400
EPSILON = np.finfo(float).eps
CLASSES = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c")}
BINARY_TERMS, MORE_TERMS = ("ll", "ll2", "sq", "sq2"), ("e", "ae", "e2", "e4", "y", "y2", "y3", "y4", "e2y", "e2y2")
MORE_TERMS = (*MORE_TERMS, "d", "zero", "ape", "ape2", "aey", "ay", "ay2", "sape", "sape2")
MORE_TERMS = (*MORE_TERMS, "over", "under")
QUANTILES = ((0.1, "lo"), (0.5, "mid"), (0.9, "hi"))
TASKS = [(task, weighted) for task in ("binary", "multiclass", "regression") for weighted in (False, True)]


def rows(task, weighted):
    """SIZE rows as dicts; None is missing."""
    random, further = (np.random.default_rng([len(task), weighted, *more]) for more in ((), (1,)))
    made = []
    for place in range(SIZE):
        gone = random.random(6) < 0.1
        day = datetime(2026, 1, 1) + timedelta(hours=int(random.integers(0, 90 * 24)))
        row = {
            "region": None if gone[0] else str(random.choice(["West", "East", "it's", "other"])),
            "flag": None if gone[1] else bool(random.random() < 0.3),
            "amount": None if gone[2] else round(float(random.gamma(2, 50)), 2),
            "t": None if gone[3] and random.random() < 0.5 else day,
            "customer": None if place % 17 == 0 else f"customer {(place * place) % 23}",
        }
        if weighted:
            row["w"] = (
                None if random.random() < 0.05 else round(float(random.gamma(1, 2)) * (random.random() < 0.95), 3)
            )
        if task == "regression":
            truth = round(float(random.normal(100, 20)), 1)
            row["y"], row["p"] = (0.0 if place % 50 == 0 else truth), round(truth + float(random.normal(0, 5)), 1)
        else:
            names = CLASSES[task]
            row["y"], row["p"] = (str(random.choice(names)) for _ in range(2))
            shares = random.dirichlet(np.ones(len(names)))
            for name, share in zip(names, shares, strict=True):
                row[f"s_{name}"] = None if gone[5] else round(float(share), 2) if task == "binary" else float(share)
        row["y"] = None if gone[4] else row["y"]
        row["p"] = None if random.random() < 0.1 else row["p"]
        row["ms"] = None if further.random() < 0.1 else float(np.round(further.lognormal(4, 0.5)))
        row["cost"] = None if further.random() < 0.1 else round(float(further.gamma(2, 0.3)), 4)
        if task == "regression":
            ends = sorted(round(truth + float(further.normal(side, 8)), 1) for side in (-12, 0, 12))
            if place % 40 == 0:
                ends.reverse()
            row |= {
                name: None if further.random() < 0.05 else end for (_, name), end in zip(QUANTILES, ends, strict=True)
            }
        made.append(row)
    return made


ROWS = {each: rows(*each) for each in TASKS}


def table(task, weighted, units=False):
    """(table, roles) of the evaluation an engine is asked of; units: the rows belong to customers."""
    said = ROWS[task, weighted]
    kinds = {"flag": "BOOLEAN", "amount": "DOUBLE", "t": "TIMESTAMP", "w": "DOUBLE", "region": "VARCHAR"}
    kinds["customer"] = "VARCHAR"
    kinds |= dict.fromkeys(("y", "p"), "DOUBLE" if task == "regression" else "VARCHAR")
    columns = {name: (kinds.get(name, "DOUBLE"), [row[name] for row in said]) for name in said[0]}
    scores = {"binary": (("yes", "s_yes"),), "multiclass": tuple((name, f"s_{name}") for name in CLASSES["multiclass"])}
    quantiles = QUANTILES if task == "regression" else ()
    model = ModelColumns("m", "p", scores.get(task, ()), quantiles, "ms")
    roles = Roles(label="y", models=(model,), time="t", cost="cost", amount="amount")
    roles = roles.with_(weight="w") if weighted else roles
    return Table(columns), roles.with_(unit="customer") if units else roles


PARTS = ("rows", "confusion", "histogram", "sums", "orders", "class_histograms", "class_moments")
PARTS += ("amounts", "top_label", "ranks", "tally", "over", "days", "rank_products")
FILTERS = {
    "": lambda row: True,
    "region = 'West'": lambda row: row["region"] == "West",
    "not (region = 'West')": lambda row: row["region"] != "West",
    "region in ('East', 'it''s') and amount >= 50": lambda row: (
        row["region"] in ("East", "it's") and row["amount"] is not None and row["amount"] >= 50
    ),
    "amount is missing or flag = true": lambda row: row["amount"] is None or row["flag"] is True,
    "amount > 1000000": lambda row: False,
}
PERIODS = {
    "ever": Period(),
    "february": Period(date(2026, 2, 1), date(2026, 2, 28)),
    "from march": Period(date(2026, 3, 1)),
    "until new year": Period(None, date(2026, 1, 1)),
}
RULES = [
    Band(0.3, 0.5),
    Band(0.0, 1.5),
    Band(0.305, 0.305),
    ByGroup(0.5, "region", (("West", 0.3), ("it's", 0.7), (None, 0.4))),
    ByGroup(0.6, "flag", (("true", 0.2), (None, 0.805))),
    ByGroup(0.5, "region", (("nowhere", 0.1),)),
]
SHAPES = [
    ((), "", "ever", None),
    (("region",), "", "ever", None),
    (("region", "flag"), "", "ever", None),
    (("amount",), "", "ever", None),
    ((), "region = 'West'", "ever", None),
    (("flag",), "not (region = 'West')", "february", None),
    ((), "region in ('East', 'it''s') and amount >= 50", "ever", None),
    (("region",), "amount is missing or flag = true", "from march", None),
    ((), "amount > 1000000", "ever", None),
    (("region",), "amount > 1000000", "ever", None),
    ((), "", "until new year", None),
    ((), "", "ever", "day"),
    ((), "", "ever", "week"),
    (("region",), "", "february", "month"),
    ((), "", "ever", "quarter"),
]


def decided_by(rule, row):
    """The class that a rule gives a row of two classes, None for review and without a score."""
    score = row["s_yes"]
    if score is None or (isinstance(rule, Band) and rule.low <= score < rule.high):
        return None
    at = rule.high if isinstance(rule, Band) else rule
    if isinstance(rule, ByGroup):
        group = row[rule.column]
        at = dict(rule.groups).get(str(group).lower() if isinstance(group, bool) else group, rule.threshold)
    return CLASSES["binary"][score >= at]


def serves(task, row):
    """(labelled, answered) of a row."""
    return row["y"] is not None, row["y"] is not None and responded(task, row)


def terms(task, row, centre, median):
    """{term: value} of a row with a label and a score or forecast, else None."""
    y, p = row["y"], row["p"]
    if task == "regression":
        if y is None or p is None:
            return None
        e, c = p - y, y - centre
        ape = 0.0 if y == 0 else abs(e / y)
        sape = 0.0 if abs(y) + abs(p) == 0 else 2 * abs(e) / (abs(y) + abs(p))
        values = (e, abs(e), e**2, e**4, c, c**2, c**3, c**4, e**2 * c, e**2 * c**2, abs(y - median), float(y == 0))
        values += (ape, ape**2, abs(e) * abs(y), abs(y), y * y, sape, sape**2, float(e > 0), float(e < 0))
        return dict(zip(MORE_TERMS, values, strict=True))
    shares = [row[f"s_{name}"] for name in CLASSES[task]]
    if y is None or None in shares:
        return None
    if task == "binary":
        shares = [1 - shares[1], shares[1]]
    truth = [float(name == y) for name in CLASSES[task]]
    right = sum(share * one for share, one in zip(shares, truth, strict=True))
    ll = -math.log(min(max(right, EPSILON), 1 - EPSILON))
    sq = sum((share - one) ** 2 for share, one in zip(shares, truth, strict=True)) / 2
    return {"ll": ll, "ll2": ll**2, "sq": sq, "sq2": sq**2}


def at_level(values, weights, weighted, level):
    """A quantile; with weights the least value with that share of the weight at or below it; nan without a value."""
    if not values:
        return math.nan
    if not weighted:
        return float(np.quantile(values, level))
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(np.asarray(weights)[order])
    return math.nan if upto[-1] <= 0 else float(np.asarray(values)[order][upto >= upto[-1] * level][0])


def split(pairs):
    """([first of each], [second of each])."""
    return [one for one, _ in pairs], [other for _, other in pairs]


def responded(task, row):
    """Whether the model decided or scored a row."""
    return row["p"] is not None or (task != "regression" and row[f"s_{CLASSES[task][1]}"] is not None)


def pinball(y, forecasts):
    """The mean pinball loss of a row's quantiles."""
    gaps = [(level, y - each) for (level, _), each in zip(QUANTILES, forecasts, strict=True)]
    return sum(max(level * gap, (level - 1) * gap) for level, gap in gaps) / len(gaps)


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-9)


def same(found, wanted):
    """Whether two parts of cubes hold the same numbers."""
    if isinstance(found, dict):
        assert found.keys() == wanted.keys()
        for name in found:
            same(found[name], wanted[name])
    elif isinstance(found, np.ndarray):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-9)
    elif isinstance(found, tuple):
        assert len(found) == len(wanted)
        for mine, theirs in zip(found, wanted, strict=True):
            same(mine, theirs)
    elif is_dataclass(found):
        same(vars(found), vars(wanted))
    else:
        assert found == wanted


class Contract:
    """The laws; `asked` is the engine's fixture."""

    def groups(self, answer, task, weighted, shape):
        """(place in the cube, rows that belong there) for every group, and that no row is lost."""
        by, where, period, bucket = shape
        window = PERIODS[period]
        said = [row for row in ROWS[task, weighted] if FILTERS[where](row)]
        if window.start or window.end:
            start, end = window.start or datetime.min, window.end or datetime.max
            said = [row for row in said if row["t"] is not None and start <= row["t"] < end]
        cube = answer.cube
        shown = cube.groups.rows() if cube.groups.width else [()]
        assert len(shown) == len(cube)
        assert len(set(shown)) == len(shown)
        assert int(cube.rows.sum()) == len(said)
        if "amount" in by:
            edges = [tuple(float(end) for end in text[1:-1].split(", ")) if text else None for (text,) in shown]
            top = max(each[1] for each in edges if each)

            def of(row):
                value = row["amount"]
                return next(
                    i
                    for i, each in enumerate(edges)
                    if (each is None) == (value is None)
                    and (each is None or each[0] <= value < each[1] or value == each[1] == top)
                )
        else:

            def of(row):
                key = [text(row[name]) for name in by]
                if bucket:
                    key.append(None if row["t"] is None else str(bucket_place(row["t"], bucket)))
                return shown.index(tuple(key))

        def text(value):
            return value if value is None or isinstance(value, str) else str(value).lower()

        found = [[] for _ in shown]
        for row in said:
            found[of(row)].append(row)
        return found

    def ask(self, asked, task, weighted, shape, needs, threshold=None):
        by, where, period, bucket = shape
        evaluation = asked(task, weighted)
        query = Query("m", frozenset(needs), by=by, bucket=bucket, period=PERIODS[period], threshold=threshold)
        if where:
            query = Query(**{**query.__dict__, "where": parse(where, columns=evaluation.facts.types())})
        return evaluation, evaluation.ask(query)

    @pytest.mark.parametrize(("task", "weighted"), TASKS)
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_every_count_and_sum_is_that_of_the_rows(self, asked, task, weighted, shape):
        names = {"binary": BINARY_TERMS, "multiclass": BINARY_TERMS, "regression": MORE_TERMS}[task]
        needs = {f"sum:{name}" for name in names} | {"decisions"}
        needs |= {
            "binary": {"scores"},
            "multiclass": {"class_scores", "class_moments", "top_label", "ranks"},
            "regression": {"order:ae", "order:d", "order:ae:0.9", "over:quantiles", "over:bands", "rank_products"},
        }[task]
        needs |= {"order:latency:0.5", "order:latency:0.99", "days", "over:answers", "over:costs"}
        needs |= set() if task == "regression" else {"over:decided_costs"}
        evaluation, answer = self.ask(asked, task, weighted, shape, needs)
        facts, cube = evaluation.facts, answer.cube
        for place, held in enumerate(self.groups(answer, task, weighted, shape)):
            assert cube.rows[place] == len(held)
            tallies = [serves(task, row) for row in held]
            assert cube.tally.labelled[place] == sum(labelled for labelled, _ in tallies)
            assert cube.tally.answered[place] == sum(answered for _, answered in tallies)
            weighed = [row for row in held if not weighted or row["w"] is not None]
            assert cube.tally.used[place] == sum(serves(task, row)[1] for row in weighed)
            if task != "regression":
                self.check_confusion(cube.confusion, place, weighed, task, weighted)
            if task == "binary":
                self.check_histogram(cube.histogram, place, weighed, weighted)
            if task == "multiclass":
                self.check_class_scores(cube, place, weighed, weighted)
            self.check_sums(cube, place, weighed, task, weighted, facts)
            self.check_over(cube, place, weighed, task, weighted, facts)
            self.check_days(cube.days, place, held, task)
            latencies = [(row["ms"], row.get("w", 1)) for row in weighed if row["ms"] is not None]
            for level, found in cube.orders["latency"].exact.items():
                close(found[place], at_level(*split(latencies), weighted, level))
            if task == "regression":
                self.check_rank_products(cube.rank_products, place, weighed, weighted)

    def check_over(self, cube, place, held, task, weighted, facts):
        """Sums over other rows: all, those with a cost, those with quantiles."""
        counted = {"answers": [(float(not responded(task, row)),) for row in held]}
        weights = {"answers": [row.get("w", 1) for row in held]}
        paid = [row for row in held if row["cost"] is not None]
        wanted = {"costs": [row for row in paid if responded(task, row)]}
        names = {"answers": ("unanswered",), "costs": ("cost", "cost2")}
        make = {"costs": lambda row: (row["cost"], row["cost"] ** 2)}
        if task == "regression":
            whole = [row for row in held if all(row[name] is not None for _, name in QUANTILES)]
            wanted |= {"bands": whole, "quantiles": [row for row in whole if row["y"] is not None]}
            names |= {"bands": ("width", "width2"), "quantiles": ("loss", "loss2", "flat", "inside", "nominal")}
            flat = facts.models[0].label_quantiles
            labels = [row["y"] for row in ROWS[task, weighted] if row["y"] is not None]
            close(flat, np.quantile(labels, [level for level, _ in QUANTILES]))
            make["bands"] = lambda row: (row["hi"] - row["lo"], (row["hi"] - row["lo"]) ** 2)

            def losses(row):
                loss = pinball(row["y"], [row[name] for _, name in QUANTILES])
                return loss, loss**2, pinball(row["y"], flat), float(row["lo"] <= row["y"] <= row["hi"]), 0.8

            make["quantiles"] = losses
        else:
            wanted["decided_costs"] = [row for row in paid if row["y"] is not None and row["p"] is not None]
            names["decided_costs"] = ("cost", "cost2", "right", "cost_right")

            def right(row):
                one = float(row["y"] == row["p"])
                return row["cost"], row["cost"] ** 2, one, row["cost"] * one

            make["decided_costs"] = right
        counted |= {name: [make[name](row) for row in rows] for name, rows in wanted.items()}
        weights |= {name: [row.get("w", 1) for row in rows] for name, rows in wanted.items()}
        assert cube.over.keys() == counted.keys()
        for name, sums in cube.over.items():
            w = np.array(weights[name], dtype=float)
            assert sums.n[place] == len(w)
            close(sums.w[place], w.sum())
            close(sums.w2[place], (w**2).sum())
            values = np.array(counted[name], dtype=float).reshape(len(w), len(names[name]))
            assert tuple(sums.s) == names[name]
            for column, term in enumerate(names[name]):
                close(sums.s[term][place], (w * values[:, column]).sum())
                close(sums.q[term][place], (w**2 * values[:, column]).sum())

    def check_days(self, days, place, held, task):
        dated = [row for row in held if row["t"] is not None]
        per_day = Counter(row["t"].date() for row in dated if responded(task, row))
        every = [row["t"].date() for row in dated]
        assert days.n[place] == sum(per_day.values())
        assert days.squares[place] == sum(count**2 for count in per_day.values())
        assert days.span[place] == ((max(every) - min(every)).days + 1 if every else 0)

    def check_rank_products(self, found, place, held, weighted):
        both = [row for row in held if row["y"] is not None and row["p"] is not None]
        w = np.array([row["w"] if weighted else 1 for row in both], dtype=float)
        assert found.n[place] == len(both)
        close(found.w[place], w.sum())
        close(found.w2[place], (w**2).sum())
        ranks = []
        for side in ("y", "p"):
            values = np.array([row[side] for row in both], dtype=float)
            below = [w[values < value].sum() + w[values == value].sum() / 2 for value in values]
            ranks.append(np.array(below) - w.sum() / 2)
        a, b = ranks
        for name, product in (("yy", a * a), ("pp", b * b), ("yp", a * b)):
            np.testing.assert_allclose(getattr(found, name)[place], (w * product).sum(), rtol=1e-11, atol=1e-7)
        assert found.hidden_y[place] == found.hidden_p[place] == 0

    def check_confusion(self, confusion, place, held, task, weighted):
        size = len(CLASSES[task])
        n, w, w2 = (np.zeros((size + 1, size + 1)) for _ in range(3))
        for row in held:
            at = tuple(size if row[key] is None else CLASSES[task].index(row[key]) for key in ("y", "p"))
            weight = row["w"] if weighted else 1
            n[at] += 1
            w[at] += weight
            w2[at] += weight**2
        assert confusion.n[place].tolist() == n.tolist()
        close(confusion.w[place], w)
        close(confusion.w2[place], w2)
        assert confusion.weighted is weighted

    def check_histogram(self, histogram, place, held, weighted):
        assert histogram.exact
        n, w = (np.zeros(histogram.n.shape[1:]) for _ in range(2))
        for row in held:
            if row["s_yes"] is not None:
                side = 2 if row["y"] is None else CLASSES["binary"].index(row["y"])
                code = histogram.low.tolist().index(row["s_yes"])
                n[side, code] += 1
                w[side, code] += row["w"] if weighted else 1
        assert histogram.n[place].tolist() == n.tolist()
        close(histogram.w[place], w)

    def check_class_scores(self, cube, place, held, weighted):
        """Every class's score by label, the highest score by whether it is right, and the rank of the label's."""
        names = CLASSES["multiclass"]
        size = len(names)
        counted = {"ranks": np.zeros((3, size)), "top": np.zeros((3, *cube.top_label.n.shape[1:]))}
        sums = [np.zeros(size), np.zeros((size, size)), np.zeros((size, size, size))]
        counted |= {name: np.zeros((3, *cube.class_histograms[at].n.shape[1:])) for at, name in enumerate(names)}
        for row in held:
            shares = [row[f"s_{name}"] for name in names]
            if None in shares:
                continue
            weight = row["w"] if weighted else 1
            add = np.array([1, weight, weight**2])
            label = None if row["y"] is None else names.index(row["y"])
            codes = [
                histogram.low.tolist().index(share)
                for histogram, share in zip(cube.class_histograms, shares, strict=True)
            ]
            for code, name in zip(codes, names, strict=True):
                counted[name][:, size if label is None else label, code] += add
            ranked = sorted(range(size), key=lambda at: (shares[at], at), reverse=True)
            side = 2 if label is None else int(ranked[0] == label)
            counted["top"][:, side, cube.top_label.low.tolist().index(max(shares))] += add
            if label is not None:
                counted["ranks"][:, ranked.index(label)] += add
                sums[0][label] += 1
                sums[1][label] += codes
                sums[2][label] += np.outer(codes, codes)
        for mine, wanted in zip(("n", "first", "second"), sums, strict=True):
            close(getattr(cube.class_moments, mine)[place], wanted)
        found = {"ranks": cube.ranks, "top": cube.top_label, **dict(zip(names, cube.class_histograms, strict=True))}
        for name, part in found.items():
            assert part.n[place].tolist() == counted[name][0].tolist()
            close(part.w[place], counted[name][1])
            close(part.w2[place], counted[name][2])
            assert part.weighted is weighted

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_amounts_are_those_of_the_scored_rows(self, asked, weighted, shape):
        _, answer = self.ask(asked, "binary", weighted, shape, {"scores", "amounts"})
        found, histogram = answer.cube.amounts, answer.cube.histogram
        for place, held in enumerate(self.groups(answer, "binary", weighted, shape)):
            cells = {name: np.zeros(found.n.shape[1:]) for name in ("n", "w", "w2", "a", "wa", "a2", "missing")}
            for row in held:
                if row["s_yes"] is None or (weighted and row["w"] is None):
                    continue
                side = 2 if row["y"] is None else CLASSES["binary"].index(row["y"])
                at, a, w = (side, histogram.low.tolist().index(row["s_yes"])), row["amount"], row.get("w", 1)
                if a is None:
                    cells["missing"][at] += 1
                    continue
                for name, value in {
                    "n": 1,
                    "w": w,
                    "w2": w * w,
                    "a": w * a,
                    "wa": w * w * a,
                    "a2": (w * a) ** 2,
                }.items():
                    cells[name][at] += value
            for name, expected in cells.items():
                close(getattr(found, name)[place], expected)

    def check_sums(self, cube, place, held, task, weighted, facts):
        counted = [(terms(task, row, facts.centre, facts.median), row.get("w", 1)) for row in held]
        counted = [(values, weight) for values, weight in counted if values is not None]
        sums = cube.sums
        assert sums.n[place] == len(counted)
        close(sums.w[place], math.fsum(weight for _, weight in counted))
        close(sums.w2[place], math.fsum(weight**2 for _, weight in counted))
        for name, found in sums.s.items():
            wanted = [weight * values[name] for values, weight in counted]
            squared = [weight**2 * values[name] for values, weight in counted]
            scale = math.fsum(abs(each) for each in wanted)
            assert abs(found[place] - math.fsum(wanted)) <= 1e-12 * max(scale, 1e-3)
            scale = math.fsum(abs(each) for each in squared)
            assert abs(sums.q[name][place] - math.fsum(squared)) <= 1e-12 * max(scale, 1e-3)
        for name, order in cube.orders.items():
            if name == "latency":
                continue
            values, weights = [each[name] for each, _ in counted], [weight for _, weight in counted]
            for level, exact in order.exact.items():
                close(exact[place], at_level(values, weights, weighted, level))
            if name == "ae":
                close(order.n[place].sum(), len(values))
                close(order.w[place].sum(), math.fsum(weights))

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("threshold", [0.0, 0.3, 0.305, 0.5, 1.0, 1.5, *RULES], ids=str)
    @pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[1]], ids=str)
    def test_a_threshold_decides_by_the_score_alone(self, asked, weighted, threshold, shape):
        _, answer = self.ask(asked, "binary", weighted, shape, {"decisions"}, threshold)
        assert answer.threshold == threshold
        for place, held in enumerate(self.groups(answer, "binary", weighted, shape)):
            weighed = [row for row in held if not weighted or row["w"] is not None]
            decided = [{**row, "p": decided_by(threshold, row)} for row in weighed]
            self.check_confusion(answer.cube.confusion, place, decided, "binary", weighted)
            used = [(row, made) for row, made in zip(weighed, decided, strict=True) if serves("binary", row)[1]]
            assert answer.cube.tally.used[place] == len(used)
            left = sum(row["s_yes"] is not None and made["p"] is None for row, made in used)
            assert answer.cube.tally.review[place] == left
            assert left == 0 or isinstance(threshold, Band)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_bins_have_thresholds_of_their_own(self, asked, weighted):
        """By the edges that the engine itself shows; its groups of the column say which row lies in which."""
        _, shown = self.ask(asked, "binary", weighted, SHAPES[3], {"decisions"})
        bins = [text for (text,) in shown.cube.groups.rows()]
        rule = ByGroup(0.5, "amount", ((bins[0], 0.3), (bins[-2], 0.8), (None, 0.1)))
        assert rule.groups[2][0] == bins[-1]
        _, answer = self.ask(asked, "binary", weighted, SHAPES[3], {"decisions"}, rule)
        at = dict(rule.groups)
        for place, held in enumerate(self.groups(answer, "binary", weighted, SHAPES[3])):
            weighed = [row for row in held if not weighted or row["w"] is not None]
            decided = [{**row, "p": decided_by(at.get(bins[place], 0.5), row)} for row in weighed]
            self.check_confusion(answer.cube.confusion, place, decided, "binary", weighted)

    @pytest.mark.parametrize(("task", "weighted"), TASKS)
    @pytest.mark.parametrize("where", [where for where in FILTERS if where])
    def test_a_segment_and_its_complement_are_everything(self, asked, task, weighted, where):
        evaluation = asked(task, weighted)
        segment = parse(where, columns=evaluation.facts.types())
        cubes = [evaluation.ask(Query("m", frozenset(), where=each)).cube for each in (segment, Not(segment))]
        whole = evaluation.ask(Query("m", frozenset())).cube
        assert sum(int(cube.rows[0]) for cube in cubes) == int(whole.rows[0]) == SIZE
        if task != "regression":
            assert np.array_equal(cubes[0].confusion.n + cubes[1].confusion.n, whole.confusion.n)

    def test_groups_come_in_a_fixed_order_with_missing_last(self, asked):
        _, answer = self.ask(asked, "binary", False, SHAPES[1], {"decisions"})
        keys, counts = answer.cube.groups["k0"].to_list(), answer.cube.rows.tolist()
        assert keys[-1] is None
        named = [(count, key) for key, count in zip(keys, counts, strict=True) if key not in (None, "other")]
        assert [count for count, _ in named] == sorted((count for count, _ in named), reverse=True)
        _, answer = self.ask(asked, "binary", False, SHAPES[3], {"decisions"})
        starts = [float(text[1:].split(",")[0]) for text in answer.cube.groups["k0"].to_list() if text]
        assert starts == sorted(starts)
        assert len(starts) == 10

    def test_the_same_question_has_the_same_answer(self, asked):
        evaluation = asked("binary", True)
        query = Query("m", frozenset({"scores", "sum:ll"}), by=("region",))
        one, other = evaluation.ask(query), evaluation.ask(query)
        assert other.cached
        assert np.array_equal(one.cube.histogram.w, other.cube.histogram.w)
        assert one.cube.groups.equals(other.cube.groups)
        assert one.sql == other.sql

    @pytest.mark.parametrize(
        ("task", "weighted"), [pytest.param(*each, marks=[] if each[1] else pytest.mark.slow) for each in TASKS]
    )
    def test_many_groupings_are_answered_as_each_alone(self, asked, task, weighted):
        names = {"binary": BINARY_TERMS, "multiclass": BINARY_TERMS, "regression": MORE_TERMS}[task]
        needs = frozenset({f"sum:{name}" for name in names} | {"decisions", "scores"})
        needs |= {"class_scores", "class_moments", "top_label", "ranks"}
        needs |= {"order:ae", "over:quantiles", "over:bands", "rank_products"} if task == "regression" else set()
        needs |= {"order:latency:0.95", "over:answers", "over:costs", "days"}
        evaluation = asked(task, weighted)
        where = parse("not (region = 'West')", columns=evaluation.facts.types())
        groupings = [(), ("region",), ("flag",), ("amount",), ("flag", "region"), ("region", "amount")]
        for shape in ({}, {"halves": True}, {"bucket": "month", "where": where}):
            queries = [Query("m", needs, by=by, **shape) for by in groupings]
            for query, answer in zip(queries, evaluation.ask_all(queries), strict=True):
                alone = evaluation.ask(replace(query, where=Not(Not(query.where)))).cube  # another text: none is cached
                assert answer.cube.groups.equals(alone.groups), (query.by, shape)
                for part in PARTS:
                    same(getattr(answer.cube, part), getattr(alone, part))

    @pytest.mark.parametrize(("task", "weighted"), TASKS)
    @pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[1], SHAPES[5], SHAPES[8], SHAPES[11]], ids=str)
    def test_units_are_the_sums_over_their_rows(self, asked, task, weighted, shape):
        by, where, period, bucket = shape
        names = {"binary": BINARY_TERMS, "multiclass": BINARY_TERMS, "regression": MORE_TERMS}[task]
        needs = {f"sum:{name}" for name in names} | {"decisions"} | ({"scores"} if task == "binary" else set())
        evaluation = asked(task, weighted, True)
        query = Query("m", frozenset(needs), by=by, bucket=bucket, period=PERIODS[period])
        if where:
            query = replace(query, where=parse(where, columns=evaluation.facts.types()))
        answer, facts = evaluation.ask(query), evaluation.facts
        units = answer.cube.units
        for place, held in enumerate(self.groups(answer, task, weighted, shape)):
            weighed = [row for row in held if not weighted or row["w"] is not None]
            own = {}
            for number, row in enumerate(weighed):
                own.setdefault(row["customer"] or number, []).append(row)
            self.check_moments(units, place, own.values(), task, weighted, facts)
            if task != "regression":
                self.check_cells(units, place, own.values(), task, weighted)
            if task == "binary":
                self.check_placements(units, place, own.values(), weighted)

    def check_cells(self, units, place, own, task, weighted):
        width = len(CLASSES[task]) + 1
        wanted = np.zeros((width**2, width**2))
        for rows in own:
            counts = np.zeros((width, width))
            for row in rows:
                at = tuple(width - 1 if row[key] is None else CLASSES[task].index(row[key]) for key in ("y", "p"))
                counts[at] += row["w"] if weighted else 1
            wanted += np.outer(counts, counts)
        close(units.cells[place], wanted)
        assert units.n[place] == len(own)

    def check_moments(self, units, place, own, task, weighted, facts):
        sums = []
        for rows in own:
            told = [(terms(task, row, facts.centre, facts.median), row["w"] if weighted else 1) for row in rows]
            told = [(values, weight) for values, weight in told if values is not None]
            if told:
                sums.append({"one": sum(weight for _, weight in told)})
                sums[-1] |= {name: sum(w * values[name] for values, w in told) for name in units.terms if name != "one"}
        assert units.used[place] == len(sums)
        for one in units.terms:
            for other in units.terms:
                wanted = [each[one] * each[other] for each in sums]
                scale = math.fsum(abs(each) for each in wanted)
                assert abs(units.product(one, other)[place] - math.fsum(wanted)) <= 1e-11 * max(scale, 1e-3)

    def check_placements(self, units, place, own, weighted):
        """The influence of a row on the AUC: its midrank among the other class less the AUC, over its class's size."""
        known = [[row for row in rows if row["y"] is not None and row["s_yes"] is not None] for rows in own]
        flat = [(row["s_yes"], row["y"] == "yes", row["w"] if weighted else 1) for rows in known for row in rows]
        sizes = [math.fsum(w for _, yes, w in flat if yes is side) for side in (True, False)]
        if min(sizes) <= 0:
            assert np.isnan(units.auc[place])
            return

        def placement(score, yes):
            return (
                math.fsum(
                    w * (0.5 if other == score else float((score > other) == yes))
                    for other, side, w in flat
                    if side != yes
                )
                / sizes[yes]
            )

        area = math.fsum(w * placement(score, True) for score, yes, w in flat if yes) / sizes[0]
        totals = [
            math.fsum(
                (row["w"] if weighted else 1)
                * (placement(row["s_yes"], row["y"] == "yes") - area)
                / sizes[row["y"] != "yes"]
                for row in rows
            )
            for rows in known
            if rows
        ]
        close(units.auc[place], math.fsum(each**2 for each in totals))
        assert units.ranked[place] == len(totals)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_two_halves_are_the_whole_and_stay_the_same(self, asked, weighted):
        evaluation = asked("binary", weighted)
        needs = frozenset({"scores", "sum:ll"})
        halves = evaluation.ask(Query("m", needs, by=("region",), halves=True)).cube
        whole = evaluation.ask(Query("m", needs, by=("region",))).cube
        assert halves.groups.columns == ["k0", "k1"]
        assert set(halves.groups["k1"]) == {"true", "false"}
        for name in whole.groups["k0"]:
            mine = halves.groups["k0"].eq_missing(name).to_numpy()
            at = whole.groups["k0"].eq_missing(name).to_numpy()
            assert halves.rows[mine].sum() == whole.rows[at].sum()
            close(halves.histogram.w[mine].sum(axis=0), whole.histogram.w[at][0])
        shares = halves.rows[(halves.groups["k1"] == "true").to_numpy()].sum() / SIZE
        assert 0.4 < shares < 0.6

    @pytest.mark.parametrize(
        ("change", "error", "said"),
        [
            ({"by": ("regoin",)}, UnknownName, "Did you mean 'region'"),
            ({"model": "n"}, UnknownName, "model version 'n'"),
            ({"threshold": math.nan}, BadRequest, "not nan"),
            ({"threshold": math.inf}, BadRequest, "not inf"),
            ({"threshold": Band(0.2, math.inf)}, BadRequest, "not inf"),
            ({"threshold": ByGroup(0.2, "region", (("West", math.nan),))}, BadRequest, "not nan"),
            ({"threshold": ByGroup(0.2, "regoin", (("West", 0.1),))}, UnknownName, "Did you mean 'region'"),
            ({"threshold": ByGroup(0.2, "amount", (("[1, 2)", 0.1),))}, BadRequest, "has other bins"),
        ],
    )
    def test_what_is_not_there_is_refused_in_words(self, asked, change, error, said):
        query = Query(**{**Query("m", frozenset({"decisions"})).__dict__, **change})
        with pytest.raises(error, match=said):
            asked("binary", False).ask(query)

    @pytest.mark.parametrize("task", ["multiclass", "regression"])
    def test_a_threshold_is_for_two_classes(self, asked, task):
        with pytest.raises(BadRequest, match="between two classes"):
            asked(task, False).ask(Query("m", frozenset(), threshold=0.5))
