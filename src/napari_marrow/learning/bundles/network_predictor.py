"""The predictor of networks."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.learning.bundles.predictor import Observation, Predictor
from napari_marrow.learning.onnx.choice import Choice, choose_engine, other_engines
from napari_marrow.learning.onnx.inference import OnnxRuntime, run_network

if TYPE_CHECKING:
    from napari_marrow.learning.adaptation.shift import Adaptation
    from napari_marrow.learning.units.samples import Units


class NetworkPredictor(Predictor):
    """Classifies by the pixels of tiles or crops, and of some networks by features, too."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._choosing = Lock()
        if not other_engines(self._wanted, len(self._model)):
            self._choice  # noqa: B018 - costs nothing, and the file's bytes go

    @property
    def engine(self) -> Choice:
        """What runs the network."""
        with self._choosing:  # several threads ask for it
            return self._choice

    @cached_property
    def _choice(self) -> Choice:
        shapes = self._input_shapes()
        model, self._model = self._model, b""
        return choose_engine(model, OnnxRuntime(self._session), shapes, self._wanted)

    def _input_shapes(self) -> list[list[int]]:
        side, features = self._info.preprocessing.input_size, self._info.features
        return [[side, side, 3], *([[len(features)]] if features else [])]

    @property
    def _is_plain(self) -> bool:
        """Whether a network of pixels alone answers the same, whatever the batch."""
        return not self._info.acquisitions and not self._info.features

    def _observe(self, image, nuclei):
        from napari_marrow.learning.adaptation.density import measure_density
        from napari_marrow.learning.units.samples import cut_units

        units = cut_units(image, nuclei, self._info.preprocessing)
        missing = np.zeros(len(units.table))
        if self._is_plain:
            kept = units if self._conformal is not None else None
            return units.table, self._run(units), missing, kept
        values = measure_density(units)
        if self._info.features:
            measured = self._measure(image, nuclei).set_index("index")
            rows = measured.loc[units.table["index"], list(self._info.features)]
            features = rows.to_numpy(np.float64)  # as at training, where they are standardised
            values, missing = np.hstack([features, values]), np.isnan(features).mean(axis=1)
        return units.table, values, missing, units

    def inputs(self, image: NDArray[np.uint8], nuclei: NDArray[np.integer] | None) -> Units:
        """Return the units of a photograph by itself as the network sees them."""
        from napari_marrow.learning.units.samples import cut_units

        if self._is_plain:
            return cut_units(image, nuclei, self._info.preprocessing)
        seen = self.observe(image, nuclei)
        return self._samples(seen, self.adaptation([seen]))

    def ask(
        self, images: NDArray[np.uint8], features: NDArray[np.float32] | None = None
    ) -> NDArray[np.float64]:
        """Return the probabilities, (n, classes), of images as the network sees them."""
        return run_network(self.engine.engine, images, features)

    def _samples(self, seen: Observation, adaptation: Adaptation) -> Units:
        """Return the samples as the network sees them."""
        from napari_marrow.learning.adaptation.density import standardize_density

        assert seen.samples is not None  # they are kept wherever they are asked for
        found, statistics = seen.samples, adaptation.statistics_for(seen.photograph)
        if statistics is not None:
            found = standardize_density(found, statistics[0][-1:])
        if not self._info.features:
            return found
        values = adaptation.transform(seen.values, seen.photograph)[:, :-1]
        return replace(found, features=values.astype(np.float32))

    def _probabilities(self, seen, adaptation):
        return seen.values if self._is_plain else self._run(self._samples(seen, adaptation))

    def _measurements(self, seen, adaptation):
        from napari_marrow.learning.units.samples import measurements

        return measurements(self._samples(seen, adaptation))

    def _run(self, units: Units) -> NDArray[np.float64]:
        answers = self.ask(units.images, units.image_features)
        return units.mean_over_images(answers)
