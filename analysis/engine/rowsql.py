"""Row terms as DuckDB SQL, written over the file's own columns from a tree engine/rowterm.py has checked.

Everything is worked out in doubles, so that no sum of whole numbers overflows. Missing in, missing out: a row that
lacks a value the expression needs has none, also under `case when`; `coalesce` and `is null` are how to say otherwise.
What is not finite, as ln(0) or a division by 0, is missing too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from analysis.core.errors import BadRequest, UnknownName
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.literal import family, fit, read_number
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.segment import Compare
from analysis.engine.condition import ColumnRef, render
from analysis.engine.rowterm import ARITHMETIC, COMPARISONS, FUNCTIONS, SEVERAL, WORDS, Node, RowTerm, named

TURNED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
LARGEST = 1e300
LONGEST = 40_000  # characters of SQL; guards repeat what they guard, so nesting multiplies


@dataclass(frozen=True)
class Piece:
    """A part as SQL. kind: number, boolean, text, date, moment, zoned or class (a label or decision by its code).

    column: the name, where the part is a column as it stands. literal: as typed, where it is one.
    """

    sql: str
    kind: str
    column: str = ""
    literal: str | None = None


def row_sql(term: RowTerm, evaluation: Evaluation, model: ModelFacts, decision: str) -> Piece:
    """The expression as SQL over `rows r`: a double, NULL where missing; a condition is 1 or 0, and its kind says so.

    decision: the decided class or forecast in SQL. UnknownName for a column that is not there, BadRequest where kinds
    do not fit.
    """
    made = _Writer(evaluation, model, decision).write(term.inner)
    if made.kind not in ("number", "boolean"):
        raise BadRequest(f"{term.aggregate}() needs a number or a condition; this gives a {made.kind}.")
    if term.aggregate == "count" and made.kind != "boolean":
        raise BadRequest("count() counts the rows where a condition holds, as in count(amount > 100).")
    return Piece(f"CAST({made.sql} AS DOUBLE)", made.kind)


def own_rows(keyed: str, weight: str, where: str, x: str) -> str:
    """A receipt's rows of an expression `x`: the keys, the value x, the weight w; those without a value left out."""
    return f"(SELECT {keyed}{x} AS x, {weight} AS w FROM rows r WHERE {where})\nWHERE isfinite(x)"


