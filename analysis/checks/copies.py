"""Copies: rows that occur again. Copies are counted beyond the first, in the order of the file."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from analysis.checks.definition import CHECKS, FOUND, Check, Hit, Seen, clear, unfit
from analysis.core import words
from analysis.core.schema import Column
from analysis.core.segment import OneOf, Segment
from analysis.core.settings import number
from analysis.engine.subject import Subject

TOLD = 1e-4
"""Pairs of rows that are alike by chance in the columns that tell rows apart, about, at most."""
LISTED = 1000
"""Copies listed by their place, and ids a segment names, at most."""


@dataclass(frozen=True)
class Alike:
    """Rows that equal another one in all columns but id and label: place, of (what is alike), id, label; in the file's
    order. too_many: how many, where they are more than sameness can tell apart; then there are no rows."""

    rows: pl.DataFrame
    too_many: int = 0


def alike(seen: Seen) -> Alike:
    return seen.once("alike", lambda: _alike(seen))


def _telling(seen: Seen, columns: Sequence[Column]) -> list[Column]:
    """The columns of the most values, as many as tell rows apart where they do not repeat: rows that are alike are
    alike in these, and few others are."""
    ranked = sorted(columns, key=lambda column: -int(seen.profile.of(column.name)["distinct"] or 0))
    chosen, pairs = [], float(seen.subject.rows) ** 2
    for column in ranked:
        if pairs < TOLD:
            break
        chosen.append(column)
        pairs /= max(1, int(seen.profile.of(column.name)["distinct"] or 1))
    return chosen


def _alike(seen: Seen) -> Alike:
    subject, roles = seen.subject, seen.subject.roles
    apart = {*roles.id, *((roles.label,) if roles.label else ())}
    described = [column for column in subject.columns if column.name not in apart]
    rest = [f"r.{column.key}" for column in described]
    own = [f"r.{subject.column(name).key}" for name in roles.id]
    label = [f"r.{subject.column(roles.label).key}"] if roles.label else []
    hashed = {"of": rest, "id": own, "label": label}
    picked = ", ".join(f"{_hash(keys)} AS {name}" for name, keys in hashed.items())
    schema = {"place": pl.Int64, "of": pl.UInt64, "id": pl.UInt64, "label": pl.UInt64}
    near = _hash([f"r.{column.key}" for column in _telling(seen, described)])
    twice = f"SELECT h FROM (SELECT {near} AS h FROM {subject.relation} r) GROUP BY h HAVING count(*) > 1"
    if not subject.one(f"SELECT count(*) FROM ({twice})")[0]:
        return Alike(pl.DataFrame(schema=schema))
    table = f"(SELECT r.rowid AS place, {picked} FROM {subject.relation} r WHERE {near} IN ({twice}))"
    again = f"(SELECT of FROM {table} GROUP BY of HAVING count(*) > 1)"
    many = int(subject.one(f"SELECT count(*) FROM {table} WHERE of IN {again}")[0])
    if many > number("check_copies_share") * subject.rows and many > 2 * LISTED:
        return Alike(pl.DataFrame(schema=schema), many)
    found = subject.scan(f"SELECT place, of, id, label FROM {table} WHERE of IN {again} ORDER BY place")
    return Alike(found.cast(schema))  # type: ignore[arg-type]


def _hash(keys: list[str]) -> str:
    return f"hash({', '.join(keys)})" if keys else "0::UBIGINT"


def _few(found: Alike, subject: Subject) -> str:
    share = words.number(found.too_many / subject.rows, "share")
    return f"{share} of the rows equal another one but for id and label, so that sameness says nothing"


def _ids(subject: Subject, places: list[int]) -> Segment | None:
    """All rows of the ids these rows have, where one column is the id and the ids are few."""
    if len(subject.roles.id) != 1 or not places or len(places) > LISTED:
        return None
    column = subject.column(subject.roles.id[0])
    if not (column.type == "VARCHAR" or column.type.startswith("ENUM") or column.numeric):
        return None
    listed = ", ".join(str(place) for place in places)
    ids = subject.scan(
        f"SELECT DISTINCT r.{column.key} AS v FROM {subject.relation} r WHERE r.rowid IN ({listed}) "
        f"AND r.{column.key} IS NOT NULL ORDER BY v"
    )["v"].to_list()
    return OneOf(column.name, tuple(ids)) if ids and not isinstance(ids[0], float) else None


def _hit(subject: Subject, places: list[int], sentence: str, suggestion: str) -> list[Hit]:
    where = _ids(subject, places)
    if where is not None:
        suggestion += " The rows shown, and their effect, are all of these ids, the first ones included."
    return [
        Hit(
            FOUND,
            sentence,
            len(places),
            subject.roles.id,
            where,
            suggestion,
            places=tuple(places[:LISTED]),
        )
    ]


def repeated(seen: Seen) -> list[Hit]:
    found = alike(seen)
    if found.too_many and not seen.subject.roles.id:
        return unfit(_few(found, seen.subject))
    key = ["of", "id", "label"]
    places = found.rows.filter(~pl.struct(key).is_first_distinct())["place"].to_list()
    if not places:
        return clear("No row equals another one in every column.")
    said = f"{words.plural(len(places), 'row')} equal an earlier row in every column."
    return _hit(seen.subject, places, said, "Keep the first of each, and find out what sends rows twice.")


def under_new_id(seen: Seen) -> list[Hit]:
    subject, found = seen.subject, alike(seen)
    if not subject.roles.id:
        return unfit("no column has the role id")
    if found.too_many:
        return unfit(_few(found, subject))
    rows = found.rows.filter(pl.struct("of", "label", "id").is_first_distinct())
    places = rows.filter(~pl.struct("of", "label").is_first_distinct())["place"].to_list()
    if not places:
        return clear("No row is the copy of another one under an id of its own.")
    said = f"{words.plural(len(places), 'row')} equal an earlier row in every column but the id."
    return _hit(subject, places, said, "Check whether these are two cases; if not, keep the first of each.")


def duplicate_ids(seen: Seen) -> list[Hit]:
    subject, roles = seen.subject, seen.subject.roles
    if not roles.id:
        return unfit("no column has the role id")
    names = [*roles.id, *((roles.model_version,) if roles.model_version and subject.kind == "dataset" else ())]
    places = subject.again(names, roles.id)
    if not places:
        return clear("Every id occurs once.")
    said = f"{words.plural(len(places), 'row')} repeat an id that occurs before."
    return _hit(subject, places, said, "Keep one row an id, or name the column that tells its rows apart.")


def contradictory(seen: Seen) -> list[Hit]:
    subject, found = seen.subject, alike(seen)
    if subject.roles.label is None:
        return unfit("no column has the role label")
    if found.too_many:
        return unfit(_few(found, subject))
    rows = found.rows.filter(pl.struct("of", "label").is_first_distinct())
    places = rows.filter(~pl.col("of").is_first_distinct())["place"].to_list()
    if not places:
        return clear("No two rows that are otherwise equal have different labels.")
    said = f"{words.plural(len(places), 'row')} equal an earlier row in all but id and label, and contradict its label."
    return _hit(subject, places, said, "One of the two labels is wrong: look them up, or leave both out.")


for check in (
    Check("Q01", "Duplicate rows", "medium", "Rows that equal an earlier one in every column.", repeated),
    Check(
        "Q02", "Copies under another id", "medium", "Rows that equal an earlier one in all but the id.", under_new_id
    ),
    Check("Q03", "Duplicate ids", "high", "Rows whose id occurs before.", duplicate_ids),
    Check("Q04", "Contradictory copies", "high", "Rows equal but for id and label, with another label.", contradictory),
):
    CHECKS.add(check)
