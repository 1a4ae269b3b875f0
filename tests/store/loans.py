"""A small table every store test can afford, and what its columns mean."""

from analysis.core.roles import ModelColumns, Roles

ROLES = Roles(id=("id",), label="defaulted", models=(ModelColumns("m", scores=((None, "score"),)),), positive="1")


def loans(rows: int, *, seed: int = 0) -> str:
    """A CSV of id, defaulted, score, region and note. Another seed: other bytes of about the same length."""
    lines = [
        f"{row},{(row * 7 + seed) % 3 % 2},{(row * 37 + seed) % 100 / 100},{'NESW'[row % 4]},note {row * 7919 + seed}"
        for row in range(rows)
    ]
    return "\n".join(["id,defaulted,score,region,note", *lines]) + "\n"
