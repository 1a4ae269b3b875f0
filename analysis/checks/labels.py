"""Labels: whether what happened is told well enough to judge a model by, and whether a column gives it away."""

import numpy as np
import polars as pl

from analysis.checks.course import LEAST, over_time
from analysis.checks.definition import CHECKS, FOUND, Check, Hit, Seen, clear, unfit
from analysis.core import words
from analysis.core.roles import REGRESSION
from analysis.core.segment import Missing
from analysis.core.settings import number, whole
from analysis.engine.profile import NUMBER
from analysis.engine.timeline import runs

NO_LABEL = "no column has the role label"
TWO = "the label does not have two classes, one of them positive"


def imbalance(seen: Seen) -> list[Hit]:
    """Classes too rare to say much about."""
    subject = seen.subject
    if not subject.label:
        return unfit(NO_LABEL)
    if subject.task == REGRESSION:
        return unfit("the label is a number")
    counts = subject.scan(
        f"SELECT v, count(*) AS n FROM (SELECT {subject.label} AS v FROM {subject.relation} r) WHERE v IS NOT NULL "
        "GROUP BY v ORDER BY n, v"
    )
    total = int(counts["n"].sum())
    if len(counts) < 2:
        said = "No row has a label." if not total else f"Every label is '{counts['v'][0]}'."
        return [
            Hit(FOUND, said, None, (subject.roles.label or "",), suggestion="Nothing can be measured without both.")
        ]
    few = counts.filter((pl.col("n") < number("check_imbalance") * total) | (pl.col("n") < LEAST))
    if not len(few):
        return clear(f"The rarest class is {words.number(counts['n'][0] / total, 'share')} of the labelled rows.")
    name, n = few.row(0)
    share = words.number(n / total, "share")
    said = f"The class '{name}' has {words.plural(n, 'row')} ({share} of those labelled)."
    fix = "Read precision and recall rather than accuracy, with their intervals."
    return [Hit(FOUND, said, None, (subject.roles.label or "",), suggestion=fix, severity="low")]


def rate_jumps(seen: Seen) -> list[Hit]:
    """Times in which the share of positives is another, or all labels are of one class."""
    subject = seen.subject
    if not subject.positive:
        return unfit(NO_LABEL if not subject.label else TWO)
    course = over_time(seen)
    if isinstance(course, str):
        return unfit(course)
    found = course.counted({"n": f"count({subject.label})", "k": f"count(*) FILTER ({subject.positive})"})
    n, k = np.nan_to_num(found["n"]), np.nan_to_num(found["k"])
    if n.sum() == 0:
        return unfit("no row has a label")
    known = n >= LEAST
    share = np.divide(k, n, out=np.zeros_like(n), where=n > 0)
    usual = k.sum() / n.sum()
    error = np.sqrt(max(usual * (1 - usual), 0.001) / np.maximum(n, 1))
    odd = known & (np.abs(share - usual) >= number("check_label_change")) & (np.abs(share - usual) > 5 * error)
    pure = (
        known
        & ((k == 0) | (k == n))
        & (n * np.log(np.clip(np.where(k == 0, 1 - usual, usual), 1e-9, 1)) < np.log(1e-6))
    )
    hits = []
    for first, last in runs(odd | pure):
        part = slice(first, last + 1)
        here = words.number(k[part].sum() / n[part].sum(), "share")
        said = (
            f"In {course.span(first, last)} {here} of the labels are positive, over all {words.number(usual, 'share')}."
        )
        fix = "Ask whether labels were late or the rule for them changed."
        rows = int(course.rows[part].sum())
        hits.append(Hit(FOUND, said, rows, (subject.roles.label or "",), course.segment(first, last), fix))
    return hits or clear(f"The share of positives does not jump, by {course.bucket}.")


