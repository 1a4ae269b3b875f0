"""skops models: scikit-learn estimators, loaded by skops with a constant list of types. Only in a worker process."""

import io
import warnings
import zipfile
from collections.abc import Sequence

from analysis.core import words
from analysis.core.errors import BadFile, LimitReached
from analysis.store.estimator import Estimator
from analysis.store.onnxmodel import first_line

ALLOWED = (
    "numpy.dtype",
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
)
ENTRIES, SCHEMA_MB = 200_000, 256


class SkopsModel(Estimator):
    """An estimator from a skops file. BadFile for archives that are none or hold types that are not allowed."""

    def __init__(self, content: bytes, *, trusted: Sequence[str], inflated_mb: int) -> None:
        _looked_into(content, inflated_mb)
        import sklearn
        import skops
        from skops.io import get_untrusted_types, loads

        try:
            asked = get_untrusted_types(data=content)
        except MemoryError:
            raise
        except Exception as error:
            raise BadFile(f"This is no skops file, or it is damaged: {first_line(error)}.") from error
        refused = sorted(set(asked) - {*ALLOWED, *trusted})
        if refused:
            shown = ", ".join(refused[:8]) + (f" and {len(refused) - 8} more" if len(refused) > 8 else "")
            raise BadFile(
                f"The skops file holds {words.plural(len(refused), 'type')} that could run code of their own: {shown}. "
                "An operator who has read that code may allow them by the setting model_trusted."
            )
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                model = loads(content, trusted=[*ALLOWED, *trusted])
        except MemoryError:
            raise
        except Exception as error:
            raise BadFile(f"skops cannot load this file: {first_line(error)}.") from error
        notes = [first_line(each.message) for each in said if isinstance(each.message, Warning)]
        super().__init__(model, {"scikit-learn": sklearn.__version__, "skops": skops.__version__}, notes, "skops file")


def _looked_into(content: bytes, inflated_mb: int) -> None:
    """BadFile or LimitReached by the archive's own table of contents, which bounds what reading it can give."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise BadFile("This is no skops file, or it is damaged.") from error
    sizes = {each.filename: each.file_size for each in entries}
    if "schema.json" not in sizes:
        raise BadFile("This is no skops file: the archive has no schema.json.")
    inflated = sum(each.file_size for each in entries)
    if len(entries) > ENTRIES or inflated > inflated_mb << 20 or sizes["schema.json"] > SCHEMA_MB << 20:
        raise LimitReached(
            f"The archive would inflate to {inflated >> 20:,} MB in {len(entries):,} files; {inflated_mb:,} MB is the "
            "limit (setting model_inflated_mb)."
        )
