"""Trust: what the checks of an explanation say, and the grade in words they add up to."""

from dataclasses import dataclass

import numpy as np

from analysis.core import words
from analysis.core.settings import number
from analysis.metrics.agreement import Agreement
from analysis.metrics.settling import FEWEST, OtherWidth, Settling, turned

GOOD, CARE, CANNOT, OPEN = "good", "with care", "cannot explain", "not checked yet"
FOUND, CLEAR, NOTED, NOT_APPLICABLE = "found", "clear", "noted", "not applicable"
SAME = 1e-9


@dataclass(frozen=True)
class Check:
    """One check. code: E01, E02, ... value, n: what was measured, None where nothing was. outcome: FOUND where it
    speaks against the explanation, NOTED where one should know it. hopeless: so much that nothing is explained."""

    code: str
    check: str
    outcome: str
    value: float | None
    n: int | None
    sentence: str
    hopeless: bool = False


def grade(checks: list[Check], repeats: int) -> tuple[str, list[str]]:
    """(GOOD, CARE, CANNOT or OPEN, the sentences that say why)."""
    hopeless = [each.sentence for each in checks if each.hopeless]
    if hopeless:
        return CANNOT, hopeless
    if repeats < FEWEST:
        return OPEN, []
    against = [each.sentence for each in checks if each.outcome == FOUND]
    if against:
        return CARE, against
    return GOOD, ["The line fits, what leads is settled, and other ways of looking agree."]


def local_fit(fit: float, samples: int) -> Check:
    """E01: how much of what the model does near the row the regression explains."""
    if np.isnan(fit):
        said = "The model gives the same answer to every neighbour, so no feature can be said to move it."
        return Check("E01", "local fit", FOUND, None, samples, said, True)
    share = words.number(max(fit, 0.0), "share")
    if fit < number("explain_fit_least"):
        said = f"A straight line explains only {share} of what the model does near this row: it has no local shape."
        return Check("E01", "local fit", FOUND, fit, samples, said, True)
    if fit < number("explain_fit"):
        said = f"A straight line explains only {share} of what the model does near this row."
        return Check("E01", "local fit", FOUND, fit, samples, said)
    return Check("E01", "local fit", CLEAR, fit, samples, f"A straight line explains {share} of what it does nearby.")


def signs(found: Settling, names: list[str]) -> Check:
    """E02: whether the signs of all but negligible weights are settled."""
    if found.n < FEWEST:
        return Check("E02", "signs", NOT_APPLICABLE, None, found.n, "Signs are judged from three repeats on.")
    open_ = [at for at in found.order if not found.settled[at] and not found.negligible[at]]
    settled = int(found.settled.sum())
    told = f"{settled:,} of {len(names):,} signs are settled after {words.plural(found.n, 'repeat')}"
    if not settled:
        said = f"No sign is settled after {words.plural(found.n, 'repeat')}: which way a feature pushes is chance."
        return Check("E02", "signs", FOUND, 0.0, found.n, said, True)
    if open_:
        first = [at for at in open_ if at in found.order[: found.top]]
        shown = words.listed([names[at] for at in open_[:4]]) + (" and more" if len(open_) > 4 else "")
        return Check("E02", "signs", FOUND if first else CLEAR, settled, found.n, f"{told}; not settled: {shown}.")
    small = int(found.negligible.sum())
    rest = f"; the other {f'{small:,} are' if small > 1 else 'one is'} next to nothing" if small else ""
    return Check("E02", "signs", CLEAR, settled, found.n, f"{told}{rest}.")


def ranks(found: Settling) -> Check:
    """E03: whether it is settled which features lead, and in which order."""
    lead = f"the leading {found.top}" if found.top > 1 else "the leading feature"
    if found.n < FEWEST:
        return Check("E03", "ranks", NOT_APPLICABLE, None, found.n, "Ranks are judged from three repeats on.")
    if not found.leading:
        return Check("E03", "ranks", FOUND, 0.0, found.n, f"Which features are {lead} is not settled.")
    order = "and so is their order" if found.ordered else "their order is not"
    return Check(
        "E03", "ranks", CLEAR, float(found.ordered) / 2 + 0.5, found.n, f"{lead.capitalize()} are settled, {order}."
    )


USUAL = "Put to their usual value"


def occlusion(contributions: np.ndarray, occluded: np.ndarray, order: np.ndarray, top: int, how: str = USUAL) -> Check:
    """E04: whether putting the leading features to their usual value moves the prediction the way the weights say.

    how: what is done to each of them, in words."""
    largest = max(np.abs(contributions).max(initial=0.0), np.nanmax(np.abs(occluded), initial=0.0))
    told = [at for at in order[:top] if max(abs(contributions[at]), abs(occluded[at])) > 0.01 * largest]
    if not told or largest == 0:
        return Check("E04", "occlusion", NOT_APPLICABLE, None, 0, "The leading features all have their usual values.")
    agree = sum(contributions[at] * occluded[at] > 0 for at in told)
    share = agree / len(told)
    good = share >= number("explain_agree")
    said = f"{how}, {agree:,} of the {len(told):,} leading features move the prediction as shown"
    alike = ranks_alike(np.abs(contributions), np.abs(occluded))
    said += f"; how strong they are goes together by {words.number(alike, 'ratio')} (rank correlation)."
    return Check("E04", "occlusion", CLEAR if good else FOUND, share, len(told), said)