def auc(values: np.ndarray, positive: np.ndarray) -> float:
    """The area under the ROC curve by midranks; nan without both classes."""
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if not n1 or not n0:
        return float("nan")
    return float((pl.Series(values).rank("average").to_numpy()[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def leakage(seen: Seen) -> list[Hit]:
    """Single columns that nearly give the label away, on a sample of the rows where they are many."""
    subject = seen.subject
    if not subject.positive:
        return unfit(NO_LABEL if not subject.label else TWO)
    roles = subject.roles.used()
    apart = {"id", "time", "text", "weight", "split", "model_version", "unit"}
    columns = [column for column in subject.plain if not apart & set(roles.get(column.name, ()))]
    columns = [column for column in columns if seen.profile.of(column.name)["distinct"] > 1]
    columns = [column for column in columns if seen.profile.of(column.name)["kind"] in ("number", "text", "boolean")]
    every = max(1, subject.rows // whole("check_leak_rows"))
    if not columns:
        return unfit("there is no column beside the roles")
    picked = ", ".join(
        f"CAST({seen.value(column)} AS {'DOUBLE' if column.numeric else 'VARCHAR'}) AS c{at}"
        for at, column in enumerate(columns)
    )
    sample = subject.scan(
        f"SELECT {subject.positive} AS y, {picked} FROM {subject.relation} r WHERE {subject.label} IS NOT NULL "
        f"AND r.rowid % {every} = 0"
    )
    if sample["y"].sum() < LEAST or (~sample["y"]).sum() < LEAST:
        return unfit(f"fewer than {LEAST} rows of a class are labelled")
    limit, hits = number("check_leak_auc"), []
    for at, column in enumerate(columns):
        part = sample.select("y", v=f"c{at}")
        if not column.numeric:
            if part["v"].n_unique() > 0.05 * len(part):
                continue
            rates = part.group_by("v").agg(pl.col("y").mean().alias("rate"))
            part = part.join(rates, on="v", nulls_equal=True).select("y", v="rate")
        part = part.filter(pl.col("v").is_not_null() & pl.col("v").is_not_nan())
        value = auc(part["v"].to_numpy(), part["y"].to_numpy().astype(bool)) if len(part) >= 2 * LEAST else float("nan")
        strength = max(value, 1 - value)
        if strength >= limit:
            said = f"'{column.name}' alone nearly gives the label away: it ranks it with an AUC of {strength:.3f}."
            if "feature" in roles.get(column.name, ()):
                said += " It is a feature."
            fix = "Ask whether it is known before the outcome; if not, no model may have it."
            hits.append(Hit(FOUND, said, None, (column.name,), None, fix, values={"auc": strength}))
    return hits or clear(f"No single column ranks the label with an AUC of {limit:g} or more.")


def ordered(seen: Seen) -> list[Hit]:
    """Whether the place in the file, or a numbered id, tells the label."""
    subject = seen.subject
    if not subject.positive:
        return unfit(NO_LABEL if not subject.label else TWO)
    every = max(1, subject.rows // whole("check_leak_rows"))
    numbered = [subject.column(name) for name in subject.roles.id if seen.profile.of(name)["kind"] == NUMBER]
    orders = {"the place in the file": "r.rowid"} | {f"'{each.name}'": f"r.{each.key}" for each in numbered}
    picked = ", ".join(f"CAST({sql} AS DOUBLE) AS o{at}" for at, sql in enumerate(orders.values()))
    sample = subject.scan(
        f"SELECT {subject.positive} AS y, {picked} FROM {subject.relation} r WHERE {subject.label} IS NOT NULL "
        f"AND hash(r.rowid) % {every} = 0"
    )
    y = sample["y"].to_numpy().astype(bool)
    if y.sum() < LEAST or (~y).sum() < LEAST:
        return unfit(f"fewer than {LEAST} rows of a class are labelled")
    hits = []
    for at, name in enumerate(orders):
        known = sample[f"o{at}"].is_not_null().to_numpy()
        value = auc(sample[f"o{at}"].to_numpy()[known], y[known])
        if max(value, 1 - value) >= number("check_order_auc"):
            said = f"{name[0].upper()}{name[1:]} tells the label: in its order the AUC is {max(value, 1 - value):.3f}."
            fix = "The table was sorted or cut by the outcome: shuffle before splitting, and never use it as a feature."
            hits.append(Hit(FOUND, said, None, subject.roles.id, None, fix, values={"auc": max(value, 1 - value)}))
    return hits or clear("Neither the place in the file nor a numbered id tells the label.")


def overlap(seen: Seen) -> list[Hit]:
    """Rows of one part of the split that equal a row of another part, but for id and split."""
    subject, roles = seen.subject, seen.subject.roles
    if roles.split is None:
        return unfit("no column has the role split")
    split = subject.column(roles.split)
    keys = ", ".join(f"r.{column.key}" for column in subject.columns if column.name not in (*roles.id, roles.split))
    picked = f"r.rowid AS place, hash({keys}) AS h, CAST(r.{split.key} AS VARCHAR) AS part"
    table = f"(SELECT {picked} FROM {subject.relation} r)"
    shared = f"(SELECT h FROM {table} GROUP BY h HAVING count(DISTINCT part) > 1)"
    rows = subject.scan(f"SELECT place, part FROM {table} WHERE h IN {shared} ORDER BY place")
    if not len(rows):
        return clear("No row of one part of the split equals a row of another.")
    if len(rows) > number("check_copies_share") * subject.rows and len(rows) > 1000:
        return unfit("most rows equal another one, so that sameness says nothing")
    parts = ", ".join(f"{n:,} in '{name}'" for name, n in rows["part"].value_counts(sort=True).iter_rows())
    said = f"{words.plural(len(rows), 'row')} occur in more than one part of '{roles.split}' ({parts})."
    fix = "Take them out of training, or the test flatters the model."
    return [Hit(FOUND, said, len(rows), (roles.split,), None, fix, places=tuple(rows["place"].to_list()[:1000]))]


def missing_tells(seen: Seen) -> list[Hit]:
    """Columns that are missing far more often in one class than in the other."""
    subject = seen.subject
    if not subject.positive:
        return unfit(NO_LABEL if not subject.label else TWO)
    columns = [column for column in subject.plain if seen.profile.of(column.name)["missing"]]
    if not columns:
        return clear("No column has missing values.")
    picked = ", ".join(f"count(*) - count({seen.value(column)}) AS m{at}" for at, column in enumerate(columns))
    counted = subject.scan(
        f"SELECT {subject.positive} AS y, count(*) AS n, {picked} FROM {subject.relation} r GROUP BY 1"
    )
    sides = [counted.filter(pl.col("y") == side) for side in (True, False)]
    n1, n0 = (int(side["n"].sum()) for side in sides)
    if min(n1, n0) < LEAST:
        return unfit(f"fewer than {LEAST} rows of a class are labelled")
    hits = []
    for at, column in enumerate(columns):
        k1, k0 = (int(side[f"m{at}"].sum()) for side in sides)
        with_, without, pooled = k1 / n1, k0 / n0, (k1 + k0) / (n1 + n0)
        error = float(np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0)))
        if abs(with_ - without) < number("check_missing_label") or abs(with_ - without) < 5 * error:
            continue
        shares = words.number(with_, "share"), words.number(without, "share")
        said = f"'{column.name}' is missing in {shares[0]} of the positive rows and in {shares[1]} of the others."
        fix = "Being missing says something of the outcome: ask why, before a model learns it or it is filled in."
        n = seen.profile.of(column.name)["missing"]
        hits.append(Hit(FOUND, said, n, (column.name,), Missing(column.name), fix))
    return hits or clear("No column is missing far more often in one class than in the other.")


def unlabelled(seen: Seen) -> list[Hit]:
    """Times too few of whose rows have a label."""
    subject = seen.subject
    if not subject.label:
        return unfit(NO_LABEL)
    course = over_time(seen)
    if isinstance(course, str):
        return unfit(course)
    n = np.nan_to_num(course.counted({"n": f"count({subject.label})"})["n"])
    share = np.divide(n, course.rows, out=np.ones_like(n), where=course.rows > 0)
    usual = float(np.median(share))
    few = (share < min(0.9, usual - 0.1)) & (course.rows >= LEAST)
    hits = []
    for first, last in runs(few):
        part = slice(first, last + 1)
        here, rows = words.number(n[part].sum() / course.rows[part].sum(), "share"), int(course.rows[part].sum())
        said = f"In {course.span(first, last)} only {here} of the rows have a label, usually "
        said += f"{words.number(usual, 'share')}."
        late = last == len(n) - 1
        fix = "Wait for the labels before judging this time." if late else "Ask where the labels are."
        hits.append(Hit(FOUND, said, rows, (subject.roles.label or "",), course.segment(first, last), fix))
    return hits or clear(f"No {course.bucket} has far fewer labels than the others.")


for check in (
    Check("L01", "Class imbalance", "low", "Classes too rare to say much about.", imbalance, ("check_imbalance",)),
    Check(
        *("L02", "Jumps of the label's rate", "high", "Times with another share of positives.", rate_jumps),
        ("check_label_change",),
    ),
    Check(
        *("L03", "Leakage by one column", "high", "Columns that nearly give the label away.", leakage),
        ("check_leak_auc", "check_leak_rows"),
    ),
    Check(
        *("L04", "Order that tells the label", "high", "Place or id that ranks the label.", ordered),
        ("check_order_auc", "check_leak_rows"),
    ),
    Check("L05", "Train and test overlap", "high", "Rows in more than one part of the split.", overlap),
    Check(
        *("L06", "Missing values that tell the label", "medium", "Missing far more often in one class.", missing_tells),
        ("check_missing_label",),
    ),
    Check("L07", "Times without labels", "medium", "Times too few of whose rows have a label.", unlabelled),
):
    CHECKS.add(check)
