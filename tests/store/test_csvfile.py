"""CSV intake against Python's csv module: nothing lost, nothing invented, and every record accounted for."""

import csv
import io
import math
import random
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.core.errors import AssayError, BadFile, BadRequest, Undecided, UnknownName
from analysis.store import csvrecords, csvrejects, csvtypes, intake
from analysis.store.csvdialect import Dialect

LIMITS = {"memory_mb": 800, "threads": 2}


class Loaded:
    """What a load left: its facts, and the stored values as text."""

    def __init__(self, content: str | bytes, folder: Path, **options: Any) -> None:
        source, self.target = folder / "source", folder / "out" / "data.duckdb"
        self.target.parent.mkdir(exist_ok=True)
        self.target.unlink(missing_ok=True)
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        self.facts = intake.load(
            source, self.target, label="file.csv", options=options, limits=LIMITS, progress=lambda share, doing: None
        )

    def query(self, text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.target), read_only=True) as con:
            return con.execute(text).fetchall()

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        keys = ", ".join(f"{each['key']}::varchar" for each in self.facts["columns"])
        return self.query(f"select {keys} from data")

    @property
    def types(self) -> list[str]:
        return [each["type"] for each in self.facts["columns"]]

    @property
    def names(self) -> list[str]:
        return [each["name"] for each in self.facts["columns"]]


@pytest.fixture
def load(tmp_path):
    return lambda content, **options: Loaded(content, tmp_path, **options)


def oracle(text: str, **dialect: Any) -> list[tuple[str | None, ...]]:
    records = [each for each in csv.reader(io.StringIO(text, newline=""), **dialect) if each]
    return [tuple(value or None for value in each) for each in records[1:]]


def refused(load, content, **options) -> tuple[type, str]:
    with pytest.raises(AssayError) as raised:
        load(content, **options)
    return raised.type, str(raised.value)


def test_types_are_the_narrowest_that_lose_nothing(load):
    columns = {
        "whole": (["1", "-20", "0"], "BIGINT"),
        "zeros": (["007", "12", "1"], "VARCHAR"),
        "phone": (["+491234", "12", "1"], "VARCHAR"),
        "huge": (["123456789012345678901234", "1", "2"], "HUGEINT"),
        "beyond": (["9" * 60, "1", "2"], "VARCHAR"),
        "decimal": (["1.5", "-0.25", "3"], "DOUBLE"),
        "science": (["1e5", "2.5E-3", "7"], "DOUBLE"),
        "nan": (["NaN", "inf", "-2"], "DOUBLE"),
        "long": (["0.1234567890123456789", "1.5", "2"], "DECIMAL(20,19)"),
        "wide": (["12345678901234567", "1.5", "2"], "DECIMAL(18,1)"),
        "over": (["1e400", "1", "2"], "VARCHAR"),
        "under": (["1_000", "1", "2"], "VARCHAR"),
        "hex": (["0x10", "1", "2"], "VARCHAR"),
        "padded": ([" 7", "1", "2"], "VARCHAR"),
        "after": (["7 ", "1.5", "2"], "VARCHAR"),
        "truth": (["true", "False", "TRUE"], "BOOLEAN"),
        "yes": (["yes", "no", "yes"], "VARCHAR"),
        "day": (["2024-02-29", "1999-12-31", "2024-01-01"], "DATE"),
        "noday": (["2024-02-30", "1999-12-31", "2024-01-01"], "VARCHAR"),
        "moment": (["2024-02-29 01:02:03", "2024-02-29T01:02:03.25", "2024-01-01 00:00"], "TIMESTAMP"),
        "zoned": (["2024-02-29T01:02:03Z", "2024-02-29 01:02:03+02:00", "2024-02-29 01:02-05"], csvtypes.TZ),
        "nano": (["2024-02-29 01:02:03.123456789", "2024-02-29 01:02:03", "2024-02-29 01:02:03"], "VARCHAR"),
        "either": (["03/04/2024", "05/06/2024", "01/02/2024"], "VARCHAR"),
        "dmy": (["03/04/2024", "25/06/2024", "01/02/2024"], "DATE"),
        "mdy": (["03/04/2024", "05/26/2024", "01/02/2024"], "DATE"),
        "neither": (["13/04/2024", "05/26/2024", "01/02/2024"], "VARCHAR"),
        "gone": (["", "", ""], "VARCHAR"),
        "some": (["", "5", ""], "BIGINT"),
    }
    text = (
        ",".join(columns)
        + "\n"
        + "".join(",".join(row) + "\n" for row in zip(*(v for v, _ in columns.values()), strict=True))
    )
    made = load(text)
    assert dict(zip(made.names, made.types, strict=True)) == {name: kind for name, (_, kind) in columns.items()}
    for place, (name, (values, kind)) in enumerate(columns.items()):
        stored = [row[place] for row in made.rows]
        if kind in ("VARCHAR", "BIGINT", "HUGEINT"):
            assert stored == [value or None for value in values], name
        if kind == "DOUBLE":
            for ours, source in zip(stored, values, strict=True):
                assert float(ours) == float(source) or (math.isnan(float(ours)) and source == "NaN")
    stored = dict(zip(made.names, zip(*made.rows, strict=True), strict=True))
    assert stored["dmy"] == ("2024-04-03", "2024-06-25", "2024-02-01")
    assert stored["mdy"] == ("2024-03-04", "2024-05-26", "2024-01-02")
    assert stored["zoned"][1].startswith("2024-02-28 23:02:03")
    assert [each["missing"] for each in made.facts["columns"]][-2:] == [3, 2]
    assert any("'either'" in note and "--dates" in note for note in made.facts["notes"])


