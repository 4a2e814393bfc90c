"""The predictor of classical models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_marrow.learning.bundles.predictor import Predictor
from napari_marrow.learning.onnx.choice import DEFAULT, Choice
from napari_marrow.learning.onnx.inference import OnnxRuntime, run_classical


class ClassicalPredictor(Predictor):
    """Classifies by measured features."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._model = b""  # no other engine reads it

    @property
    def engine(self) -> Choice:
        """ONNX Runtime: no other engine has the operators of these models."""
        note = ""
        if self._wanted not in ("auto", DEFAULT):
            note = f"ONNX Runtime alone runs {self._info.settings.model}, on the CPU."
        return Choice(DEFAULT, OnnxRuntime(self._session), note)

    def inputs(
        self, image: NDArray[np.uint8], nuclei: NDArray[np.integer] | None
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the numbers of the units of a photograph by itself, and their features.

        These are standardised as the model takes them: see :meth:`ask`.
        """
        seen = self.observe(image, nuclei)
        adaptation = self.adaptation([seen])
        return seen.units["index"].to_numpy(np.intp), self._measurements(seen, adaptation)

    def ask(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities, (n, classes), of features as the model takes them."""
        return run_classical(self._session, values.astype(np.float32))

    def _input_shapes(self) -> list[list[int]]:
        return [[len(self._info.features)]]

    def _observe(self, image, nuclei):
        units = self._measure(image, nuclei)
        values = units[list(self._info.features)].to_numpy(np.float32).astype(np.float64)
        return units, values, np.isnan(values).mean(axis=1), None

    def _probabilities(self, seen, adaptation):
        return self.ask(self._measurements(seen, adaptation))

    def _measurements(self, seen, adaptation):
        return adaptation.transform(seen.values, seen.photograph)
