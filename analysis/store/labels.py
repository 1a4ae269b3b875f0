"""Labels, decisions and scores as SQL over the raw columns: how a build reads what an analyst's file means."""

from dataclasses import dataclass, field

import duckdb

from analysis.core.errors import BadRequest, Undecided
from analysis.core.roles import BINARY, Roles
from analysis.core.schema import FLOATS, INTEGERS, Column, Schema
from analysis.core.settings import whole
from analysis.store.pivot import Layout, ModelSql, text_sql

EPSILON = 2.220446049250313e-16
CLIPPED = 36.04  # -ln of epsilon is 36.0437
YES = ("1", "true", "yes", "y", "t")
NO = ("0", "false", "no", "n", "f")
POSITIVE, NEGATIVE = "positive", "negative"  # the classes where nothing names them
WORDS = {*YES, *NO}
EPOCHS = ((1e8, 4e9, 1_000_000), (1e11, 4e12, 1_000), (1e14, 4e15, 1))


@dataclass(frozen=True)
class Classes:
    """The classes of a classification. names: in code order; label_values: their texts in the label column."""

    names: list[str]
    label_values: list[str]
    labelled: int
    positive: str | None = None
    notes: list[str] = field(default_factory=list)


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def finite(sql: str) -> str:
    """The expression with NaN and infinities as missing."""
    return f"CASE WHEN isfinite({sql}) THEN {sql} END"


def number_sql(column: Column, role: str) -> str:
    """A numeric column as DOUBLE, NaN and infinities missing; BadRequest when it is not numeric."""
    if not column.numeric and column.type != "BOOLEAN":
        raise BadRequest(
            f"The {role} column '{column.name}' holds {column.type}, not numbers. Choose another column, or take the "
            f"file in again with --type '{column.name}=DOUBLE'."
        )
    return finite(f"CAST(r.{column.key} AS DOUBLE)")


def time_sql(column: Column, zone: str, low: float | None, high: float | None) -> str:
    """A time column as the local moment in `zone`. Naive moments are taken to be local already."""
    raw, where = f"r.{column.key}", literal(zone)
    if column.type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone({where}, {raw})"
    if column.temporal:
        return f"CAST({raw} AS TIMESTAMP)"
    if column.type in INTEGERS and low is not None and high is not None:
        for least, most, factor in EPOCHS:
            if least <= low and high <= most:
                moment = f"make_timestamp(CAST({raw} AS BIGINT) * {factor})"
                return f"timezone({where}, timezone('UTC', {moment}))"
    raise BadRequest(
        f"The time column '{column.name}' holds {column.type}, not dates or times. Choose another column, or take the "
        "file in again and say how its dates are written with --dates."
    )


def classes(connection: duckdb.DuckDBPyConnection, layout: Layout, schema: Schema, task: str, roles: Roles) -> Classes:
    """The classes of the label, and of what the models say that the label never does."""
    counted: dict[str, int] = {}
    if roles.label is not None:
        column = schema.column(roles.label)
        counted = _values(connection, layout, f"r.{column.key}", column.type)
        if len(counted) > whole("encode_values"):
            raise BadRequest(
                f"The label '{roles.label}' has more than {whole('encode_values'):,} different values; "
                "a label with that many is a number to forecast (task regression) or not the label."
            )
    if task == BINARY:
        return _two(connection, layout, roles, counted)
    names = dict.fromkeys(counted)
    for model in layout.models:
        if model.prediction is not None:
            names |= dict.fromkeys(_values(connection, layout, model.prediction, model.prediction_type))
        names |= dict.fromkeys(name for name, _ in model.scores if name is not None)
    ordered = sorted(names, key=_natural)
    if len(ordered) < 2:
        raise BadRequest(f"The label '{roles.label}' has fewer than two classes; there is nothing to tell apart.")
    return Classes(ordered, ordered, sum(counted.values()))


def _values(connection: duckdb.DuckDBPyConnection, layout: Layout, sql: str, kind: str) -> dict[str, int]:
    most = whole("encode_values") + 1
    found = connection.execute(
        f"SELECT {text_sql('v', kind)}, count(*) FROM (SELECT {sql} AS v FROM {layout.relation} r) "
        f"WHERE v IS NOT NULL {'AND NOT isnan(v)' if kind in FLOATS else ''} "
        f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {most}"
    ).fetchall()
    return dict(found)


def _natural(text: str) -> tuple[int, float, str]:
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text


def _word(text: str) -> str:
    """A class's text without case; a one or a nought however it is written."""
    kind, number, _ = _natural(text)
    return str(int(number)) if kind == 0 and number in (0.0, 1.0) else text.lower()


def _alike(one: str, other: str) -> bool:
    """Whether two spellings mean the same: but for case, as numbers (1 and 1.0), or as yes or no."""
    one, other = _word(one), _word(other)
    if one == other or any(one in words and other in words for words in (YES, NO)):
        return True
    (text, number, _), (other_text, other_number, _) = _natural(one), _natural(other)
    return not text and not other_text and number == other_number