@pytest.mark.parametrize("value", ["1", "0.1", "5.", ".5", "-0", "1e22", "9.99e307", "123456789012345", "1e-300"])
def test_a_double_is_what_python_reads(load, value):
    made = load(f"a,b\n{value},x\n1.5,y\n")
    assert made.types[0] == "DOUBLE"
    assert made.query("select c0 from data")[0][0] == float(value)


@pytest.mark.parametrize("late", ["3.75", "x", "007", "1_0", "123456789012345678901234"])
def test_a_late_value_of_another_type_changes_the_column_not_the_value(load, late):
    text = "a,b\n" + "".join(f"{i},{i}\n" for i in range(100_000)) + f"7,{late}\n8,9\n"
    made = load(text)
    kinds = {"3.75": "DOUBLE", "123456789012345678901234": "HUGEINT"}
    assert made.types == ["BIGINT", kinds.get(late, "VARCHAR")]
    assert made.query("select c1::varchar from data where c0 = 7")[-1][0] == late
    assert made.query("select sum(c0) from data")[0][0] == sum(range(100_000)) + 15
    if made.types[1] == "VARCHAR":
        assert any(f"'{late}' on line 100,002" in note and "'b'" in note for note in made.facts["notes"])


def test_a_decimal_late_in_a_large_file_is_found_beyond_the_sample(load):
    rows = 400_000
    text = "a,b\n" + "".join(f"{i},{i}\n" for i in range(rows)) + "5,2.5\n"
    middle = text.index(f"\n{rows // 3},") + 1
    made = load(text[:middle] + "1,0.5\n" + text[middle:])
    assert made.types == ["BIGINT", "DOUBLE"]
    assert made.facts["rows"] == rows + 2


