"""Pickled models, joblib's included: off unless an operator turns them on. Only in a worker process.

A pickle is a program: opening one runs what its author put in, and no list of allowed types keeps that from happening
(skops exists because of it). The worker's walls bound its memory and time, but not what it reads, whom it calls
or which programs it starts: it runs as the user of the app. So the setting `model_pickles` is for people who make the
files themselves, on their own machine; where others could upload one, wherever `access` is not local, it has no effect.
The file is never opened in the app's own process. This is the one module that may import joblib.
"""

import io
import warnings
from importlib.metadata import version

from analysis.core.errors import BadFile
from analysis.store.estimator import Estimator
from analysis.store.onnxmodel import first_line


class PickleModel(Estimator):
    """An estimator from a pickle or joblib file. BadFile where it cannot be opened or cannot predict."""

    def __init__(self, content: bytes) -> None:
        import joblib

        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                model = joblib.load(io.BytesIO(content))
        except MemoryError:
            raise
        except Exception as error:
            raise BadFile(f"The pickle cannot be opened: {first_line(error)}.") from error
        notes = ["It was opened as a pickle, which ran the code in it: an operator allowed that (model_pickles)."]
        notes += [first_line(each.message) for each in said if isinstance(each.message, Warning)]
        versions = {"scikit-learn": version("scikit-learn"), "joblib": joblib.__version__}
        super().__init__(model, versions, notes, "pickle")
