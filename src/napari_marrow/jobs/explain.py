"""The job that finds where a network looks in one cell: Grad-CAM, and occlusion that checks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from napari_marrow.data.progress import never
from napari_marrow.jobs.events import Emit, ShouldStop, progress_callback, silent
from napari_marrow.learning.bundle_files import WEIGHTS
from napari_marrow.learning.bundles.bundle import Bundle, load_bundle
from napari_marrow.learning.explaining.cell_maps import CellMaps, SeenCell, cover_cell, see_cell
from napari_marrow.learning.explaining.heat_maps import Map

N_DRAWS = 5
"""How often the last layer is drawn anew."""
SEEN_FRACTION, OCCLUDED_FRACTION = 0.1, 0.6
"""Fractions of the time after which the cell is cut out, and after which it was covered."""
NO_PLACES = "This network has no convolution that keeps places apart, so there is no Grad-CAM."
OF_EMBEDDING = "This network is one of an ONNX embedding, of which there is no Grad-CAM."


@dataclass(frozen=True)
class ExplainJob:
    """Find where in a cell a network looks.

    Attributes
    ----------
    bundle
        The .marrow folder.
    picture
        An ``.npz`` file with the photograph, ``image`` (height, width, 3), and its ``nuclei``.
    index
        Number of the cell.
    out
        The ``.npz`` file to write, see :meth:`.CellMaps.write`.
    """

    bundle: Path
    picture: Path
    index: int
    out: Path

    def to_dict(self) -> dict[str, object]:
        """Return the job as JSON, for the child process."""
        return {name: x if isinstance(x, int) else str(x) for name, x in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping) -> ExplainJob:
        """Return the job that :meth:`to_dict` stored."""
        paths = {name: Path(values[name]) for name in ("bundle", "picture", "out")}
        return cls(index=int(values["index"]), **paths)


def run_explanation(
    job: ExplainJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> CellMaps:
    """Find where a network looks in a cell, and write it down.

    Not for napari's process: it starts Keras.

    Raises
    ------
    MarrowError
        When the model is no network of cells, or there is no such cell.
    Stopped
        When ``should_stop`` returned True.
    """
    progress = progress_callback(emit, should_stop)
    bundle = load_bundle(job.bundle)
    progress(0, "Cutting out the cell")
    with np.load(job.picture) as picture:
        seen = see_cell(bundle, picture["image"], picture["nuclei"], job.index)
    span = OCCLUDED_FRACTION - SEEN_FRACTION
    occlusion = cover_cell(
        bundle,
        seen,
        lambda part: progress(SEEN_FRACTION + part * span, "Covering each part of the cell"),
    )
    progress(OCCLUDED_FRACTION, "Starting Keras")
    heat, drawn, why = find_grad_cam(bundle, seen)
    maps = CellMaps.of(bundle.info.classes, seen, occlusion, heat, drawn, why)
    maps.write(job.out)
    return maps


def find_grad_cam(bundle: Bundle, seen: SeenCell) -> tuple[Map | None, list[Map], str]:
    """Return Grad-CAM, those of other last layers, and why there is none."""
    from safetensors.numpy import load

    from napari_marrow.learning.network_training.import_keras import start_keras
    from napari_marrow.learning.network_training.rebuild import rebuild

    info = bundle.info
    if info.settings.has_embedding:
        return None, [], OF_EMBEDDING
    start_keras()
    from napari_marrow.learning.network_training.grad_cam import grad_cam, randomised_grad_cam

    network = rebuild(
        info.settings, len(info.classes), bundle.read(WEIGHTS, load), len(info.features)
    )
    heat = grad_cam(network, seen.image, seen.answer, seen.features)
    if heat is None:
        return None, [], NO_PLACES
    drawn = randomised_grad_cam(network, seen.image, seen.answer, seen.features, draws=N_DRAWS)
    return heat, drawn, ""
