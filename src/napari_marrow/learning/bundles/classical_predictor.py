"""The predictor of classical models."""

from __future__ import annotations

import numpy as np

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.bundles.predictor import Predictor
from napari_marrow.learning.onnx.inference import run_classical


class ClassicalPredictor(Predictor):
    """Classifies by measured features."""

    def _input_shape(self) -> list[int]:
        return [len(self._info.features)]

    def _observe(self, image, nuclei):
        from napari_marrow.learning.units.feature_table import measure

        units = measure(image, nuclei, self._info.preprocessing.features)
        features = list(self._info.features)
        if unknown := sorted(set(features) - set(units.columns)):
            raise MarrowError(
                f"{self._path.parent} takes the feature {unknown[0]}, which this version does not "
                "measure; use the version of napari-marrow that made it, or train again."
            )
        values = units[features].to_numpy(np.float32).astype(np.float64)
        return units, values, np.isnan(values).mean(axis=1), None

    def _probabilities(self, seen, adaptation):
        values = adaptation.transform(seen.values, seen.photograph)
        return run_classical(self._session, values.astype(np.float32))

    def _measurements(self, seen, adaptation):
        return adaptation.transform(seen.values, seen.photograph)
