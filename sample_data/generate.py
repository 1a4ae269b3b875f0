"""Make the sample data: the table with its planted faults, the answer key, the models and two real data sets."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from sample_data import places as where
from sample_data import recipes, scorers, shipped
from sample_data.places import Places, during
from sample_data.schema import FEATURES, SCHEMAS, Schema
from sample_data.table import CHUNK, Count, chunks, enough

SEED = 7
ROWS = 20_000
HERE = Path(__file__).resolve().parent


def write(
    *, schema: str = "loans", seed: int = SEED, rows: int = ROWS, out: Path = HERE, chunk: int = CHUNK
) -> list[Path]:
    """Write the table, its answer key, both models and the recipes; with loans also digits.csv and diabetes.csv.

    The same arguments give the same bytes. Returns the files written. Errors: ValueError below 500 rows.
    """
    chosen = SCHEMAS[schema]
    enough(rows)
    fitted = scorers.fit(chosen, where.draw(chosen, seed), seed)
    files = write_table(chosen, seed=seed, rows=rows, out=out, fitted=fitted, chunk=chunk)
    files += write_models(chosen, fitted, out)
    plans = {f"{schema}.csv": recipes.of_table(chosen)}
    if schema == "loans":
        for name, frame in shipped.tables().items():
            frame.write_csv(out / name)
            files.append(out / name)
        plans |= {"digits.csv": recipes.of_digits(), "diabetes.csv": recipes.of_diabetes()}
    return [*files, write_json(out / "recipes.json", plans)]


def write_table(
    schema: Schema, *, seed: int, rows: int, out: Path, fitted: scorers.Scorers, chunk: int = CHUNK
) -> list[Path]:
    """Write the made-up table, at most about `chunk` rows in memory, and its answer key."""
    enough(rows)
    out.mkdir(parents=True, exist_ok=True)
    spots, count, table = where.draw(schema, seed), Count(), out / f"{schema.name}.csv"
    with table.open("wb") as file:
        for number, part in enumerate(chunks(schema, spots, fitted, seed, rows, count, chunk)):
            part.write_csv(file, include_header=number == 0)
    key = {table.name: answer_key(schema, spots, seed, rows, count)}
    return [table, write_json(out / "answer_key.json", key)]


def write_json(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def write_models(schema: Schema, fitted: scorers.Scorers, out: Path) -> list[Path]:
    """Write each model as ONNX and as skops: loan_v1.onnx, loan_v1.skops, ..."""
    files = []
    for name, model in zip(schema.models, fitted.models, strict=True):
        stem = f"{schema.name.removesuffix('s')}_{name}"
        for ending, content in (
            ("onnx", scorers.onnx_bytes(model, len(FEATURES), stem)),
            ("skops", scorers.skops_bytes(model)),
        ):
            (out / f"{stem}.{ending}").write_bytes(content)
            files.append(out / f"{stem}.{ending}")
    return files


def answer_key(schema: Schema, spots: Places, seed: int, rows: int, count: Count) -> dict[str, Any]:
    """What the file holds. The generator counts by its own masks; nothing here is found by looking at the file."""
    name = schema.columns
    inverted = during(schema, spots.inverted_week)
    pair = f"{name['channel']} = '{spots.channel}' and {name['product']} = '{spots.product}'"
    elsewhere = f"not ({pair}) and not ({name['area']} = '{spots.area}') and not ({name['score_2']} is missing)"
    return {
        "schema": schema.name,
        "seed": seed,
        "rows": rows,
        "from": str(schema.start),
        "to": str(where.sunday(schema, where.WEEKS)),
        "weeks": where.WEEKS,
        "zone": "UTC",
        "label": name["label"],
        "positive": schema.positive,
        "threshold": schema.threshold,
        "model_features": schema.features,
        "as_modelled": dict(zip(schema.models, (f"not ({inverted})", elsewhere), strict=True)),
        "places": spots.to_dict() | {"drifting": [name[slot] for slot in spots.drifting]},
        "faults": count.entries(),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sample_data.generate", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help="chance, and with it the places of the faults")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the main table, at least 500")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to (default: beside this file)")
    parser.add_argument("--schema", choices=sorted(SCHEMAS), default="loans", help="which table")
    given = parser.parse_args(arguments)
    try:
        files = write(schema=given.schema, seed=given.seed, rows=given.rows, out=given.out)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for file in files:
        print(f"{file.stat().st_size:>12,} {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