def shap(values: np.ndarray, contributions: np.ndarray, order: np.ndarray, top: int, how: str) -> Check:
    """E09: whether SHAP values of the leading features have the signs of the contributions. values: nan where there is
    none. how: how they were made, or why they are missing."""
    told = [at for at in order[:top] if np.isfinite(values[at]) and contributions[at] * values[at] != 0]
    if not np.isfinite(values).any() or not told:
        said = "No leading feature has a SHAP value to compare with." if np.isfinite(values).any() else how
        return Check("E09", "SHAP values", NOT_APPLICABLE, None, 0, said)
    agree = sum(contributions[at] * values[at] > 0 for at in told)
    share = agree / len(told)
    said = f"SHAP values ({how}) have the same sign for {agree:,} of the {len(told):,} leading features."
    return Check("E09", "SHAP values", CLEAR if share >= number("explain_agree") else FOUND, share, len(told), said)


def ranks_alike(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation, -1 to 1; nan below two values or where one side does not vary (Spearman 1904)."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return np.nan
    ranked = [np.array([(each < x).sum() + (each == x).sum() / 2 for x in each]) for each in (one, other)]
    return float(np.corrcoef(ranked[0], ranked[1])[0, 1])


def beyond(outside: np.ndarray, names: list[str]) -> Check:
    """E05: neighbours beyond the values that occur; told, no ground for doubt of itself."""
    places = [at for at in np.argsort(-outside, kind="stable") if outside[at] > 0.05]
    if not places:
        return Check(
            "E05", "outside", CLEAR, float(outside.max(initial=0)), None, "Neighbours lie within the data's range."
        )
    shown = words.listed([f"{names[at]} ({words.number(outside[at], 'share')})" for at in places[:4]])
    said = f"Neighbours lie beyond the data's range in {shown}: there the model is asked about what never occurred."
    return Check("E05", "outside", NOTED, float(outside.max()), None, said)


def widths(found: Settling, others: list[OtherWidth], names: list[str]) -> Check:
    """E10: whether settled signs turn with the kernel width; FOUND where one of the leading does."""
    ends = [min(1.0, others[0].times), max(1.0, others[-1].times)]
    span = f"from {ends[0]:g} to {ends[1]:g} times the usual kernel width"
    if found.n < FEWEST:
        return Check("E10", "kernel widths", NOT_APPLICABLE, None, found.n, "Widths are judged from three repeats on.")
    turn = turned(found, others)
    places = [at for at in found.order if turn[at]]
    if not places:
        return Check("E10", "kernel widths", CLEAR, 0.0, found.n, f"No settled sign turns {span}.")
    shown = words.listed([names[at] for at in places[:4]]) + (" and more" if len(places) > 4 else "")
    leading = any(at in found.order[: found.top] for at in places)
    said = f"The sign of {shown} turns {span}: which way it pushes depends on how far one looks."
    return Check("E10", "kernel widths", FOUND if leading else NOTED, float(len(places)), found.n, said)


def own_words() -> Check:
    """E05 of a text."""
    said = "Neighbours are the text itself without some words, so no range of values applies."
    return Check("E05", "outside", NOT_APPLICABLE, None, None, said)


def reference(largest: float) -> Check:
    """E06: whether the lime package gives the same weights with the same seed."""
    if largest <= SAME:
        said = f"The lime package gives the same weights with this seed (largest difference {largest:.0e})."
        return Check("E06", "lime package", CLEAR, largest, None, said)
    said = f"The lime package gives other weights with this seed (largest difference {words.significant(largest)})."
    return Check("E06", "lime package", FOUND, largest, None, said)


def reproduced(found: tuple[str, Agreement] | None, prediction: float, recorded: float | None) -> Check:
    """E07: whether the model gives the recorded prediction again, of this row where there is one, else of others.

    recorded: of this row, None where nothing is.
    """
    if found is None:
        said = "Nothing recorded can be compared with the model, so this explains the model only."
        return Check("E07", "recorded", NOT_APPLICABLE, None, 0, said)
    version, agreed = found
    rows = f"of {words.plural(agreed.n, 'row')} {words.number(agreed.share, 'share')} agree"
    if recorded is None:
        same = agreed.share >= number("model_agreement")
        said = f"Nothing is recorded of this row; with {version} {rows}."
    else:
        same = abs(prediction - recorded) <= max(agreed.tolerance, 1e-6 * abs(recorded))
        both = "the recorded answer" if same else f"{words.significant(recorded)}, another answer than the model's"
        said = f"{version} gave this row {both}; {rows}."
    if not same:
        said += " This explains the model that was asked, not what was recorded."
    return Check("E07", "recorded", CLEAR if same else FOUND, agreed.share, agreed.n, said)


def surrogate(value: float, prediction: float, spread: float) -> Check:
    """E08: how far the regression is off for the row itself. spread: the largest weight."""
    off = abs(value - prediction)
    said = f"For the row itself the line gives {words.significant(value)}, the model {words.significant(prediction)}."
    return Check("E08", "surrogate", FOUND if off > spread > 0 else CLEAR, off, None, said)
