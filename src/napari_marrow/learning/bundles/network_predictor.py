"""The predictor of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.learning.bundles.predictor import Observation, Predictor
from napari_marrow.learning.onnx.inference import run_network

if TYPE_CHECKING:
    from napari_marrow.learning.adaptation.shift import Adaptation
    from napari_marrow.learning.units.samples import Units


class NetworkPredictor(Predictor):
    """Classifies by the pixels of tiles or crops."""

    def _input_shape(self) -> list[int]:
        side = self._info.preprocessing.input_size
        return [side, side, 3]

    def _observe(self, image, nuclei):
        from napari_marrow.learning.adaptation.density import measure_density
        from napari_marrow.learning.units.samples import cut_units

        units = cut_units(image, nuclei, self._info.preprocessing)
        missing = np.zeros(len(units.table))
        kept = units if self._info.acquisitions or self._conformal is not None else None
        if self._info.acquisitions:
            return units.table, measure_density(units), missing, kept
        return units.table, self._run(units), missing, kept

    def _samples(self, seen: Observation, adaptation: Adaptation) -> Units:
        """Return the samples as the network sees them."""
        from napari_marrow.learning.adaptation.density import standardize_density

        assert seen.samples is not None  # they are kept wherever they are asked for
        found = adaptation.statistics_for(seen.photograph)
        return seen.samples if found is None else standardize_density(seen.samples, found[0])

    def _probabilities(self, seen, adaptation):
        if not self._info.acquisitions:
            return seen.values
        return self._run(self._samples(seen, adaptation))

    def _measurements(self, seen, adaptation):
        from napari_marrow.learning.units.samples import measure_appearance

        return measure_appearance(self._samples(seen, adaptation))

    def _run(self, units: Units) -> NDArray[np.float64]:
        return units.mean_over_images(run_network(self._session, units.images))
