"""Personal data: texts that look like it, and groups so small that those in them may be told by name."""

from collections.abc import Callable
from itertools import combinations

from analysis.checks.definition import CHECKS, FOUND, Check, Hit, Seen, clear, quote, unfit
from analysis.core import words
from analysis.core.segment import Matches
from analysis.core.settings import whole
from analysis.engine.profile import TEXT
from analysis.engine.subject import Subject

PROVED = 0.9
"""Of numbers with a check digit so many must be right: of random ones a tenth (card) or a hundredth (IBAN) is."""
EXAMINED = 1000


def is_iban(text: str) -> bool:
    """Whether the check digits of an IBAN are right (ISO 13616: mod 97 of the moved digits is 1).

    >>> is_iban("GB82 WEST 1234 5698 7654 32"), is_iban("GB83 WEST 1234 5698 7654 32")
    (True, False)
    """
    plain = text.replace(" ", "")
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """Whether the check digit of a card number is right (ISO 7812: Luhn).

    >>> is_card("4111 1111 1111 1111"), is_card("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(sign) for sign in reversed(text) if sign.isdigit()]
    doubled = [2 * digit - 9 * (digit > 4) if place % 2 else digit for place, digit in enumerate(digits)]
    return sum(doubled) % 10 == 0


KINDS: dict[str, tuple[str, Callable[[str], bool] | None]] = {
    "e-mail addresses": (r"[A-Za-z0-9._%+-]+@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}", None),
    "telephone numbers": (r"\+[1-9][0-9]{0,2}[ ./()-]{0,2}([0-9][ ./()-]{0,2}){6,12}[0-9]", None),
    "IBANs": (r"\b[A-Z]{2}[0-9]{2}( ?[A-Z0-9]{4}){2,7}( ?[A-Z0-9]{1,3})?\b", is_iban),
    "card numbers": (r"\b[3-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{1,4}\b", is_card),
}
"""{what: (RE2 pattern, its check digits)}."""


def personal(seen: Seen) -> list[Hit]:
    """Text columns with e-mail addresses, telephone numbers, IBANs or card numbers in them."""
    subject, hits = seen.subject, []
    columns = [column for column in subject.columns if seen.profile.of(column.name)["kind"] == TEXT]
    if not columns:
        return unfit("no column holds text")
    counts = subject.one(
        "SELECT "
        + ", ".join(
            f"count(*) FILTER ({subject.condition(Matches(column.name, pattern))})"
            for column in columns
            for pattern, _ in KINDS.values()
        )
        + f" FROM {subject.relation} r"
    )
    asked = [(column, what) for column in columns for what in KINDS]
    for (column, what), n in zip(asked, counts, strict=True):
        pattern, right = KINDS[what]
        if not n or (right is not None and not _proved(subject, column.name, pattern, right)):
            continue
        said = f"'{column.name}' holds {what} in {words.plural(n, 'row')}."
        fix = "Leave it out, or put a code in its place, unless it is needed and allowed."
        hits.append(Hit(FOUND, said, n, (column.name,), Matches(column.name, pattern), fix))
    return hits or clear("No text looks like e-mail addresses, telephone numbers, IBANs or card numbers.")


def _proved(subject: Subject, name: str, pattern: str, right: Callable[[str], bool]) -> bool:
    text = subject.text(subject.column(name))
    literal = pattern.replace("'", "''")
    found = subject.scan(
        f"SELECT DISTINCT regexp_extract({text}, '{literal}') AS v FROM {subject.relation} r "
        f"WHERE regexp_matches({text}, '{literal}') ORDER BY v LIMIT {EXAMINED}"
    )["v"]
    return sum(right(each) for each in found) >= PROVED * len(found)


def crossings(seen: Seen) -> list[Hit]:
    """Rows that few others share their protected traits with, two and three at a time, counted in one scan."""
    subject, least = seen.subject, whole("check_small_crossing")
    names = list(subject.roles.protected)[:6]
    if len(names) < 2:
        return unfit("fewer than two columns have the role protected")
    keys = [f"r.{subject.column(name).key}" for name in names]
    sets = [each for size in (2, 3) for each in combinations(range(len(names)), size)]
    listing = ", ".join(f"({', '.join(keys[at] for at in each)})" for each in sets)
    which = f"GROUPING({', '.join(keys)})"
    found = subject.scan(
        f"SELECT g, CAST(sum(n) AS BIGINT) AS rows, count(*) AS groups FROM (SELECT {which} AS g, count(*) AS n FROM "
        f"{subject.relation} r GROUP BY GROUPING SETS ({listing})) WHERE n < {least} GROUP BY g ORDER BY rows, g"
    )
    if not len(found):
        return clear(f"Every two or three protected traits are shared by at least {least} rows.")
    bits, rows, groups = found.row(-1)
    chosen = [names[at] for at in range(len(names)) if not bits >> (len(names) - 1 - at) & 1]
    picked = ", ".join(f"r.{subject.column(name).key}" for name in chosen)
    places = subject.scan(
        f"SELECT place FROM (SELECT r.rowid AS place, count(*) OVER (PARTITION BY {picked}) AS n FROM "
        f"{subject.relation} r) WHERE n < {least} ORDER BY place LIMIT 1000"
    )["place"]
    said = f"{words.plural(rows, 'row')} share {quote(chosen)} with fewer than {least - 1} others, in "
    said += f"{words.plural(groups, 'group')}: who they are may be told from these alone."
    fix = "Coarsen these columns, or leave the rare groups out of what is shown to others."
    return [Hit(FOUND, said, rows, tuple(chosen), None, fix, places=tuple(places.to_list()))]


CHECKS.add(Check("V01", "Personal data", "medium", "Texts that look like personal data.", personal))
CHECKS.add(
    Check(
        *("V02", "Small groups of traits", "low", "Rows few others share protected traits with.", crossings),
        ("check_small_crossing",),
    )
)
