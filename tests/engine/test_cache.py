"""The cube cache: shared, bounded, and never believed when damaged."""

import os
import threading

import numpy as np
import polars as pl
import pytest

from analysis.engine.cache import CubeCache, Recent
from analysis.engine.duckdb import Engine
from analysis.engine.query import Query
from analysis.questions import measure
from tests.engine.contract import table
from tests.engine.making import Folder, facts

FRAME = pl.DataFrame({"k0": ["a", None], "n": [1, 2]})


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    yield made
    made.close()


@pytest.fixture
def cache(tmp_path):
    return CubeCache(tmp_path)


def files(folder):
    return sorted(folder.glob("*"))


def test_what_was_put_is_found_by_another(cache, tmp_path):
    assert cache.get("e", "SELECT 1") is None
    cache.put("e", "SELECT 1", FRAME)
    assert CubeCache(tmp_path).get("e", "SELECT 1").equals(FRAME)
    assert cache.get("e", "SELECT 2") is None
    assert cache.get("other", "SELECT 1") is None
    assert [file.name.startswith("e-") and file.suffix == ".arrow" for file in files(tmp_path)] == [True]


@pytest.mark.parametrize("damage", [b"", b"not arrow", None])
def test_a_damaged_entry_is_missing_and_made_again(cache, tmp_path, damage):
    cache.put("e", "s", FRAME)
    file = files(tmp_path)[0]
    kept = file.read_bytes()
    file.write_bytes(kept[: len(kept) // 2] if damage is None else damage)
    assert cache.get("e", "s") is None
    cache.put("e", "s", FRAME)
    assert cache.get("e", "s").equals(FRAME)


def test_the_least_recently_used_go_first(cache, tmp_path, monkeypatch):
    big = pl.DataFrame({"n": np.random.default_rng(1).random(300_000)})
    for place in range(3):
        before = set(files(tmp_path))
        cache.put("e", f"s{place}", big)
        (file,) = set(files(tmp_path)) - before
        os.utime(file, (1_700_000_000 + place, 1_700_000_000 + place))
    size = file.stat().st_size
    assert cache.get("e", "s0") is not None  # used just now
    monkeypatch.setenv("ASSAY_CUBE_CACHE_MB", str((4 * size >> 20) - 1))
    cache.put("e", "s3", big)
    assert cache.get("e", "s1") is None
    assert cache.get("e", "s2") is not None
    assert cache.get("e", "s0") is not None
    assert cache.get("e", "s3") is not None
    assert sum(file.stat().st_size for file in files(tmp_path)) <= (4 * size >> 20) - 1 << 20


def test_many_small_ones_stay_within_the_size_too(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_CUBE_CACHE_MB", "1")
    small = pl.DataFrame({"n": np.random.default_rng(2).random(2_000)})
    for place in range(200):
        cache.put("e", f"s{place}", small)
        assert sum(file.stat().st_size for file in files(tmp_path)) <= 1 << 20
    assert len(files(tmp_path)) > 50
    assert cache.get("e", "s199") is not None


def test_a_folder_that_cannot_be_written_costs_no_answer(tmp_path):
    missing = CubeCache(tmp_path / "nowhere")
    missing.put("e", "s", FRAME)
    assert missing.get("e", "s") is None


def test_recent_keeps_what_fits_and_lets_the_oldest_go():
    kept = Recent(10)
    for name in "abc":
        kept.put(name, name, 4)
    assert kept.get("a") is None
    assert (kept.get("b"), kept.get("c")) == ("b", "c")
    kept.get("b")
    kept.put("d", "d", 4)
    assert kept.get("c") is None
    assert kept.get("b") == "b"
    kept.put("huge", "huge", 11)
    assert kept.get("huge") is None
    assert kept.get("b") == "b"


def test_recent_stays_within_its_size_under_many_threads():
    kept = Recent(100)

    def fill(first):
        for place in range(300):
            kept.put((first, place), place, 7)
            kept.get((first, place - 1))

    threads = [threading.Thread(target=fill, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = [kept.get((first, place)) for first in range(8) for place in range(300)]
    assert sum(value is not None for value in held) == 14


def test_another_engine_reads_the_cubes_and_gets_identical_numbers(folder):
    given, roles = table("binary", True)
    made = facts(folder, given, task="binary", roles=roles)
    first = measure(Engine(folder).open(made), by=["region"])
    assert not first.receipt.cached
    again = measure(Engine(folder).open(made), by=["region"])
    assert again.receipt.cached
    assert again.frame.equals(first.frame)
    assert again.receipt.id == first.receipt.id


def test_damaged_cubes_change_no_number(folder):
    given, roles = table("regression", False)
    made = facts(folder, given, task="regression", roles=roles)
    first = measure(Engine(folder).open(made))
    cubes = files(folder.root / "cubes")
    assert cubes
    for file in cubes:
        file.write_bytes(file.read_bytes()[:50])
    again = measure(Engine(folder).open(made))
    assert not again.receipt.cached
    assert again.frame.equals(first.frame)
    assert measure(Engine(folder).open(made)).receipt.cached


def test_a_cube_is_kept_for_its_own_question_only(folder):
    given, roles = table("binary", False)
    made = Engine(folder).open(facts(folder, given, task="binary", roles=roles))
    plain = made.ask(Query("m", frozenset({"decisions"})))
    decided = made.ask(Query("m", frozenset({"decisions"}), threshold=0.9))
    assert plain.cube.confusion.n.tolist() != decided.cube.confusion.n.tolist()
    assert made.ask(Query("m", frozenset({"decisions"}), threshold=0.9)).cached