def test_a_value_no_sample_shows_widens_only_its_column(load):
    lines = [f"{i},{i},{i % 7}.5\n" for i in range(300_000)]
    lines[110_000] = "1,2.25,1.5\n"
    made = load("a,b,c\n" + "".join(lines))
    assert made.types == ["BIGINT", "DOUBLE", "DOUBLE"]
    assert made.facts["notes"] == ["Column 'b' is DOUBLE: '2.25' on line 110,002 is no BIGINT."]
    assert made.query("select count(*) from data where c1 = 2.25") == [(1,)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~", ":", "\x01", "\x1f"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_delimiters_quotes_and_embedded_line_ends(load, delimiter, quote):
    rows = [["id", "text", "note"]]
    rows += [[str(i), f"a{delimiter}b{i}", f"two\nlines {quote}said{quote} {i}"] for i in range(30)]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quotechar=quote, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerows(
        rows
    )
    made = load(out.getvalue())
    assert made.facts["dialect"] == {"encoding": "utf-8", "delimiter": delimiter, "quote": quote, "header": True}
    assert made.rows == oracle(out.getvalue(), delimiter=delimiter, quotechar=quote)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(load, end):
    made = load(end.join(["a,b", "1,x", '2,"y' + end + 'z"', "3,w", ""]))
    assert made.rows == [("1", "x"), ("2", f"y{end}z"), ("3", "w")]


def test_mixed_line_ends_keep_those_inside_quotes(load):
    made = load('a,b\r\n1,x\n2,"y\r\nz"\r\n3,"p\nq"\n')
    assert made.rows == [("1", "x"), ("2", "y\r\nz"), ("3", "p\nq")]


def test_ragged_rows_are_rejected_with_their_lines(load):
    text = 'a,b\n1,"x\ny"\n3\n' + "".join(f"{i},z\n" for i in range(50)) + "4,5,6\n"
    made = load(text, allow_rejects="2")
    assert (made.facts["rows"], made.facts["rejected"], made.facts["records"]) == (51, 2, 53)
    assert made.query("select * from rejects") == [
        (4, "Too few fields: 1 instead of 2.", "3"),
        (55, "Too many fields: 3 instead of 2.", "4,5,6"),
    ]
    assert made.facts["rejects_sample"][0]["line"] == 4


def test_rejects_policy(load):
    few = "a,b\n" + "1,2\n" * 2000
    made = load(few + "3\n")
    assert made.facts["rejected"] == 1
    assert any("1 of 2,001 records is left out" in note for note in made.facts["notes"])
    kind, said = refused(load, "a,b\n" + "1,2\n" * 100 + "3\n")
    assert kind is Undecided
    assert "--allow-rejects 1" in said
    assert "line 102" in said
    assert refused(load, "a,b\n" + "1,2\n" * 98 + "3\n3\n", allow_rejects="1%")[0] is Undecided
    assert load("a,b\n" + "1,2\n" * 98 + "3\n3\n", allow_rejects="2%").facts["rejected"] == 2
    assert refused(load, few + "3\n", allow_rejects="0")[0] is Undecided
    assert refused(load, few + "3\n", allow_rejects="few")[0] is BadRequest


@pytest.mark.parametrize("quotes_follow", [True, False])
def test_an_unterminated_quote_costs_its_line_and_no_other(load, quotes_follow):
    rest = "".join(f'{i},"v{i}"\n' if quotes_follow else f"{i},v{i}\n" for i in range(500))
    text = 'a,b\n0,"fine"\n1,"open\n' + rest
    kind, said = refused(load, text)
    assert kind is Undecided
    assert "quote opened on line 3" in said
    made = load(text, allow_rejects="1")
    assert made.rows == [("0", "fine"), *((str(i), f"v{i}") for i in range(500))]
    assert made.query("select line, text from rejects") == [(3, '1,"open')]


def test_a_quote_that_is_text_stays_text(load):
    text = 'size,b\n5" pipe,1\n6"x"7,2\nit\'s,3\n'
    assert load(text).rows == oracle(text)


def test_spaces_around_quoted_fields_are_left_out(load):
    made = load('a,b\n1, "x, y"\n2,"z"  \n3,  "p\nq"\n')
    assert made.rows == [("1", "x, y"), ("2", "z"), ("3", "p\nq")]
    assert any("Spaces around" in note for note in made.facts["notes"])


def test_a_line_over_the_limit_is_rejected(load):
    text = "a,b\n1,2\n3," + "x" * (csvrecords.LINE_LIMIT) + "\n" + "4,5\n" * 10
    made = load(text, allow_rejects="1")
    assert made.facts["rows"] == 11
    assert made.facts["rejects_sample"][0]["line"] == 3


def test_names_are_made_unique_and_the_originals_kept(load):
    made = load('x,x,,x_2,"<img onerror=1>","; drop table",""\n1,2,3,4,5,6,7\n')
    assert made.names == ["x", "x_3", "column_3", "x_2", "<img onerror=1>", "; drop table", "column_7"]
    assert [each["original"] for each in made.facts["columns"]] == ["", "x", "", "", "", "", ""]
    assert len(made.facts["notes"]) == 3
    assert [each["key"] for each in made.facts["columns"]] == [f"c{i}" for i in range(7)]


def test_blank_lines(load):
    assert load("\n\na,b\n1,x\n\n2,y\n\n\n").rows == [("1", "x"), ("2", "y")]
    assert load("a\n1\n\n2\n\n\n", header=True).rows == [("1",), (None,), ("2",)]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("\n\n\n", "blank lines"),
        ("a,b\n", "no rows"),
        ("a,b\n\n\n", "no rows"),
        ("one\ntwo\nthree\n", "one column"),
        (",".join(f"c{i}" for i in range(20_000)) + "\n" + ",".join("1" * 20_000) + "\n", "20,000 columns"),
        ("a,b\n1,x\ry\n", "line 2"),
        ('a,"b\n1,2\n3,4\n', "line 1"),
        ("a,b\n1\n2\n", "none of its 2 records"),
    ],
)
def test_what_is_no_table_is_refused(load, tmp_path, content, part):
    kind, said = refused(load, content)
    assert kind is BadFile
    assert part in said
    assert said.startswith("file.csv")
    assert not list((tmp_path / "out").iterdir())


def test_numbers_as_header_are_asked_about(load):
    assert refused(load, "1,2\n3,4\n")[0] is Undecided
    assert load("1,2\n3,4\n", header=False).rows == [("1", "2"), ("3", "4")]
    assert load("1,2\n3,4\n", header=True).names == ["1", "2"]


