"""The predictor of classical models."""

from __future__ import annotations

import numpy as np

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

    def _input_shapes(self) -> list[list[int]]:
        return [[len(self._info.features)]]

    def _observe(self, image, nuclei):
        units = self._measure(image, nuclei)
        values = units[list(self._info.features)].to_numpy(np.float32).astype(np.float64)
        return units, values, np.isnan(values).mean(axis=1), None

    def _probabilities(self, seen, adaptation):
        values = adaptation.transform(seen.values, seen.photograph)
        return run_classical(self._session, values.astype(np.float32))

    def _measurements(self, seen, adaptation):
        return adaptation.transform(seen.values, seen.photograph)
