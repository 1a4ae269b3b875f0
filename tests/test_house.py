"""The laws of the house. Read this first: who may import whom, where a library may appear, what a page may not do.

Folders are floors. A room imports only from floors below its own, and from itself; rooms of one floor are strangers.
A law that fails names the file, the line and the law. Change the file; a law is changed only with its reason.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.ui.cards import CARD, cards

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {  # explaining lies below the store, because explanations are made inside the store's model worker
    "core": 0,
    "explaining": 1,
    "metrics": 2,
    "store": 2,
    "engine": 3,
    "checks": 4,
    "questions": 5,
    "telling": 6,
    "cli": 7,
    "__main__": 8,
}
ROOMS_OF = {  # a library and the only rooms it may appear in
    "duckdb": {"store", "engine"},
    "sqlalchemy": {"store"},
    "lime": {"explaining"},
    "shap": {"explaining"},
    "altair": {"telling"},
    "streamlit": {"app", "pages"},
}
FORBIDDEN_MODULES = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "multiprocessing"}
PICKLES = {"analysis/store/picklemodel.py": {"joblib"}}  # off by default, local only, in a worker; it says why
FORBIDDEN_WORDS = ("unsafe_allow_html", "unsafe_allow_javascript", "st.pickle", "components.v1")
HEAVY = ("sklearn", "lime", "scipy.stats", "matplotlib", "statsmodels")
LONGEST_MODULE, LONGEST_PAGE = 320, 150

HOUSE = sorted([ROOT / "app.py", *(ROOT / "analysis").rglob("*.py"), *(ROOT / "pages").rglob("*.py")])
SAMPLE = sorted((ROOT / "sample_data").rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def room(file: Path) -> str:
    """The room a file is in: of analysis/ the folder or module, else the top folder or module."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "analysis" else parts[0]


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """(line, what is imported with its dots), also inside functions; `from a import b` is a.b."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(file)}:{node.lineno}: write the whole name, no relative import"
            yield from ((node.lineno, f"{node.module}.{each.name}") for each in node.names)


def rooms_imported(file: Path) -> Iterator[tuple[int, str, str]]:
    """(line, room of analysis/, what is imported)."""
    for line, name in imports(file):
        parts = name.split(".")
        if parts[0] == "analysis" and len(parts) > 1 and parts[1] in FLOORS:
            yield line, parts[1], name


# Who imports whom -----------------------------------------------------------------------------------------------


def test_every_room_has_a_floor() -> None:
    rooms = {room(file) for file in HOUSE if file.is_relative_to(ROOT / "analysis")} - {"__init__"}
    assert rooms == set(FLOORS), "a room of analysis/ needs a floor here, and a floor its room"


def test_a_floor_imports_only_from_floors_below() -> None:
    wrong = [
        f"{named(file)}:{line}: {room(file)} (floor {FLOORS[room(file)]}) imports {name} (floor {FLOORS[other]})"
        for file in HOUSE
        if room(file) in FLOORS
        for line, other, name in rooms_imported(file)
        if other != room(file) and FLOORS[other] >= FLOORS[room(file)]
    ]
    assert not wrong, "\n".join(wrong)


def test_questions_never_import_each_other() -> None:
    wrong = [
        f"{named(file)}:{line}: a question imports {name}; what both need belongs to a floor below"
        for file in HOUSE
        if room(file) == "questions" and file.name != "__init__.py"
        for line, other, name in rooms_imported(file)
        if other == "questions"
    ]
    assert not wrong, "\n".join(wrong)


def test_nobody_imports_the_tests_the_pages_or_the_sample() -> None:
    above = {"tests", "pages", "sample_data", "app"}
    wrong = [
        f"{named(file)}:{line}: imports {name}"
        for file in HOUSE
        for line, name in imports(file)
        if name.split(".")[0] in above - ({"pages"} if room(file) in ("app", "pages") else set())
    ]
    assert not wrong, "\n".join(wrong)


def test_the_sample_knows_only_the_roles() -> None:
    wrong = [
        f"{named(file)}:{line}: imports {name}; of the house the sample may use analysis.core.roles alone"
        for file in SAMPLE
        for line, name in imports(file)
        if name.split(".")[0] in ("analysis", "pages", "tests", "app") and not name.startswith("analysis.core.roles.")
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", ROOMS_OF)
def test_a_library_stays_in_its_rooms(library: str) -> None:
    wrong = [
        f"{named(file)}:{line}: {library} may appear only in {', '.join(sorted(ROOMS_OF[library]))}"
        for file in HOUSE
        for line, name in imports(file)
        if name.split(".")[0] == library and room(file) not in ROOMS_OF[library]
    ]
    assert not wrong, "\n".join(wrong)


def test_the_core_stands_on_numpy_and_polars_alone() -> None:
    allowed = {"core": {"numpy", "polars", "analysis"}, "metrics": {"numpy", "polars", "scipy", "analysis"}}
    wrong = [
        f"{named(file)}:{line}: {room(file)} may not import {name}"
        for file in HOUSE
        for line, name in imports(file)
        if room(file) in allowed
        and (
            name.split(".")[0] not in sys.stdlib_module_names | allowed[room(file)]
            or (name.split(".")[0] == "scipy" and not name.startswith("scipy.special"))
        )
    ]
    assert not wrong, "\n".join(wrong)


def test_scipy_in_the_metrics_is_imported_where_it_is_used() -> None:
    wrong = [
        f"{named(file)}:{node.lineno}: import scipy inside the function that needs it"
        for file in HOUSE
        if room(file) == "metrics"
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom) and "scipy" in ast.unparse(node)
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_builds_objects_from_bytes() -> None:
    wrong = [
        f"{named(file)}:{line}: {name} runs what a file tells it to"
        for file in HOUSE
        for line, name in imports(file)
        if name.split(".")[0] in FORBIDDEN_MODULES - PICKLES.get(named(file), set())
    ]
    assert not wrong, "\n".join(wrong)


def test_the_frame_starts_without_the_heavy_libraries() -> None:
    code = "import sys, pages.ui.frame; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    heavy = [name for name in HEAVY if name in loaded]
    assert not heavy, f"importing pages.ui.frame loads {heavy}: import them in the function that needs them"


# What a file looks like -----------------------------------------------------------------------------------------


def test_there_is_no_attic() -> None:
    attics = [named(file) for file in HOUSE + SAMPLE if re.search(r"util|helper|misc|common", file.stem)]
    assert not attics, f"a file is called after the noun it owns: {attics}"


def test_modules_are_short() -> None:
    long = {named(file): len(file.read_text(encoding="utf-8").splitlines()) for file in HOUSE + SAMPLE}
    long = {name: lines for name, lines in long.items() if lines > LONGEST_MODULE}
    assert not long, f"more than {LONGEST_MODULE} lines: {long}; find the second noun and give it a file"


# What a page may not do -----------------------------------------------------------------------------------------


def test_every_page_has_a_card_and_a_place_of_its_own() -> None:
    found = cards()
    assert [card.stem for card in found] == [card.stem for card in sorted(found, key=lambda card: card.order)]
    assert {card.stem for card in found} == {file.stem for file in PAGES}
    assert len({card.order for card in found}) == len(found), "two pages claim the same place in the menu"
    assert CARD.match("nothing of the kind") is None


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_a_page_computes_nothing(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_PAGE, "a page that reaches 150 lines is two pages"
    wrong = [
        f"line {line}: imports {name}" for line, name in imports(file) if name.split(".")[0] in ("polars", "numpy")
    ]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Try):
            wrong.append(f"line {node.lineno}: `try`; the frame has the one error boundary")
        if isinstance(node, ast.Lambda) and any(isinstance(part, ast.BinOp) for part in ast.walk(node)):
            wrong.append(f"line {node.lineno}: a lambda that calculates; a question owes this number")
    assert not wrong, f"{named(file)}: " + "; ".join(wrong)


def test_no_markup_of_our_own_reaches_the_browser() -> None:
    wrong = [
        f"{named(file)}: {word}"
        for file in HOUSE
        for word in FORBIDDEN_WORDS
        if word in file.read_text(encoding="utf-8")
    ]
    markup = {"pages/ui/theme.py", "pages/ui/frame.py"}
    wrong += [
        f"{named(file)}:{node.lineno}: st.html belongs to the theme and the frame"
        for file in HOUSE
        if named(file) not in markup
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "html" and ast.unparse(node.value) == "st"
    ]
    assert not wrong, "\n".join(wrong)


# What the repository says ---------------------------------------------------------------------------------------


def test_every_locked_library_is_hashed_and_no_index_is_named() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"https?://|--(extra-)?index|--find-links|--trusted", text), "the lock names an index"
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).strip())
    bare = [
        entry.splitlines()[0]
        for entry in entries
        if not re.match(r"[\w.\[\]-]+==\S+.*--hash=sha256:", entry, re.DOTALL)
    ]
    assert len(entries) > 20
    assert not bare, f"not pinned with a hash: {bare}"


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE))
    asked = ["make", "--no-print-directory", "help"]
    shown = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^  make ([a-z-]+) +\S", shown.stdout, re.MULTILINE)) == targets
    phony = re.search(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == targets


def repository() -> list[Path]:
    """The files git keeps or would keep, where they are text; binary files and the lock have nothing to say."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    ran = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True)
    if ran.returncode:
        pytest.skip("this is no git checkout, so what belongs to the repository cannot be told")
    files = [ROOT / name for name in ran.stdout.split("\0") if name and name != "requirements.lock"]
    return [file for file in files if file.is_file() and b"\0" not in file.read_bytes()[:4096]]


def test_the_repository_speaks_of_no_machine_and_only_of_itself() -> None:
    machine = re.compile(r"(?<![\w.~/-])/(?:work|root|home|Users)(?:/|\b)(?!\w)")
    outside = "../" + "shared"
    wrong = []
    for file in repository():
        if file == Path(__file__):
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if machine.search(line) or outside in line:
                wrong.append(f"{named(file)}:{number}: {line.strip()[:120]}")
    assert not wrong, "a path of one machine, or a word about something outside:\n" + "\n".join(wrong)
