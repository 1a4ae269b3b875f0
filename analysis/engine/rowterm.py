"""Row terms: an analyst's expression of a row under sum, avg or count, read and checked.

The text is parsed and every node of the tree is looked up in a constant table of what may stand there. What passes is
written anew by engine/rowsql.py; nothing anybody typed reaches SQL.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from analysis.core.errors import BadRequest

LONGEST, TOKENS, DEEPEST = 2_000, 300, 40
Node = exp.Expr
Names = dict[type[Node], str]
AGGREGATES: Names = {exp.Avg: "avg", exp.Sum: "sum", exp.Count: "count"}
COMPARISONS: Names = {exp.EQ: "=", exp.NEQ: "!=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
ARITHMETIC: Names = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
FUNCTIONS: Names = {exp.Abs: "abs", exp.Ln: "ln", exp.Exp: "exp", exp.Sqrt: "sqrt"}
SEVERAL: Names = {exp.Least: "least", exp.Greatest: "greatest", exp.Coalesce: "coalesce"}
BOTH, ONE, MANY = frozenset({"this", "expression"}), frozenset({"this"}), frozenset({"this", "expressions"})
ALLOWED: dict[type[Node], frozenset[str]] = {
    **dict.fromkeys((*COMPARISONS, *ARITHMETIC, exp.And, exp.Or, exp.Is), BOTH),
    **dict.fromkeys((*FUNCTIONS, exp.Paren, exp.Neg, exp.Not, exp.Column, exp.Boolean, exp.Avg, exp.Sum), ONE),
    exp.Count: ONE | {"big_int"},
    exp.Least: MANY | {"ignore_nulls"},
    exp.Greatest: MANY | {"ignore_nulls"},
    exp.Coalesce: MANY,
    exp.Case: frozenset({"ifs", "default"}),
    exp.If: frozenset({"this", "true"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Null: frozenset(),
}
MAY = (
    "an expression is sum(...), avg(...) or count(...) of columns, label, prediction, score, numbers, texts, + - * /, "
    "comparisons, and, or, not, case when, abs, least, greatest, ln, exp, sqrt, coalesce and is null"
)
WORDS = ("label", "prediction", "score")


@dataclass(frozen=True)
class RowTerm:
    """An expression under its aggregate. uses: which of label, prediction, score and which columns it needs."""

    text: str
    aggregate: str
    inner: Node
    uses: frozenset[str]


@lru_cache(maxsize=256)
def read(text: str) -> RowTerm:
    """The expression a text describes; BadRequest, one sentence, for everything that is not on the list."""
    if len(text) > LONGEST:
        raise BadRequest(f"The expression is {len(text):,} characters long; the limit is {LONGEST:,}.")
    try:
        tokens = sqlglot.tokenize(text, read="duckdb")
        _shallow(tokens)
        parsed = sqlglot.parse(text, read="duckdb")
    except (SqlglotError, RecursionError, ValueError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).partition(".")[0]
        raise BadRequest(f"The expression cannot be read ({_clean(why)}); {MAY}.") from error
    if len(parsed) != 1 or parsed[0] is None:
        raise BadRequest(f"One expression is expected; {MAY}.")
    tree = parsed[0]
    aggregate = AGGREGATES.get(type(tree))
    if aggregate is None:
        raise BadRequest(f"The expression is no sum, avg or count of something; {MAY}.")
    checked(tree)
    inner = tree.this
    if not isinstance(inner, Node):
        raise BadRequest(f"{aggregate}() is of nothing; {MAY}.")
    return RowTerm(text, aggregate, inner, frozenset(_uses(inner)))


def _shallow(tokens: list[Any]) -> None:
    """BadRequest for comments, for too many words, and for brackets too deep to be read by anybody."""
    if any(token.comments for token in tokens):
        raise BadRequest("An expression holds no comments; leave out --, /* and */.")
    if len(tokens) > TOKENS:
        raise BadRequest(f"The expression has {len(tokens):,} words and signs; the limit is {TOKENS:,}.")
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if depth > DEEPEST:
            raise BadRequest(f"The expression opens more than {DEEPEST} brackets inside each other; simplify it.")


def _clean(text: str) -> str:
    return "".join(each for each in text if each.isprintable())[:120].rstrip(". ")


def checked(tree: Node) -> None:
    """BadRequest unless every node is of an allowed type, carries nothing but what that type may, and no comment."""
    waiting, top = [tree], True
    while waiting:
        node = waiting.pop()
        allowed = ALLOWED.get(type(node))
        inside = not top and type(node) in AGGREGATES
        if allowed is None or inside:
            raise BadRequest(f"{_what(node)} cannot stand in an expression; {MAY}.")
        held = {name for name, value in node.args.items() if value not in (None, False, [], "")}
        if held - allowed or node.comments:
            more = ", ".join(sorted(held - allowed)) or "a comment"
            raise BadRequest(f"{_what(node)} cannot stand there with {more}; {MAY}.")
        for name in held & {"this", "expression", "true", "default"}:
            if isinstance(node.args[name], Node):
                waiting.append(node.args[name])
        for name in held & {"expressions", "ifs"}:
            waiting.extend(node.args[name])
        top = False


def _what(node: Any) -> str:
    name = node.name if isinstance(node, exp.Anonymous) else type(node).__name__
    return f"'{_clean(name)[:40].lower()}'" if name else "This"


def _uses(tree: Node) -> list[str]:
    """The columns and words it names; a word in double quotes is a column."""
    return [named(node) for node in tree.find_all(exp.Column)]


def named(node: exp.Column) -> str:
    name = node.this.name
    return name.lower() if not node.this.quoted and name.lower() in WORDS else f'"{name}"'
