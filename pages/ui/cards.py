"""Cards: a page's docstring says its icon, title, purpose, section and order; the menu is read from them."""

import ast
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PAGES = Path(__file__).resolve().parents[1]
CARD = re.compile(
    r":material/(?P<icon>\w+): (?P<title>[^-\n]+?) - (?P<purpose>[^\n]+)"
    r"\n+section: (?P<section>\w+), order: (?P<order>\d+)"
)


@dataclass(frozen=True)
class Card:
    """What the menu knows of a page. stem: file name and URL."""

    stem: str
    icon: str
    title: str
    purpose: str
    section: str
    order: int


@lru_cache
def cards() -> tuple[Card, ...]:
    """Every page's card, in menu order; ValueError for a page whose docstring is none."""
    found = []
    for file in sorted(PAGES.glob("*.py")):
        text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        match = CARD.match(text)
        if match is None:
            raise ValueError(
                f"{file.name} has no card: ':material/icon: Title - purpose.', then 'section: S, order: N'"
            )
        found.append(
            Card(file.stem, match["icon"], match["title"], match["purpose"], match["section"], int(match["order"]))
        )
    return tuple(sorted(found, key=lambda card: card.order))
