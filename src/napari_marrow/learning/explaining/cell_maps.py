"""Where a network looks in one cell, and in one sentence how far that can be believed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.crops import cut_cells, cut_masks
from napari_marrow.imaging.segmentation import segment_cytoplasm
from napari_marrow.imaging.white_point import WHITE_LEVEL, white_point
from napari_marrow.learning.bundles.bundle import Bundle
from napari_marrow.learning.bundles.network_predictor import NetworkPredictor
from napari_marrow.learning.confidence.calibration import apply_temperature
from napari_marrow.learning.explaining.heat_maps import (
    Map,
    Occlusion,
    centred_spot,
    energy_within,
    enlarged,
    occlude,
    over_patches,
    rank_correlation,
)

MIN_AGREEMENT = 0.5
"""Rank correlation with occlusion from which on a map can be believed."""
MAX_RANDOM_AGREEMENT = 0.5
"""Rank correlation with maps of a last layer drawn anew from which on it shows the image alone."""
ARRAYS = ("occlusion", "grad_cam")


@dataclass(frozen=True, eq=False)
class SeenCell:
    """A cell as a network sees it.

    Attributes
    ----------
    image
        (side, side, 3) its square, as the network takes it.
    features
        What is measured of it, of a network that takes that, too; else None.
    square
        Top, left and side of the square in the photograph, in pixels.
    nucleus, cell
        (side, side) which pixels are its nucleus, and which are nucleus or cytoplasm.
    fill
        (3,) the colour of what is no cell, as the network sees it.
    probabilities
        (classes,) what the network answers, before temperature.
    temperature
        That calibrates its answers.
    """

    image: NDArray[np.uint8]
    features: NDArray[np.float32] | None
    square: tuple[int, int, int]
    nucleus: NDArray[np.bool_]
    cell: NDArray[np.bool_]
    fill: NDArray[np.uint8]
    probabilities: NDArray[np.float64]
    temperature: float

    @property
    def answer(self) -> int:
        """Number of the most probable class."""
        return int(self.probabilities.argmax())


def network_of(bundle: Bundle) -> NetworkPredictor:
    """Return the predictor of a network that classifies cells.

    Raises
    ------
    MarrowError
        When the model is none.
    """
    predictor = bundle.predictor
    if not isinstance(predictor, NetworkPredictor):
        raise MarrowError(
            f"{bundle.path} is no network but {bundle.info.settings.model} on measured features: "
            "it looks at no pixels."
        )
    if bundle.info.preprocessing.unit != "cell":
        raise MarrowError(
            f"{bundle.path} classifies whole photographs, not cells; train on cells to see where "
            "in a cell a network looks."
        )
    return predictor


def see_cell(
    bundle: Bundle, image: NDArray[np.uint8], nuclei: NDArray[np.integer], index: int
) -> SeenCell:
    """Cut a cell out of its photograph as a network sees it, and ask the network.

    Parameters
    ----------
    bundle
        A network that classifies cells.
    image
        RGB photograph, (height, width, 3), uint8.
    nuclei
        Instance labels of all its nuclei.
    index
        The number of the cell.

    Raises
    ------
    MarrowError
        When the model is no such network, or there is no such cell.
    """
    predictor, preprocessing = network_of(bundle), bundle.info.preprocessing
    units = predictor.inputs(image, nuclei)
    rows = np.flatnonzero(units.table["index"].to_numpy() == index)
    if not len(rows):
        raise MarrowError(f"The photograph has no cell {index}; choose another one.")
    one = units.take(rows[:1])
    alone = np.where(nuclei == index, nuclei, 0)
    side = preprocessing.input_size
    _, table = cut_cells(image, alone, side, preprocessing.crop_factor, WHITE_LEVEL)
    cytoplasm = np.where(nuclei > 0, 0, segment_cytoplasm(image, nuclei))
    nucleus, around = cut_masks((nuclei, cytoplasm), table, side)[:, 0]
    white = np.full(3, WHITE_LEVEL) if preprocessing.white_balance else white_point(image)
    return SeenCell(
        one.images[0],
        None if one.features is None else one.features[0],
        (int(table["top"][0]), int(table["left"][0]), int(table["side"][0])),
        nucleus,
        nucleus | around,
        np.round(white).astype(np.uint8),
        predictor.ask(one.images, one.features)[0],
        bundle.info.confidence.temperature,
    )


def cover_cell(
    bundle: Bundle, seen: SeenCell, progress: Callable[[float], object] = lambda fraction: None
) -> Occlusion:
    """Return what covering each part of a cell does to the answer; see :func:`.occlude`."""
    predictor, features = network_of(bundle), seen.features

    def ask(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        same = None if features is None else np.repeat(features[None], len(images), axis=0)
        return predictor.ask(images, same)

    return occlude(ask, seen.image, seen.answer, seen.fill, progress)


@dataclass(frozen=True)
class Shares:
    """Which part of something is inside the nucleus, and inside the cell."""

    nucleus: float
    cell: float


@dataclass(frozen=True, eq=False)
class CellMaps:
    """Where a network looks in a cell.

    Attributes
    ----------
    classes
        Of the network.
    probabilities
        What it answers for the cell, calibrated.
    square
        Top, left and side of the cell's square in the photograph, in pixels.
    least
        The lowest probability of the answer where a patch covers a part of the square.
    occlusion
        (side, side) what the log-odds of the answer lose where a patch covers a place.
    grad_cam
        (side, side) Grad-CAM, the highest value 1; None where the network has none.
    why_none
        Why it has none; "" where it has.
    area
        Of the square.
    of_grad_cam, of_occlusion
        Of the sum of each map, where it is above 0; not a number where it is nowhere.
    agreement
        Rank correlation of Grad-CAM with occlusion.
    spot_agreement
        That of a plain spot in the middle, which knows nothing of the image.
    random_agreement
        Rank correlation of Grad-CAM with that of the network whose last layer is drawn anew.
    """

    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    square: tuple[int, int, int]
    least: float
    occlusion: Map
    grad_cam: Map | None
    why_none: str
    area: Shares
    of_grad_cam: Shares | None
    of_occlusion: Shares
    agreement: float
    spot_agreement: float
    random_agreement: float

    @classmethod
    def of(
        cls,
        classes: Sequence[str],
        seen: SeenCell,
        occlusion: Occlusion,
        grad_cam: Map | None = None,
        drawn_anew: Sequence[Map] = (),
        why_none: str = "",
    ) -> CellMaps:
        """Return what the maps of a cell show, and how they agree.

        Parameters
        ----------
        classes
            Of the network.
        seen
            The cell.
        occlusion
            What covering it does.
        grad_cam, drawn_anew
            (height, width) that of the network, and of the network with other last layers.
        why_none
            Why there is no Grad-CAM.
        """
        both = np.array([seen.probabilities, occlusion.lowest])
        calibrated = apply_temperature(both, seen.temperature)
        side = seen.image.shape[0]
        drops = occlusion.drops.clip(min=0)
        covered = enlarged(occlusion.drops, side)
        heat, agreement, random = None, float("nan"), float("nan")
        if grad_cam is not None:
            heat = enlarged(grad_cam, side)
            heat /= heat.max() if heat.max() > 0 else 1
            means = over_patches(heat)
            agreement = rank_correlation(means, drops.ravel())
            others = [over_patches(enlarged(x, side)) for x in drawn_anew]
            random = float(np.mean([rank_correlation(means, x) for x in others]))
        return cls(
            tuple(classes),
            tuple(calibrated[0].tolist()),
            seen.square,
            float(calibrated[1, seen.answer]),
            covered,
            heat,
            why_none,
            Shares(float(seen.nucleus.mean()), float(seen.cell.mean())),
            None if heat is None else _shares(heat, seen),
            _shares(covered.clip(min=0), seen),
            agreement,
            rank_correlation(over_patches(centred_spot(side)), drops.ravel()),
            random,
        )

    @property
    def answer(self) -> int:
        """Number of the most probable class."""
        return int(np.argmax(self.probabilities))

    @property
    def believed(self) -> bool:
        """Whether Grad-CAM marks what the network goes by, and more than the middle."""
        agrees = self.agreement >= max(MIN_AGREEMENT, self.spot_agreement)
        return agrees and self.random_agreement <= MAX_RANDOM_AGREEMENT

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the answer is, whether Grad-CAM can be believed, and where the maps are high."""
        name, probability = self.classes[self.answer], self.probabilities[self.answer]
        answer = (
            f"{name} with {probability:.2f}, and {self.least:.2f} at least where a patch of a "
            "fifth of the square's side covers a part."
        )
        energies = [_energy_sentence("Occlusion", self.of_occlusion, self.area)]
        if self.of_grad_cam is not None:
            energies.insert(0, _energy_sentence("Grad-CAM", self.of_grad_cam, self.area))
        return answer, self.check_sentence, *energies

    @property
    def check_sentence(self) -> str:
        """Say whether the map can be believed, and why."""
        if self.grad_cam is None:
            return f"{self.why_none} Occlusion shows what the answer depends on."
        figures = (
            f"rank correlation with occlusion {self.agreement:.2f}, that of a plain spot in the "
            f"middle {self.spot_agreement:.2f}; with the last layer drawn anew "
            f"{self.random_agreement:.2f}"
        )
        if self.agreement < MIN_AGREEMENT:
            verdict = "Grad-CAM can't be believed: the answer does not depend on what it marks"
        elif self.random_agreement > MAX_RANDOM_AGREEMENT:
            verdict = "Grad-CAM can't be believed: it is the same with another last layer"
        elif self.agreement < self.spot_agreement:
            verdict = "Grad-CAM tells no more than that the middle counts, as a plain spot does"
        else:
            return f"Grad-CAM can be believed: the answer depends on what it marks ({figures})."
        return f"{verdict} ({figures}). Occlusion is shown in its place."

    def write(self, path: Path) -> None:
        """Store the maps in an ``.npz`` file."""
        arrays = {name: getattr(self, name) for name in ARRAYS}
        bare = asdict(replace(self, occlusion=np.empty(0), grad_cam=None))
        text = json.dumps({name: x for name, x in bare.items() if name not in ARRAYS})
        known = {name: values for name, values in arrays.items() if values is not None}
        np.savez(path, text=np.array(text), **known)

    @classmethod
    def read(cls, path: Path) -> CellMaps:
        """Return the maps that :meth:`write` stored."""
        with np.load(path) as stored:
            values = json.loads(str(stored["text"]))
            values |= {name: stored.get(name) for name in ARRAYS}
        for name in ("classes", "probabilities", "square"):
            values[name] = tuple(values[name])
        for name in ("area", "of_grad_cam", "of_occlusion"):
            values[name] = values[name] and Shares(**values[name])
        return cls(**values)


def _shares(heat: Map, seen: SeenCell) -> Shares:
    return Shares(energy_within(heat, seen.nucleus), energy_within(heat, seen.cell))


def _energy_sentence(what: str, found: Shares, area: Shares) -> str:
    """Say which part of a map is inside nucleus and cell, beside the part of the area."""
    if np.isnan(found.nucleus):
        return f"{what} marks nothing: no part of the square speaks for the answer."
    return (
        f"{what}: {found.nucleus:.0%} of it in the nucleus, which fills {area.nucleus:.0%} of the "
        f"square, and {found.cell:.0%} in the cell, which fills {area.cell:.0%}."
    )
