"""Predictions: whether every row has one answer of each version, and one that can be meant."""

from itertools import pairwise

from analysis.checks.definition import CHECKS, FOUND, Check, Hit, Seen, clear, unfit
from analysis.checks.versions import each_version, named, whom
from analysis.core import words
from analysis.core.segment import Missing, Segment, every
from analysis.engine.subject import Answered


def constant(seen: Seen, model: Answered) -> list[Hit]:
    """Scores or decisions that never vary."""
    subject, hits = seen.subject, []
    for what, sql in (("score", model.score), ("decision", model.decision)):
        if not sql:
            continue
        n, low, high = subject.one(
            f"SELECT count(v), min(v), max(v) FROM (SELECT {sql} AS v FROM {subject.relation} r)"
        )
        if n > 1 and low == high:
            said = f"Every {what} of {model.name} is {low}."
            fix = "A model that says the same of everyone was not asked, or its features were missing."
            hits.append(Hit(FOUND, said, n, named(seen, model, what), None, fix, model.name, severity="high"))
    return hits


def missing(seen: Seen, model: Answered) -> list[Hit]:
    """Rows without an answer, and whom that hits."""
    subject = seen.subject
    n = int(subject.one(f"SELECT count(*) FILTER (NOT {model.given}) FROM {subject.relation} r")[0])
    if not n:
        return []
    parts: list[Segment] = []
    for what, sql in (("score", model.score), ("decision", model.decision)):
        if sql:
            parts.append(Missing(model.columns[what]))
    parts += [] if model.score else [Missing(name) for _, name, _ in model.class_scores]
    where = every(parts)
    if len(parts) == 2 and subject.count(parts[0]) == n:
        where = parts[0]
    share = words.number(n / subject.rows, "share")
    said = f"{model.name} gives no answer for {words.plural(n, 'row')} ({share})."
    said += whom(seen, f"NOT {model.given}", n)
    fix = "Metrics leave these rows out: ask whether the others stand for them."
    columns = (*named(seen, model), *named(seen, model, "decision"))
    return [Hit(FOUND, said, n, columns, where, fix, model.name)]


def several(seen: Seen) -> list[Hit]:
    """Rows of a long file that answer again for an id and model version."""
    subject, roles = seen.subject, seen.subject.roles
    if not roles.id or roles.model_version is None:
        return unfit("no file with a row an id and model version: the roles id and model version are not both given")
    if subject.kind == "evaluation":
        return unfit("an evaluation holds one answer an id and model version; check its dataset as uploaded")
    names = [*roles.id, roles.model_version]
    places = subject.again(names)
    if not places:
        return clear("Every id has one answer of each model version.")
    said = f"{words.plural(len(places), 'row')} answer again for an id and model version."
    fix = "Keep one answer: the first, or the last."
    return [Hit(FOUND, said, len(places), tuple(names), None, fix, places=tuple(places[:1000]))]


def different_rows(seen: Seen) -> list[Hit]:
    """Rows that some model versions answered and others did not."""
    subject = seen.subject
    if len(subject.models) < 2:
        return unfit("there is only one model version")
    given = [f"CAST({model.given} AS INTEGER)" for model in subject.models]
    total = " + ".join(given)
    table = f"(SELECT {total} AS v FROM {subject.relation} r)"
    n = int(subject.one(f"SELECT count(*) FILTER (v BETWEEN 1 AND {len(given) - 1}) FROM {table}")[0])
    if not n:
        return clear("The model versions answered the same rows.")
    counts = subject.one(f"SELECT {', '.join(f'sum({each})' for each in given)} FROM {subject.relation} r")
    each = words.listed([f"{model.name} {int(k):,}" for model, k in zip(subject.models, counts, strict=True)])
    said = f"{words.plural(n, 'row')} have the answer of some model versions only (answered: {each})."
    fix = "Compare versions on the rows both answered, as Compare does; each one's own figures are of other rows."
    return [Hit(FOUND, said, n, (), None, fix)]


def crossed(seen: Seen, model: Answered) -> list[Hit]:
    """Quantiles of a lower level above those of a higher one."""
    subject = seen.subject
    values = [sql for _, _, sql in model.quantiles]
    tests = [f"{low} > {high}" for low, high in pairwise(values)]
    rows = subject.scan(f"SELECT r.rowid AS place FROM {subject.relation} r WHERE {' OR '.join(tests)} ORDER BY place")
    places = rows["place"].to_list()
    if not places:
        return []
    said = f"In {words.plural(len(places), 'row')} a lower quantile of {model.name} lies above a higher one."
    fix = "Sort them, or leave these rows out of coverage and quantile loss."
    columns = tuple(name for _, name, _ in model.quantiles)
    return [Hit(FOUND, said, len(places), columns, None, fix, model.name, places=tuple(places[:1000]))]


for check in (
    Check(
        *("P05", "Constant predictions", "high", "Scores or decisions that never vary."),
        each_version(
            *(constant, lambda model: bool(model.score or model.decision)),
            *("there are no predictions", "Scores and decisions vary."),
        ),
    ),
    Check(
        *("P07", "Missing predictions", "medium", "Rows without an answer, and whom that hits."),
        each_version(
            missing, lambda model: model.given != "false", "there are no predictions", "Every row has an answer."
        ),
    ),
    Check("P08", "Several predictions", "high", "Rows that answer again for an id and version.", several),
    Check("P09", "Versions on different rows", "low", "Rows only some versions answered.", different_rows),
    Check(
        *("P10", "Crossed quantiles", "medium", "Lower quantiles above higher ones."),
        each_version(
            *(crossed, lambda model: len(model.quantiles) > 1),
            *("no model version has quantiles", "No quantile lies above a higher one."),
        ),
    ),
):
    CHECKS.add(check)