class _Writer:
    def __init__(self, evaluation: Evaluation, model: ModelFacts, decision: str) -> None:
        self.evaluation, self.model, self.decision = evaluation, model, decision

    def write(self, node: Node) -> Piece:
        made = WRITERS[type(node)](self, node)
        if len(made.sql) > LONGEST:
            raise BadRequest("The expression nests its guarded functions too deeply; simplify it.")
        return made

    def column(self, node: Node) -> Piece:
        name = named(node)  # type: ignore[arg-type]
        if name in WORDS:
            return self.word(name)
        column = self.evaluation.column(node.this.name)
        raw, kind = f"r.{column.key}", family(column.type)
        if kind == "number":
            return Piece(self.real(raw, column.type), kind, column.name)
        if kind == "text":
            return Piece(f"CAST({raw} AS VARCHAR)", kind, column.name)
        return Piece(raw, kind, column.name)

    def real(self, raw: str, of: str) -> str:
        """A column of numbers as doubles, NaN as missing."""
        real = f"CAST({raw} AS DOUBLE)"
        return f"CASE WHEN NOT isnan({raw}) THEN {real} END" if of.upper() in ("FLOAT", "DOUBLE") else real

    def word(self, word: str) -> Piece:
        facts, model = self.evaluation, self.model
        classes = facts.task != REGRESSION
        if word == "label":
            if facts.roles.label is None:
                raise BadRequest(f"'{facts.name}' has no label column.")
            return Piece("r.y", "class") if classes else Piece("CAST(r.y AS DOUBLE)", "number")
        if word == "prediction":
            return Piece(self.decision, "class") if classes else Piece(f"CAST(r.p{model.index} AS DOUBLE)", "number")
        if facts.task != BINARY:
            raise BadRequest(f"'score' is the positive class's score, and '{facts.name}' is {facts.task}.")
        return Piece(f"CAST(r.s{model.index} AS DOUBLE)", "number")

    def literal(self, node: Node) -> Piece:
        text = node.name
        if node.args["is_string"]:
            if not text.isprintable():
                raise BadRequest("A text to compare with holds a character nobody can see; remove it.")
            return Piece("'" + text.replace("'", "''") + "'", "text", literal=text)
        number = read_number(text)
        if number is None or abs(float(number)) > LARGEST:
            raise BadRequest(f"The number {text[:40]} cannot be read or is too large.")
        return Piece(f"CAST('{float(number)!r}' AS DOUBLE)", "number", literal=text)

    def number(self, node: Node) -> str:
        made = self.write(node)
        if made.kind == "boolean":
            return f"CAST({made.sql} AS DOUBLE)"
        if made.kind != "number":
            raise BadRequest(self.misfit(made, "calculated with"))
        return made.sql

    def condition(self, node: Node) -> str:
        made = self.write(node)
        if made.kind != "boolean":
            raise BadRequest(self.misfit(made, "used as a condition"))
        return made.sql

    def misfit(self, made: Piece, how: str) -> str:
        what = f"The column '{made.column}'" if made.column else "A part of the expression"
        hint = "; compare it, as in label = 'yes'" if made.kind == "class" else ""
        holds = {"class": "holds classes", "text": "is text", "number": "is a number"}.get(
            made.kind, f"is a {made.kind}"
        )
        return f"{what} {holds} and cannot be {how}{hint}."

    def arithmetic(self, node: Node) -> Piece:
        left, right, sign = self.number(node.this), self.number(node.expression), ARITHMETIC[type(node)]
        return Piece(f"({left} / nullif({right}, 0))" if sign == "/" else f"({left} {sign} {right})", "number")

    def negative(self, node: Node) -> Piece:
        return Piece(f"(- {self.number(node.this)})", "number")

    def bracket(self, node: Node) -> Piece:
        made = self.write(node.this)
        return Piece(f"({made.sql})", made.kind, made.column, made.literal)

    def function(self, node: Node) -> Piece:
        inner, name = self.number(node.this), FUNCTIONS[type(node)]
        guard = {"ln": f"{inner} > 0", "sqrt": f"{inner} >= 0"}.get(name)
        return Piece(f"CASE WHEN {guard} THEN {name}({inner}) END" if guard else f"{name}({inner})", "number")

    def several(self, node: Node) -> Piece:
        parts = [self.number(each) for each in (node.this, *node.expressions)]
        listed, name = ", ".join(parts), SEVERAL[type(node)]
        if name == "coalesce":
            return Piece(f"coalesce({listed})", "number")
        lacking = " OR ".join(f"{part} IS NULL" for part in parts)
        return Piece(f"CASE WHEN {lacking} THEN NULL ELSE {name}({listed}) END", "number")

    def logic(self, node: Node) -> Piece:
        sign = "AND" if isinstance(node, exp.And) else "OR"
        return Piece(f"({self.condition(node.this)} {sign} {self.condition(node.expression)})", "boolean")

    def negation(self, node: Node) -> Piece:
        return Piece(f"(NOT {self.condition(node.this)})", "boolean")

    def truth(self, node: Node) -> Piece:
        return Piece("true" if node.this else "false", "boolean", literal=str(bool(node.this)).lower())

    def missing(self, node: Node) -> Piece:
        if not isinstance(node.expression, exp.Null):
            raise BadRequest("Only 'is null' and 'is not null' can be asked; compare values with =.")
        return Piece(f"({self.write(node.this).sql} IS NULL)", "boolean")

    def nothing(self, node: Node) -> Piece:
        raise BadRequest("null is no value to calculate with; ask 'is null'.")

    def cases(self, node: Node) -> Piece:
        branches = node.args["ifs"]
        default = node.args.get("default")
        results = [self.write(each.args["true"]) for each in branches] + ([self.write(default)] if default else [])
        kind = "boolean" if all(each.kind == "boolean" for each in results) else "number"
        parts = []
        for branch in branches:
            test = self.condition(branch.this)
            result = self.condition(branch.args["true"]) if kind == "boolean" else self.number(branch.args["true"])
            parts.append(f"WHEN {test} IS NULL THEN NULL WHEN {test} THEN {result}")
        if default is not None:
            parts.append("ELSE " + (self.condition(default) if kind == "boolean" else self.number(default)))
        return Piece(f"CASE {' '.join(parts)} END", kind)

    def comparison(self, node: Node) -> Piece:
        left, right, op = self.write(node.this), self.write(node.expression), COMPARISONS[type(node)]
        if left.literal is not None and right.literal is None:
            left, right, op = right, left, TURNED[op]
        sql = {"!=": "<>"}.get(op, op)
        if left.kind == "class" or right.kind == "class":
            return self.classes(left, right, op)
        if left.column and right.literal is not None:
            return self.with_literal(left, op, right)
        if left.kind != right.kind:
            raise BadRequest(f"A {left.kind} and a {right.kind} cannot be compared; compare like with like.")
        return Piece(f"({left.sql} {sql} {right.sql})", "boolean")

    def with_literal(self, left: Piece, op: str, right: Piece) -> Piece:
        """A column against a literal: exactly as a filter compares, but missing where the column is."""
        column = self.evaluation.column(left.column)
        known = {column.name: ColumnRef(f"r.{column.key}", column.type)}
        value: Any = right.literal if right.kind == "text" else read_number(right.literal or "")
        if right.kind == "boolean":
            value = right.literal == "true"
        test = render(Compare(column.name, op, fit(value, column.type, column=column.name)), known)
        lacking = f"r.{column.key} IS NULL"
        if column.type.upper() in ("FLOAT", "DOUBLE"):
            lacking += f" OR isnan(r.{column.key})"
        return Piece(f"CASE WHEN {lacking} THEN NULL ELSE {test} END", "boolean")

    def classes(self, left: Piece, right: Piece, op: str) -> Piece:
        if op not in ("=", "!="):
            raise BadRequest("Classes have no order; compare them with = or !=.")
        if left.kind == right.kind:
            code = right.sql
        elif right.literal is not None:
            names = self.evaluation.classes
            if right.literal not in names:
                raise UnknownName("class", right.literal, names)
            code = str(names.index(right.literal))
        else:
            raise BadRequest("A label or prediction can be compared with a class, as in label = 'yes', or one another.")
        return Piece(f"({left.sql} {'<>' if op == '!=' else '='} {code})", "boolean")


WRITERS: dict[type[Node], Callable[[_Writer, Node], Piece]] = {
    **dict.fromkeys(ARITHMETIC, _Writer.arithmetic),
    **dict.fromkeys(COMPARISONS, _Writer.comparison),
    **dict.fromkeys(FUNCTIONS, _Writer.function),
    **dict.fromkeys(SEVERAL, _Writer.several),
    exp.Column: _Writer.column,
    exp.Literal: _Writer.literal,
    exp.Paren: _Writer.bracket,
    exp.Neg: _Writer.negative,
    exp.And: _Writer.logic,
    exp.Or: _Writer.logic,
    exp.Not: _Writer.negation,
    exp.Boolean: _Writer.truth,
    exp.Is: _Writer.missing,
    exp.Null: _Writer.nothing,
    exp.Case: _Writer.cases,
}
