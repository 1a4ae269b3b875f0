"""What a cube holds of the scores of more than two classes, besides their histograms."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ranks:
    """Where the label's score stands among the scores of all classes.

    n, w, w2: (G, C) counts, sums of weights and of squared weights of labelled rows with every score, by rank less
    one: 0 is the highest score. Of equal scores the later class is the higher one, as in scikit-learn.
    """

    n: np.ndarray
    w: np.ndarray
    w2: np.ndarray
    weighted: bool = False


@dataclass(frozen=True)
class Moments:
    """How the codes of all classes' scores go together, by actual class. Counts, without weights.

    n: (G, C) labelled rows of each class with every score; first: (G, C, C) sums of the codes b[c] of rows of class k,
    at [g, k, c]; second: (G, C, C, C) sums of b[c] b[d], at [g, k, c, d].
    """

    n: np.ndarray
    first: np.ndarray
    second: np.ndarray
