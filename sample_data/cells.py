"""Cells: faults of how single cells and whole columns are written."""

import numpy as np

from sample_data.fault import Scene, Touch, fault, some
from sample_data.world import Batch

FIRST = ("anna", "omar", "lena", "piotr", "maria", "jonas", "aisha", "henrik")
LAST = ("berg", "costa", "novak", "silva", "weber", "lund", "moreau", "rossi")
TEXTS = 1000
"""Note codes from here on stand for a text of their own."""


def replaced(
    scene: Scene, batch: Batch, slot: str, candidates: np.ndarray, values: tuple[str, ...], rate: float
) -> np.ndarray:
    """Put one of these values into some cells of a choice; (n,) which."""
    rng = scene.rng(slot)
    chosen = some(rng, candidates, rate, least=2 * len(values))
    codes = np.array([scene.code(slot, value) for value in values])
    batch.columns[slot] = np.where(chosen, codes[rng.integers(0, len(codes), batch.n)], batch.columns[slot])
    return chosen


def among(column: str, values: tuple[str, ...]) -> str:
    return f"{column} in ({', '.join(repr(value) for value in values)})"


@fault("cells", "spelled_missing", "Missing values spelled out")
def spelled_missing(scene: Scene, batch: Batch) -> Touch:
    missing = scene.schema.missing
    chosen = replaced(scene, batch, "work", np.ones(batch.n, dtype=bool), missing, 0.018)
    expect = "These texts mean missing and should not count as values."
    return Touch(("work",), chosen, expect, among(scene.name("work"), missing), chosen, {"spellings": list(missing)})


@fault("cells", "spelled_missing_number", "Missing values spelled out in a column of numbers")
def spelled_missing_number(scene: Scene, batch: Batch) -> Touch:
    missing = scene.schema.missing[:1]
    chosen = replaced(scene, batch, "household", np.ones(batch.n, dtype=bool), missing, 0.004)
    expect = "A column of whole numbers but for this text, which turns it into text unless it is read as missing."
    where = scene.equals("household", missing[0])
    return Touch(("household",), chosen, expect, where, chosen, {"spellings": list(missing)})


@fault("cells", "spellings", "One category spelled in several ways")
def spellings(scene: Scene, batch: Batch) -> Touch:
    variants = scene.schema.spellings
    plain = variants[0].strip().casefold()
    same = np.array([value.strip().casefold() == plain for value in scene.values("device")])[batch.columns["device"]]
    chosen = replaced(scene, batch, "device", same, variants, 0.02)
    expect = "The same value but for upper and lower case or a space at an end."
    size = {"spellings": list(variants), "of": next(iter(scene.schema.choices["device"]))}
    return Touch(("device",), chosen, expect, among(scene.name("device"), variants), chosen, size)


@fault("cells", "future_dates", "Dates in the future")
def future_dates(scene: Scene, batch: Batch) -> Touch:
    chosen = some(scene.rng("future_dates"), np.ones(batch.n, dtype=bool), 0.0007)
    days = 13_149  # 36 years, so that 2026 reads 2062
    batch.columns["begun"] = batch.columns["begun"] + days * chosen
    where = f"{scene.name('begun')} >= '2040-01-01'"
    expect = "The date lies decades ahead and after the time of the row itself."
    return Touch(("begun",), chosen, expect, where, chosen, {"days_added": days})


def written(scene: Scene, batch: Batch, code: str, rate: float, phone: int) -> np.ndarray:
    """Put a text of its own into some notes that hold none yet; (n,) which."""
    rng = scene.rng(code)
    chosen = some(rng, batch.columns["note"] < TEXTS, rate)
    texts = TEXTS + 1000 * rng.integers(0, len(FIRST) * len(LAST), batch.n) + phone
    batch.columns["note"] = np.where(chosen, texts, batch.columns["note"])
    return chosen


@fault("cells", "e_mail_addresses", "E-mail addresses in notes")
def e_mail_addresses(scene: Scene, batch: Batch) -> Touch:
    chosen = written(scene, batch, "e_mail_addresses", 0.002, 0)
    where = f"{scene.name('note')} contains '@example.org'"
    return Touch(("note",), chosen, "Personal data in a free text: an e-mail address.", where, chosen)


@fault("cells", "telephone_numbers", "Telephone numbers in notes")
def telephone_numbers(scene: Scene, batch: Batch) -> Touch:
    chosen = written(scene, batch, "telephone_numbers", 0.001, 1)
    where = f"{scene.name('note')} contains '+44 20'"
    return Touch(("note",), chosen, "Personal data in a free text: a telephone number.", where, chosen)


def personal_text(code: int) -> str:
    """The note that a code of `written` stands for."""
    who, phone = divmod(code - TEXTS, 1000)
    first, last = FIRST[who // len(LAST)], LAST[who % len(LAST)]
    if phone:
        return f"Call back on +44 20 7946 {who:04d}."
    return f"Send papers to {first}.{last}@example.org."


@fault("cells", "constant_column", "A column with one value")
def constant_column(scene: Scene, batch: Batch) -> Touch:
    expect = "Every row holds the same value."
    return Touch(("constant",), np.ones(batch.n, dtype=bool), expect, size={"value": scene.schema.constant})


@fault("cells", "id_like_column", "A column with a value of its own for nearly every row")
def id_like_column(scene: Scene, batch: Batch) -> Touch:
    expect = "Nearly as many values as rows: an identifier, no feature; only copied rows repeat one."
    return Touch(("token",), np.ones(batch.n, dtype=bool), expect)