def test_options(load):
    assert load("a;b\n1.234,5;2\n7,5;3\n", decimal=",").rows == [("1234.5", "2"), ("7.5", "3")]
    assert load("a;b\n1.23,5;2\n7,5;3\n", decimal=",").types == ["VARCHAR", "BIGINT"]
    assert load('a,b\n"1,234.5",2\n', thousands=",").rows == [("1234.5", "2")]
    made = load("a,b\n1,NA\n2,3\n-,\n", missing=["NA", "-"])
    assert (made.types, made.rows) == (["BIGINT", "BIGINT"], [("1", None), ("2", "3"), (None, None)])
    assert load("d,x\n03/04/2024,1\n", dates="day-first").rows == [("2024-04-03", "1")]
    assert load("d,x\n03/04/2024,1\n", dates="month-first").rows == [("2024-03-04", "1")]
    assert load("d,x\n20240304,1\n", dates="%Y%m%d").types == ["BIGINT", "BIGINT"]
    assert load("d,x\n3.Mar 2024,1\n", dates="%d.%b %Y").rows == [("2024-03-03", "1")]
    assert load("a,b\n007,1\n", types={"a": "BIGINT", "b": "text"}).types == ["BIGINT", "VARCHAR"]
    assert load("a,b\n1.5,1\n", types={"a": "decimal(6,2)"}).rows == [("1.50", "1")]
    kind, said = refused(load, "a,b\n1,2\nx,3\n", types={"a": "BIGINT"})
    assert kind is BadRequest
    assert "'x' on line 3" in said
    assert refused(load, "a,b\n1.239,2\n", types={"a": "DECIMAL(6,2)"})[0] is BadRequest
    assert refused(load, "a,b\n1,2\n", types={"aa": "BIGINT"})[0] is UnknownName
    assert refused(load, "a,b\n1,2\n", types={"a": "MONEY"})[0] is BadRequest
    assert refused(load, "a,b\n1,2\n", decimal="x")[0] is BadRequest
    assert refused(load, "a,b\n1,2\n", dates="sometimes")[0] is BadRequest
    assert load("a b\n1 2\n", delimiter="space").names == ["a", "b"]
    assert load('a,b\n1,"x\n', quote="none").rows == [("1", '"x')]
    assert load('a§b\n1§2\n3§"x§y"\n', delimiter="§").rows == [("1", "2"), ("3", "x§y")]


cells = st.text(alphabet=st.sampled_from(list("ab01.,;\t|'\"\n -é€")), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    table=st.integers(2, 4).flatmap(
        lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), min_size=1, max_size=12)
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_written_by_csv_comes_back_as_it_was(table, delimiter, quoting, end):
    out = io.StringIO(newline="")
    names = [f"column {place}" for place in range(len(table[0]))]
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows([names, *table])
    types = dict.fromkeys(names, "VARCHAR")
    with tempfile.TemporaryDirectory() as folder:
        made = Loaded(out.getvalue(), Path(folder), delimiter=delimiter, quote='"', types=types)
        rows = made.rows
    assert rows == [tuple(value or None for value in each) for each in table]
    assert made.facts["records"] == len(table)


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet=st.sampled_from(list('a,"\n ')), max_size=60), piece=st.sampled_from([1, 7, 1 << 20]))
def test_counting_does_not_depend_on_the_pieces_read(text, piece):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_text(text)

        def scan(size: int) -> tuple[Any, ...]:
            scanner = csvrecords.Scanner(path, Dialect(), columns=2, label="x")
            scanner._piece = size
            found = scanner.run()
            return found.records, found.rejects, found.drops, found.sha256

        assert scan(piece) == scan(1 << 20)


@settings(max_examples=60, deadline=None)
@given(body=st.text(alphabet=st.sampled_from(list('a,,"\n')), min_size=1, max_size=80))
def test_every_record_is_a_row_or_a_reject_whatever_the_quotes(body):
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = Loaded("x,y\n" + body, Path(folder), delimiter=",", allow_rejects="100%", types={"x": "VARCHAR"})
        except BadFile:
            return
        assert made.facts["rows"] + made.facts["rejected"] == made.facts["records"]
        assert len(made.rows) == made.facts["rows"]


def test_the_count_agrees_with_csv_on_a_large_quoted_file(tmp_path):
    chance = random.Random(5)
    path = tmp_path / "x.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for place in range(60_000):
            writer.writerow(
                [place, chance.choice(["plain", 'a "b"', "two\nlines", "c,d", "", '"']), "x" * chance.randrange(60)]
            )
    with path.open(newline="") as source:
        expected = sum(1 for _ in csv.reader(source))
    found = csvrecords.Scanner(path, Dialect(), columns=3, label="x").run()
    assert (found.records, found.clean) == (expected, True)


def test_lines_are_found_again(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n1,x\n2,y\n3,x\n")
    assert csvrejects.lines_at(path, [1, 5, 9, 13]) == [1, 2, 3, 4]
    assert csvrejects.line_of(path, Dialect(), 1, "x", csvrecords.Scan()) == 2
    assert csvrejects.line_of(path, Dialect(), 0, "x", csvrecords.Scan()) is None