def _two(connection: duckdb.DuckDBPyConnection, layout: Layout, roles: Roles, counted: dict[str, int]) -> Classes:
    values = list(counted)
    if len(values) > 2:
        shown = ", ".join(f"'{value}'" for value in values[:5]) + (", ..." if len(values) > 5 else "")
        raise BadRequest(
            f"The label '{roles.label}' has {len(values)} different values ({shown}); a "
            "binary task has two. Choose the task multiclass, or correct the label's values in the file."
        )
    if len(values) < 2:
        for model in layout.models:
            said = list(model.prediction_values) + [name for name, _ in model.scores if name is not None]
            for value in said:
                if len(values) < 2 and not any(_alike(value, known) for known in values):
                    both_words = values and {_word(value), _word(values[0])} <= WORDS
                    values.append(_opposite(values[0]) if both_words else value)
    positive = roles.positive
    if positive is None:
        positive = _positive(roles, values)
    elif positive not in values:
        same = [value for value in values if _alike(value, positive)]
        if len(same) == 1:
            positive = same[0]
        elif len(counted) >= 2:
            raise BadRequest(
                f"The label '{roles.label}' never has the value '{roles.positive}'; it has {', '.join(values)}."
            )
    others = [value for value in values if value != positive]
    if not counted and positive not in values and {value.lower() for value in others} <= WORDS:
        others = []  # 1 and 0 that stand for the positive class and the other
    negative = others[0] if others else NEGATIVE if positive == POSITIVE else f"not {positive}"
    return Classes([negative, positive], [negative, positive], sum(counted.values()), positive)


def _opposite(word: str) -> str:
    """The no of a yes, or the yes of a no, spelled alike."""
    said = _word(word)
    other = NO[YES.index(said)] if said in YES else YES[NO.index(said)]
    return other.upper() if word.isupper() else other.title() if word.istitle() else other


def _positive(roles: Roles, values: list[str]) -> str:
    """The positive class where nobody said it: the one that means yes."""
    if not values:
        return POSITIVE
    known = [value for value in values if value.lower() in YES]
    if not known and len(values) == 1 and values[0].lower() in NO:
        return _opposite(values[0])
    if len(known) != 1:
        where = f"of '{roles.label}'" if roles.label is not None else "the models predict"
        raise Undecided(f"Which value {where} is the positive class? Say --positive with one of: {', '.join(values)}.")
    return known[0]


def code_sql(raw: str, kind: str, names: list[str]) -> str:
    """The class code of a raw column: its place in `names`, missing when it is none of them."""
    if kind == "BOOLEAN" and set(names) == {"true", "false"}:
        return f"CAST({raw} = {names[1]} AS UTINYINT)"
    if kind in INTEGERS and all(name.lstrip("-").isdigit() for name in names):
        cases = " ".join(f"WHEN {name} THEN {code}" for code, name in enumerate(names))
        return f"CAST(CASE {raw} {cases} END AS USMALLINT)"
    cases = " ".join(f"WHEN {literal(name)} THEN {code}" for code, name in enumerate(names))
    return f"CAST(CASE {text_sql(raw, kind)} {cases} END AS USMALLINT)"


def readings(model: ModelSql, names: list[str]) -> dict[str, int]:
    """{a value the model predicts: its class code}, by spelling, else by meaning: 1, true and yes; 0, false and no.

    Where the classes themselves mean neither yes nor no, yes is the positive one. BadRequest for any other value.
    """
    seen = model.prediction_values
    if set(seen) <= set(names):
        return {value: names.index(value) for value in seen}
    alike = {value: [code for code, name in enumerate(names) if _alike(value, name)] for value in seen}
    if all(len(codes) == 1 for codes in alike.values()):
        return {value: codes[0] for value, codes in alike.items()}
    if len(names) == 2 and {value.lower() for value in seen} <= {*WORDS, "-1"}:
        return {value: int(value.lower() in YES) for value in seen}
    strange = [value for value in seen if value not in names][:5]
    raise BadRequest(
        f"The predictions of '{model.name}' hold {', '.join(repr(value) for value in strange)}, which the label never "
        f"is ({', '.join(names[:8])}). Correct the spelling in the file, or choose another prediction column."
    )


def decision_sql(model: ModelSql, names: list[str]) -> str:
    """The class code a model decided for, missing where it decided nothing."""
    if model.prediction is None:
        return "NULL::USMALLINT"
    meant = readings(model, names)
    if set(meant) <= set(names):
        return code_sql(model.prediction, model.prediction_type, names)
    cases = " ".join(f"WHEN {literal(value)} THEN {code}" for value, code in meant.items())
    return f"CAST(CASE {text_sql(model.prediction, model.prediction_type)} {cases} END AS USMALLINT)"


def score_sql(model: ModelSql, names: list[str]) -> str | None:
    """The positive class's score as DOUBLE; from the other class's by 1 - score where only that is there.

    Of a derived version it is what its mapping makes of that.
    """
    score = _recorded(model, names)
    return score if score is None or model.mapping is None else model.mapping.sql(score)


def _recorded(model: ModelSql, names: list[str]) -> str | None:
    by_class = dict(model.scores)
    for name in (None, names[1]):
        if name in by_class:
            return finite(f"CAST({by_class[name]} AS DOUBLE)")
    if names[0] in by_class:
        return finite(f"(1 - CAST({by_class[names[0]]} AS DOUBLE))")
    if by_class:
        strange = ", ".join(f"'{name}'" for name in by_class)
        raise BadRequest(f"The scores of '{model.name}' are for {strange}; the classes are {', '.join(names)}.")
    return None


def log_loss_sql(right: str) -> str:
    """-ln of the probability given to what happened, clipped at the float type's epsilon."""
    # least() and greatest() pass over a missing argument, so a row without a label must be told apart first
    return f"CASE WHEN {right} IS NOT NULL THEN -ln(least(greatest({right}, {EPSILON!r}), 1 - {EPSILON!r})) END"
