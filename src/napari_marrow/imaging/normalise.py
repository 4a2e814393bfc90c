"""Stain normalisation: white balance, Reinhard and Macenko, with one reference for all classes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from skimage.color import lab2rgb, rgb2lab

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import read_image
from napari_marrow.data.options import Settings, option
from napari_marrow.imaging.stain import (
    MIN_STAINED_DENSITY,
    combine_stains,
    separate_stains,
    stain_vectors,
    white_balance,
)
from napari_marrow.imaging.white_point import WHITE_LEVEL, subsample

LATTICE_SIZE = 33
"""Levels per channel of the colours that Reinhard's table holds; between them it is trilinear."""
MIN_LAB_DEVIATION = 0.5
"""Smallest standard deviation of a channel of CIELAB in a photograph that can be matched."""
AMOUNT_QUANTILE = 0.99
"""Quantile of the amount of a stain, over the stained pixels, that is matched."""


@dataclass(frozen=True)
class StainSettings(Settings):
    """How photographs are made comparable in colour."""

    method: Literal["none", "white-balance", "reinhard", "macenko"] = option(
        "none",
        "Method",
        "white-balance evens out the light; reinhard and macenko take a reference's colours.",
    )
    reference: str = option(
        "",
        "Reference",
        "The photograph whose colours all others take, whatever their class; a reference for each "
        "class would write the class into the pixels.",
    )

    def problems(self) -> list[str]:
        """What can't work, in a user's words; empty when all is well."""
        problems = super().problems()
        if self.method in ("reinhard", "macenko") and not self.reference:
            problems.append(f"{self.method} needs a reference; choose a photograph.")
        return problems


@dataclass(frozen=True)
class Reinhard:
    """Mean and standard deviation of each channel of CIELAB over a photograph, (3,) each.

    E. Reinhard et al., "Color transfer between images", IEEE Computer Graphics and Applications
    21(5), 2001; there in the colour space of Ruderman.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def fit(cls, image: NDArray[np.uint8]) -> Self:
        """Measure a photograph."""
        lab = rgb2lab(subsample(image)).reshape(-1, 3)
        deviation = lab.std(axis=0)
        if deviation.min() < MIN_LAB_DEVIATION:
            raise MarrowError(
                "The photograph has one colour throughout or is grey, so it has no contrast to "
                "match; take one with stained cells."
            )
        return cls(lab.mean(axis=0), deviation)

    def normalise(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Give a photograph this mean and deviation, by a table that Pillow interpolates."""
        source = self.fit(image)
        steps = np.linspace(0, 1, LATTICE_SIZE, dtype=np.float32)
        blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")  # as Pillow wants it
        lab = rgb2lab(np.stack([red, green, blue], axis=-1))
        lab = (lab - source.mean) * (self.deviation / source.deviation) + self.mean
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # colours that no photograph has
            table = ImageFilter.Color3DLUT(LATTICE_SIZE, lab2rgb(lab).astype(np.float32).ravel())
        return np.asarray(Image.fromarray(np.ascontiguousarray(image)).filter(table))


@dataclass(frozen=True)
class Macenko:
    """Density vectors (2, 3) of two stains, and the 99th percentile of the amount of each (2,).

    M. Macenko et al., "A method for normalizing histology slides for quantitative analysis", ISBI
    2009, over the stained pixels, so that a field of few cells has as much stain as a full one.
    """

    vectors: NDArray[np.float32]
    amounts: NDArray[np.float64]

    @classmethod
    def fit(cls, image: NDArray[np.uint8]) -> Self:
        """Estimate the stains of a photograph."""
        vectors = stain_vectors(image)
        amounts = separate_stains(subsample(image), vectors).reshape(-1, 2)
        stained = np.linalg.norm(amounts @ vectors, axis=1) > MIN_STAINED_DENSITY
        return cls(vectors, np.quantile(amounts[stained], AMOUNT_QUANTILE, axis=0))

    def normalise(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Give a photograph these stains, in its own amounts, on a background of 240."""
        source = self.fit(image)
        scale = (self.amounts / source.amounts).astype(np.float32)
        amounts = separate_stains(image, source.vectors) * scale
        return combine_stains(amounts, self.vectors, np.full(3, WHITE_LEVEL, np.float32))


Reference = Reinhard | Macenko
"""The colours of a photograph that others are given."""
METHODS: dict[str, type[Reference]] = {"reinhard": Reinhard, "macenko": Macenko}


def normaliser(
    settings: StainSettings, image: NDArray[np.uint8] | None = None
) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Return the function that normalises photographs as the settings ask; the reference is read.

    Parameters
    ----------
    settings
        Method and reference.
    image
        The reference's pixels where they are in memory; ``settings.reference`` is then its name.

    Raises
    ------
    MarrowError
        When the settings can't work, or the reference can't be read or matched. The function
        raises it when a photograph holds no contrast, nothing stained, or one stain only.
    """
    settings.check()
    if settings.method == "none":
        return lambda image: image
    if settings.method == "white-balance":
        return white_balance
    if image is None:
        image = read_image(settings.reference)
    try:
        return METHODS[settings.method].fit(image).normalise
    except MarrowError as error:
        raise MarrowError(f"{settings.reference} can't be the reference. {error}") from error
