"""The terminal twin: rules of a dataset, and what came of them for each of its versions."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from analysis import questions
from analysis.cli import gates, terminal
from analysis.cli.terminal import AsJson, Text, app
from analysis.core import words
from analysis.core.dataset import Dataset
from analysis.core.errors import BadRequest, ChangedMeanwhile
from analysis.core.evaluation import Evaluation
from analysis.core.receipt import Result
from analysis.core.roles import Roles
from analysis.core.rule import FAIL, Rule, read_rule, read_rules, written
from analysis.engine import ruling
from analysis.engine.subject import Subject, of_dataset
from analysis.store import datasets
from analysis.store import rules as kept
from analysis.store.inspect import column_facts
from analysis.store.workspace import Workspace
from analysis.telling import answers

FOR_PEOPLE = ("rule", "severity", "outcome", "rows", "n", "value", "at_most")
KEPT = "kept"
TRIES = 50


def held(
    workspace: Workspace, found: Evaluation | Dataset, subject: Subject, file: Path | None, junit: Path | None
) -> Result | None:
    """What comes of the rules of a file, or of those kept for the dataset; None where none are asked for."""
    if file is None:
        if junit is not None:
            raise BadRequest("--junit needs rules: --rules FILE.")
        return None
    if str(file) == KEPT and not file.exists():
        name = found.name if isinstance(found, Dataset) else datasets.find(workspace, found.inputs[0]).name
        rules = kept.listed(workspace, name)[0]
    else:
        rules = read_rules(_text(file))
    result = questions.rules(subject, rules=rules, others=ruling.tables(workspace))
    cases = [
        (subject.name, row["rule"], "" if row["outcome"] != FAIL else row["sentence"], row["sentence"])
        for row in result.frame.iter_rows(named=True)
    ]
    gates.write(cases, junit, f"rules {subject.name}", result.receipt.seconds)
    return result


def finish(result: Result | None) -> None:
    """Say on standard error which rules of severity fail are broken, one line each, and exit with 1."""
    failed = [] if result is None else result.frame.filter(outcome=FAIL)["sentence"].to_list()
    for sentence in failed:
        typer.echo(" ".join(sentence.split()), err=True)
    if failed:
        raise typer.Exit(1)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"The rules in '{file}' cannot be read: {error}.") from error


@app.command()
def rules(
    action: Annotated[str, typer.Argument(help="list, set, remove, export, import, suggest or history.")],
    dataset: Annotated[str, typer.Argument(help="The dataset, as name or name@version.")],
    file: Annotated[Path | None, typer.Argument(help="Of export and import: the JSON file.")] = None,
    column: Annotated[Text, typer.Option(help="Of set and remove: the rule's column.")] = None,
    expect: Annotated[Text, typer.Option(help="not missing, unique, in set, in range, matches, refers to, ...")] = None,
    severity: Annotated[str, typer.Option(help="warn or fail.")] = FAIL,
    at_most: Annotated[float, typer.Option(help="The share of rows that may break it.")] = 0.0,
    low: Annotated[str, typer.Option(help="Of a range.")] = "",
    high: Annotated[str, typer.Option(help="Of a range.")] = "",
    value: Annotated[list[str] | None, typer.Option(help="Of a set; repeatable.")] = None,
    pattern: Annotated[str, typer.Option(help="A regular expression; of a share the condition.")] = "",
    refers: Annotated[str, typer.Option(metavar="'DATASET: COLUMN'")] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Of suggest: keep them, in place of those there are.")] = False,
    json: AsJson = False,
) -> None:
    """The rules every new version of a dataset is held to: list, set or suggest them, and what came of them."""
    with terminal.workspace() as workspace, terminal.progress() as progress:
        found = datasets.find(workspace, dataset)
        if action == "suggest":
            version = kept.listed(workspace, found.name)[1]
            result, made = suggested(workspace, found, progress)
            if keep:
                kept.keep(workspace, found.name, made, version)
            answer = (
                result.sentence,
                result.frame,
                {**result.receipt.to_dict(), "rules": [each.body() for each in made]},
            )
        elif action == "history":
            result = questions.rule_history(found.name, ruling.caught_up(workspace, found.name))
            answer = result.sentence, result.frame, result.receipt.to_dict()
        else:
            said: dict[str, object] = {"column": column, "expectation": expect, "severity": severity}
            said |= {"at_most": at_most, "low": low, "high": high, "values": value or ()}
            said |= {"pattern": pattern, "refers": refers}
            made = kept_with(workspace, found.name, lambda known: _changed(action, known, file, said))
            sentence = f"{words.plural(len(made), 'rule')} of '{found.name}'."
            answer = sentence, listing(made), {"dataset": found.name, "rules": [each.body() for each in made]}
    typer.echo(answers.told(*answer, json))


def kept_with(workspace: Workspace, name: str, change: Callable[[list[Rule]], list[Rule]]) -> list[Rule]:
    """The rules of a dataset once changed, and kept; where they change meanwhile the change is made to those."""
    for left in reversed(range(TRIES)):
        known, version = kept.listed(workspace, name)
        made = change(known)
        if made == known:
            break
        try:
            kept.keep(workspace, name, made, version)
            break
        except ChangedMeanwhile:
            if not left:
                raise
    return made


def _changed(action: str, known: list[Rule], file: Path | None, said: dict[str, object]) -> list[Rule]:
    """The rules there are once a command is done."""
    if action == "list":
        return known
    if action == "set":
        new = read_rule(said)
        return [*(each for each in known if each.name != new.name), new]
    if action == "remove":
        left = [each for each in known if (each.column, each.expectation) != (said["column"], said["expectation"])]
        if len(left) == len(known):
            raise BadRequest(f"There is no rule '{said['expectation']}' of '{said['column']}' to remove.")
        return left
    if action not in ("import", "export"):
        raise BadRequest(f"rules is followed by list, set, remove, export, import, suggest or history, not '{action}'.")
    if file is None:
        raise BadRequest(f"rules {action} DATASET needs a FILE.")
    if action == "import":
        return read_rules(_text(file))
    try:
        file.write_text(written(known), encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"The rules could not be written to '{file}': {error.strerror}.") from error
    return known


def suggested(
    workspace: Workspace, dataset: Dataset, progress: Callable[[float, str], None]
) -> tuple[Result, list[Rule]]:
    """Rules a dataset lets one expect, its roles guessed."""
    from analysis.core.guess import guess

    proposal = guess(column_facts(workspace, dataset), task=None, given=Roles())
    subject = of_dataset(workspace, dataset, proposal.task, proposal.roles)
    return questions.suggest_rules(subject, progress=progress)


def listing(rules: list[Rule]) -> pl.DataFrame:
    """A row a rule: rule, column, expectation, severity, at_most, sentence."""
    names = ("name", "column", "expectation", "severity", "at_most", "sentence")
    rows = [{name: getattr(each, name) for name in names} for each in rules]
    schema = {**dict.fromkeys(names, pl.String), "at_most": pl.Float64}
    return pl.DataFrame(rows, schema=schema).rename({"name": "rule"})
