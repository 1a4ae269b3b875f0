"""Columns: those that say nothing, say the same twice, or name the row rather than describe it."""

from analysis.checks.definition import CHECKS, FOUND, Check, Hit, Seen, clear, quote, unfit
from analysis.core import words
from analysis.core.settings import number
from analysis.engine.profile import NUMBER, OTHER, TEXT, distinct

SMALL = 30


def constant(seen: Seen) -> list[Hit]:
    """Columns of one value, and those where one value leaves next to no room for others."""
    subject, hits = seen.subject, []
    if subject.rows < 2:
        return unfit("fewer than two rows")
    same, nearly = [], []
    limit = number("check_nearly_constant")
    for column in subject.columns:
        row = seen.profile.of(column.name)
        if row["kind"] == OTHER or row["distinct"] > 50:
            continue
        present = subject.rows - row["missing"]
        frame = seen.values(column) if present else None
        n = int(frame["n"][0]) if frame is not None else 0
        if n == present:
            same.append(column.name)
        elif subject.rows >= SMALL and n > limit * subject.rows:
            nearly.append((column.name, str(frame["value"][0]) if frame is not None else "", n))
    if same:
        said = f"{quote(same)} {'holds' if len(same) == 1 else 'hold'} one value only, or none."
        hits.append(Hit(FOUND, said, None, tuple(same), suggestion="They cannot explain anything; leave them out."))
    for name, value, n in nearly:
        share = words.number(n / subject.rows, "share")
        said = f"'{name}' is '{value}' in {n:,} of {words.plural(subject.rows, 'row')} ({share})."
        hits.append(
            Hit(FOUND, said, None, (name,), suggestion="See whether the few others are errors.", severity="low")
        )
    return hits or clear("Every column varies.")


def identical(seen: Seen) -> list[Hit]:
    """Columns that hold the same in every row."""
    subject = seen.subject
    if subject.rows < 2:
        return unfit("fewer than two rows")
    alike: dict[tuple[object, ...], list[str]] = {}
    for column in subject.columns:
        row = seen.profile.of(column.name)
        if row["kind"] == OTHER or row["distinct"] < 2:
            continue
        family = row["kind"]
        ends = (row["low"], row["high"], row["mean"]) if family == NUMBER else (row["low"], row["high"], row["length"])
        alike.setdefault((family, row["missing"], *ends), []).append(column.name)
    hits = []
    for names in alike.values():
        left = list(names)
        while len(left) > 1:
            first, *others = left
            one = f"r.{subject.column(first).key}"
            tests = ", ".join(
                f"count(*) FILTER ({one} IS DISTINCT FROM r.{subject.column(name).key})" for name in others
            )
            counts = subject.one(f"SELECT {tests} FROM {subject.relation} r")
            same = [name for name, count in zip(others, counts, strict=True) if count == 0]
            if same:
                said = f"{quote([first, *same])} hold the same in every row."
                hits.append(Hit(FOUND, said, None, (first, *same), suggestion="Keep one of them."))
            left = [name for name in others if name not in same]
    return hits or clear("No two columns hold the same in every row.")


def id_like(seen: Seen) -> list[Hit]:
    """Columns whose values are nearly all different, so that they name rows rather than describe them."""
    subject, roles = seen.subject, seen.subject.roles
    if subject.rows < SMALL:
        return unfit(f"fewer than {SMALL} rows")
    limit, found = number("check_id_like"), []
    roleless = roles.used()
    for column in subject.plain:
        row = seen.profile.of(column.name)
        role = set(roleless.get(column.name, ())) & {"id", "time", "text", "weight", "unit", "cost"}
        codes = row["kind"] == TEXT or (row["kind"] == NUMBER and _counts_up(seen, column.name))
        if role or not codes or row["distinct"] < 0.8 * limit * subject.rows or (row["length"] or 0) > 40:
            continue
        if distinct(subject, column) >= limit * (subject.rows - row["missing"]):
            found.append(column.name)
    if not found:
        return clear("No column without the role id has nearly as many values as there are rows.")
    used = [name for name in found if "feature" in roleless.get(name, ())]
    said = f"{quote(found)} {'has' if len(found) == 1 else 'have'} nearly as many values as there are rows."
    if used:
        said += f" As a feature {quote(used)} lets a model learn rows by heart."
    severity = "high" if used else "low"
    return [Hit(FOUND, said, None, tuple(found), suggestion="An identifier is no feature.", severity=severity)]


def _counts_up(seen: Seen, name: str) -> bool:
    """Whether a column of whole numbers fills its range, as numbered rows do; measurements leave gaps."""
    subject, row = seen.subject, seen.profile.of(name)
    if subject.column(name).type in ("FLOAT", "DOUBLE") or row["low"] is None:
        return False
    return float(row["high"]) - float(row["low"]) <= 1.2 * subject.rows


for check in (
    Check(
        "Q05", "Constant columns", "low", "Columns of one value, or nearly so.", constant, ("check_nearly_constant",)
    ),
    Check("Q06", "Identical columns", "low", "Columns that hold the same in every row.", identical),
    Check("Q07", "Id-like columns", "low", "Columns with nearly a value a row.", id_like, ("check_id_like",)),
):
    CHECKS.add(check)
