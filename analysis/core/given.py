"""Given roles: what an analyst said in words (`NAME:score=COLUMN`, `CLASS=COLUMN`) as Roles."""

from collections.abc import Callable, Mapping, Sequence

from analysis.core.errors import BadRequest, UnknownName
from analysis.core.period import read_period
from analysis.core.roles import ModelColumns, Roles

ONLY = "model"
Check = Callable[[str], str]


def roles(
    columns: Sequence[str],
    *,
    single: Mapping[str, str | None],
    many: Mapping[str, tuple[str, ...]],
    zone: str | None = None,
    prediction: str | None = None,
    latency: str | None = None,
    scores: Sequence[str] = (),
    quantiles: Sequence[str] = (),
    models: Sequence[str] = (),
) -> Roles:
    """Roles from what was said, every column checked. A column named exactly as a whole text wins over its `=`."""
    known = set(columns)

    def check(name: str) -> str:
        if name not in known:
            raise UnknownName("column", name, columns)
        return name

    for role, name in single.items():
        if name is not None and role != "positive":
            check(name)
    for names in many.values():
        for name in names:
            check(name)
    made = [_model(text, known, check) for text in models]
    if prediction or latency or scores or quantiles:
        if made:
            raise BadRequest("Say either --model NAME:score=... for each version, or --prediction and --score for one.")
        made = [
            ModelColumns(
                ONLY,
                check(prediction) if prediction else None,
                tuple(_score(text, known, check) for text in scores),
                tuple(_quantile(text, check) for text in quantiles),
                check(latency) if latency else None,
            )
        ]
    plain = {role: name for role, name in single.items() if name is not None}
    return Roles(models=tuple(made), zone=zone or "UTC", **plain, **many)  # type: ignore[arg-type]


def _score(text: str, known: set[str], check: Check) -> tuple[str | None, str]:
    if text in known or "=" not in text:
        return None, check(text)
    for place, letter in enumerate(text):  # a class or a column may itself contain '='
        if letter == "=" and text[place + 1 :] in known:
            return text[:place], text[place + 1 :]
    return text.partition("=")[0], check(text.partition("=")[2])


def _quantile(text: str, check: Check) -> tuple[float, str]:
    level, mark, column = text.partition("=")
    try:
        value = float(level)
    except ValueError as error:
        raise BadRequest(f"--quantile is written 0.1=COLUMN, not '{text}'.") from error
    if not mark or not 0 < value < 1:
        raise BadRequest(f"--quantile is written 0.1=COLUMN with a level between 0 and 1, not '{text}'.")
    return value, check(column)


def _model(text: str, known: set[str], check: Check) -> ModelColumns:
    name, mark, rest = text.partition(":")
    if not mark or not name:
        raise BadRequest(f"--model is written NAME:score=COLUMN,prediction=COLUMN, not '{text}'.")
    made = ModelColumns(name)
    scores: list[tuple[str | None, str]] = []
    quantiles: list[tuple[float, str]] = []
    found: dict[str, str] = {}
    for part in _parts(rest, known):
        role, mark, column = part.partition("=")
        if role == "score" and mark:
            scores.append((None, check(column)))
        elif role in ("prediction", "latency") and mark:
            found[role] = check(column)
        elif role.startswith("score[") and role.endswith("]") and mark:
            scores.append((role[6:-1], check(column)))
        elif role.startswith("q") and mark:
            quantiles.append(_quantile(f"{role[1:]}={column}", check))
        else:
            raise BadRequest(
                f"In --model {text} the part '{part}' is not score=COLUMN, score[CLASS]=COLUMN, prediction=COLUMN, "
                "latency=COLUMN or q0.1=COLUMN."
            )
    return ModelColumns(made.name, found.get("prediction"), tuple(scores), tuple(quantiles), found.get("latency"))


def _parts(rest: str, known: set[str]) -> list[str]:
    """Split at commas, except inside a column's name that contains one."""
    parts: list[str] = []
    for piece in rest.split(","):
        if parts and parts[-1].partition("=")[2] not in known and "=" not in piece:
            parts[-1] += "," + piece
        else:
            parts.append(piece)
    return parts


def reference(text: str) -> tuple[str, str] | None:
    """A reference period written FIRST:LAST in ISO dates, both days included; None for nothing.

    >>> reference("2026-01-05:2026-03-01")
    ('2026-01-05', '2026-03-01')
    """
    if not text.strip():
        return None
    first, mark, last = (each.strip() for each in text.partition(":"))
    period = read_period(first, last)
    if not mark or period.first is None or period.last is None:
        raise BadRequest(f"A reference period is written 2026-01-05:2026-03-01, not '{text}'.")
    return str(period.first), str(period.last)


def class_scores(text: str, columns: Sequence[str]) -> tuple[tuple[str | None, str], ...]:
    """CLASS=COLUMN lines as (class, column) pairs, every column checked."""
    known = set(columns)

    def check(name: str) -> str:
        if name not in known:
            raise UnknownName("column", name, columns)
        return name

    pairs = tuple(_score(line.strip(), known, check) for line in text.splitlines() if line.strip())
    bare = [column for name, column in pairs if name is None]
    if bare:
        raise BadRequest(f"Write CLASS=COLUMN, not '{bare[0]}' alone: each class has a score column of its own.")
    return pairs


def quantile_columns(text: str, columns: Sequence[str]) -> tuple[tuple[float, str], ...]:
    """LEVEL=COLUMN lines as (level, column) pairs, every column checked."""

    def check(name: str) -> str:
        if name not in columns:
            raise UnknownName("column", name, columns)
        return name

    return tuple(_quantile(line.strip(), check) for line in text.splitlines() if line.strip())
