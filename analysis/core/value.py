"""Values: what each kind of decision is worth, in any currency: a fixed sum, a share of the row's amount, or both."""

from dataclasses import dataclass

from analysis.core import words
from analysis.core.errors import BadRequest

KINDS = ("tp", "fp", "fn", "tn")
TITLES = {"tp": "a hit", "fp": "a false alarm", "fn": "a miss", "tn": "a row rightly left alone"}


@dataclass(frozen=True)
class Values:
    """What a decision is worth: fixed[kind] + share[kind] * amount, kinds in the order tp, fp, fn, tn.

    Gains are positive, costs negative.
    """

    fixed: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    share: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    @property
    def of_amounts(self) -> bool:
        """Whether any decision's worth depends on the row's amount."""
        return any(self.share)

    @property
    def given(self) -> bool:
        return any(self.fixed) or any(self.share)

    def sentence(self) -> str:
        """In words, the kinds that are worth something."""
        said = []
        for kind, fixed, share in zip(KINDS, self.fixed, self.share, strict=True):
            parts = [words.minus(f"{fixed:,.12g}")] if fixed or not share else []
            parts += [f"{words.number(share, 'share')} of the amount"] if share else []
            if fixed or share:
                said.append(f"{TITLES[kind]} is worth {' plus '.join(parts)}")
        return words.listed(said) or "every decision is worth nothing"

    def to_dict(self) -> dict[str, dict[str, float]]:
        return {
            kind: {"fixed": fixed, "share of amount": share}
            for kind, fixed, share in zip(KINDS, self.fixed, self.share, strict=True)
        }


def read_values(fixed: str | None, share: str | None) -> Values:
    """Values from two lists like `tp=100,fp=-5`: fixed sums, and multiples of the amount.

    >>> read_values("tp=100,fp=-5", "fn=-1").share
    (0.0, 0.0, -1.0, 0.0)
    """
    return Values(_four(fixed, "--value"), _four(share, "--amount"))


def _four(text: str | None, option: str) -> tuple[float, float, float, float]:
    found = dict.fromkeys(KINDS, 0.0)
    for part in (text or "").split(","):
        if not part.strip():
            continue
        kind, mark, number = (each.strip() for each in part.partition("="))
        try:
            worth = float(number)
        except ValueError:
            worth = float("nan")
        if kind not in KINDS or not mark or worth != worth or abs(worth) == float("inf"):
            raise BadRequest(f"{option} is written tp=NUMBER,fp=NUMBER,fn=NUMBER,tn=NUMBER, not '{part.strip()}'.")
        found[kind] = worth
    return found["tp"], found["fp"], found["fn"], found["tn"]
