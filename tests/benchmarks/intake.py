"""How long intake takes beside a bare DuckDB `create table as select` of the same file, and how much memory."""

import json
import subprocess
import sys
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
BOUNDS = {"csv plain": 2.2, "csv quoted": 3.0, "parquet": 1.5}
MEMORY_MB = 1400
COLUMNS = """
    i as id, hash(i) % 1000 as visits, (hash(i + 1) % 100000)::int as income, (hash(i * 7) >> 2)::bigint as key,
    (hash(i + 6) % 2)::int as label, (hash(i + 5) % 1000000) / 1e6 as score, (hash(i + 12) >> 11) / 2.0 ** 53 as chance,
    round((hash(i + 13) % 100000) / 100.0, 2)::double as amount, (hash(i + 14) % 10000000) / 97.0 as distance,
    ln(1 + hash(i + 15) % 99999) as depth, round((hash(i + 16) % 100) / 10.0, 1)::double as grade,
    ['North', 'South', 'East', 'West'][(hash(i + 9) % 4 + 1)::int] as region,
    'customer ' || (hash(i + 3) % 50000) as customer, 'said ' || (hash(i) % 100000) || ' things' as note,
    case when hash(i + 11) % 3 = 0 then null else 'gold' end as tier, md5(i::varchar) as token,
    date '2024-01-01' + (hash(i + 2) % 700)::int as day,
    timestamp '2024-01-01' + to_seconds((hash(i + 4) % 50000000)::bigint) as moment,
    hash(i + 17) % 2 = 0 as member, ['A', 'B', 'C', 'D', 'E'][(hash(i + 8) % 5 + 1)::int] as class
"""
BARE = """
import json, resource, sys, time
import duckdb
source, target, memory = sys.argv[1:4]
reader = "read_parquet" if source.endswith(".parquet") else "read_csv"
started = time.perf_counter()
with duckdb.connect(target, config={"memory_limit": memory + "MB"}) as con:
    con.execute(f"create table data as select * from {reader}('{source}')")
seconds = time.perf_counter() - started
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""
OURS = """
import json, resource, sys, time
from pathlib import Path
from analysis.store import intake
source, target, memory = sys.argv[1:4]
started = time.perf_counter()
facts = intake.load(Path(source), Path(target), label="bench", options={}, limits={"memory_mb": int(memory)},
                    progress=lambda share, doing: None)
seconds = time.perf_counter() - started
assert facts["rows"] == int(sys.argv[4]) and facts["rejected"] == 0, facts
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def make(rows: int, folder: Path) -> dict[str, Path]:
    """The three files of `rows` rows and 20 columns, written by DuckDB."""
    files = {name: folder / f"{name.replace(' ', '_')}.{name.split()[0]}" for name in BOUNDS}
    with duckdb.connect() as con:
        query = f"(select {COLUMNS} from range({rows}) r(i))"
        con.execute(f"copy {query} to '{files['csv plain']}' (format csv, header)")
        con.execute(f"copy {query} to '{files['csv quoted']}' (format csv, header, force_quote *)")
        con.execute(f"copy {query} to '{files['parquet']}' (format parquet)")
    return files


def run(rows: int, folder: Path) -> list[dict[str, float | str]]:
    """{name, ratio, bound, ours_s, bare_s, ours_mb, bare_mb} a kind of file; ratio: our wall time by the bare."""
    results: list[dict[str, float | str]] = []
    for name, source in make(rows, folder).items():
        # The better of two turns each: whatever else the machine does only ever adds time.
        turns = [(_timed(BARE, source, folder, rows), _timed(OURS, source, folder, rows)) for _ in range(2)]
        bare_s, bare_mb = min(bare for bare, _ in turns)
        ours_s, ours_mb = min(ours for _, ours in turns)
        source.unlink()
        results.append(
            {
                "name": name,
                "ratio": round(ours_s / bare_s, 2),
                "bound": BOUNDS[name],
                "ours_s": round(ours_s, 2),
                "bare_s": round(bare_s, 2),
                "ours_mb": round(ours_mb),
                "bare_mb": round(bare_mb),
            }
        )
    return results


def _timed(script: str, source: Path, folder: Path, rows: int) -> tuple[float, float]:
    with source.open("rb") as opened:  # both read from a warm cache
        while opened.read(1 << 24):
            pass
    target = folder / "timed.duckdb"
    command = [sys.executable, "-c", script, str(source), str(target), str(MEMORY_MB), str(rows)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    target.unlink(missing_ok=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    seconds, megabytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, megabytes
