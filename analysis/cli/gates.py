"""Gates: conditions on an answer under which a command exits with 1, and the report of them that CI systems read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree

import polars as pl
import typer

from analysis.core.errors import BadRequest
from analysis.core.gate import Gate, read_gate
from analysis.core.receipt import Result

FailIf = Annotated[
    list[str] | None,
    typer.Option("--fail-if", metavar="CONDITION", help="Exit with 1 if, as in: recall < 0.6; repeatable."),
]
Cautious = Annotated[bool, typer.Option("--cautious", help="Gates judge the interval's end that is nearer to failing.")]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit XML report of the gates.")]
NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Case:
    """One gate on one row. failure: why it fails, "" where it passes."""

    gate: Gate
    model: str
    group: str
    evidence: str
    failure: str

    @property
    def line(self) -> str:
        whose = ", ".join(each for each in (self.model, self.group) if each)
        return f"{self.gate} fails{' for ' + whose if whose else ''}: {self.failure}{self.evidence}."


def asked(fail_if: list[str] | None, cautious: bool, junit: Path | None) -> tuple[Gate, ...]:
    """The gates of a command; BadRequest where there is none to be cautious with or to report."""
    if not fail_if and (cautious or junit):
        raise BadRequest(f'{"--cautious" if cautious else "--junit"} needs a gate: --fail-if "recall < 0.6".')
    return tuple(dict.fromkeys(read_gate(text, cautious=cautious) for text in fail_if or ()))


def names(metrics: Sequence[str], gates: Sequence[Gate]) -> tuple[str, ...]:
    """The metrics to ask for: those named and those the gates name; none stays none, which means all."""
    return tuple(dict.fromkeys([*metrics, *(gate.bound.metric for gate in gates)])) if metrics else ()


def judged(frame: pl.DataFrame, gates: Sequence[Gate], groups: Sequence[str] = ()) -> list[Case]:
    """Every gate on every row of its metric. frame: model, metric, value, low, high, n, reason, and `groups`."""
    cases = []
    for gate in gates:
        rows = [row for row in frame.iter_rows(named=True) if row["metric"] == gate.bound.metric]
        cases += [_case(gate, row, groups) for row in rows]
        if not rows:
            cases.append(Case(gate, "", "", "", "the answer has no row of this metric"))
    return cases


def _case(gate: Gate, row: dict[str, Any], groups: Sequence[str]) -> Case:
    named = [f"{name}={'(missing)' if row[name] is None else row[name]}" for name in groups]
    if row.get("class") is not None:
        named.append(f"class={row['class']}")
    failure = gate.failure(row["value"], row["low"], row["high"], row["reason"])
    ends = "" if row["low"] is None else f"interval {row['low']:.6g} to {row['high']:.6g}, "
    value = "" if row["value"] is None else f"value {row['value']:.6g}, "
    return Case(gate, row["model"], ", ".join(named), f" ({value}{ends}n {row['n']})", failure)


def report(cases: Sequence[Case], junit: Path | None, result: Result) -> None:
    """Write the JUnit report, if one is asked for: a testcase a gate, model version and group."""
    told = []
    for case in cases:
        title = f"{case.gate} [{case.group}]" if case.group else str(case.gate)
        classname = ".".join(each for each in (result.receipt.evaluation, case.model) if each)
        told.append((classname, title, case.failure, case.line if case.failure else case.evidence.strip(" ()")))
    write(told, junit, f"{result.receipt.question} {result.receipt.evaluation}", result.receipt.seconds)


def write(cases: Sequence[tuple[str, str, str, str]], junit: Path | None, name: str, seconds: float) -> None:
    """Write a JUnit report, if one is asked for. cases: (class name, title, why it fails or "", what is said of it)."""
    if junit is None:
        return
    failed, took = sum(bool(failure) for _, _, failure, _ in cases), f"{seconds:.3f}"
    counts = {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "skipped": "0"}
    root = ElementTree.Element("testsuites", {"name": "assay", "time": took, **counts})
    suite = ElementTree.SubElement(root, "testsuite", {"name": clean(name), "time": took, **counts})
    for classname, title, failure, text in cases:
        made = ElementTree.SubElement(
            suite, "testcase", {"classname": clean(classname), "name": clean(title), "time": "0.000"}
        )
        if failure:
            told = ElementTree.SubElement(made, "failure", {"type": "gate", "message": clean(failure)})
            told.text = clean(text)
        else:
            ElementTree.SubElement(made, "system-out").text = clean(text)
    ElementTree.indent(root)
    try:
        ElementTree.ElementTree(root).write(junit, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise BadRequest(f"The report could not be written to '{junit}': {error.strerror}.") from error


def clean(text: str) -> str:
    """A text without the characters XML cannot hold."""
    return NO_XML.sub("\ufffd", text)


def told(cases: Sequence[Case]) -> dict[str, Any]:
    """What the receipt says of the gates; nothing where there is none."""
    said = [
        {"gate": str(case.gate), "model": case.model, "group": case.group, "failure": case.failure or None}
        for case in cases
    ]
    return {"gates": said} if said else {}


def finish(cases: Sequence[Case]) -> None:
    """Say on standard error what failed, one line each, and exit with 1; nothing where nothing did."""
    failed = [case for case in cases if case.failure]
    for case in failed:
        typer.echo(" ".join(case.line.split()), err=True)
    if failed:
        raise typer.Exit(1)
