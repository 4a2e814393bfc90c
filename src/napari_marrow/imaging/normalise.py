"""Photographs given the colours of one reference: white balance, Reinhard, Macenko.

torchstain estimates what is to be matched, from a thinned copy. What it would then do to a pixel
depends on the pixel's colour only, so it is looked up: a full field takes a seventh of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import read_image
from napari_marrow.data.imports import importing
from napari_marrow.data.options import bound_problems, option
from napari_marrow.imaging.stain import MIN_STAINED_DENSITY, MIN_STAINED_PX, white_balance
from napari_marrow.imaging.white_point import SAMPLE_SIZE_PX, WHITE_LEVEL, white_point

Matching = Literal["reinhard", "macenko"]

LATTICE = 65
"""Colours a channel that Reinhard is worked out for, the most that Pillow takes."""
LEAST_SPREAD = 0.5
"""Standard deviation in CIELAB from which a photograph has contrast to be matched."""
LEAST_ANGLE = 5.0
"""Degrees between two stains from which they can be told apart."""


@dataclass(frozen=True)
class StainSettings:
    """How photographs are made comparable in colour."""

    method: Literal["none", "white-balance", "reinhard", "macenko"] = option(
        "none",
        "Stain",
        "white-balance evens out the light; reinhard and macenko take a reference's colours.",
    )
    reference: str = option(
        "",
        "Reference",
        "The photograph whose colours all others take, whatever their class.",
    )
    references: Literal["one", "per-class"] = option(
        "one",
        "References",
        "One for all classes; a reference a class writes the class into the pixels.",
        advanced=True,
    )

    def problems(self) -> list[str]:
        """What can't work, in a user's words; empty when all is well."""
        problems = bound_problems(self)
        if self.references == "per-class":
            problems.append(
                "A reference per class writes the class into the pixels: a model then learns the "
                "reference's colours and not the cells; choose one reference for all classes."
            )
        if self.method in ("reinhard", "macenko") and not self.reference:
            problems.append(f"{self.method} needs a reference; choose a photograph.")
        return problems


@dataclass(frozen=True)
class Reference:
    """The colours to match, from :func:`fit_reference`.

    Attributes
    ----------
    method
        "reinhard" or "macenko".
    fitted
        torchstain's normaliser of that method, fitted to the photograph.
    """

    method: Matching
    fitted: Any


def fit_reference(image: NDArray[np.uint8], method: Matching) -> Reference:
    """Learn the colours of a photograph that others shall take.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    method
        "reinhard": mean and spread of each channel of CIELAB over the whole photograph (E. Reinhard
        et al., "Color transfer between images", IEEE Computer Graphics and Applications 21(5),
        2001; there in the space of Ruderman). "macenko": the directions of two stains and how much
        of each there is (M. Macenko et al., ISBI 2009), after white balance.

    Raises
    ------
    MarrowError
        When the photograph holds no contrast, nothing stained, or one stain only.
    """
    if method == "reinhard":
        return Reference(method, _fit_reinhard(image))
    if method == "macenko":
        return Reference(method, _fit_macenko(image))
    raise MarrowError(f"The method is {method!r}; choose reinhard or macenko.")


def normalise(image: NDArray[np.uint8], reference: Reference) -> NDArray[np.uint8]:
    """Give a photograph the colours of the reference.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    reference
        From :func:`fit_reference`; one and the same for all classes.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        As torchstain's own result for the same sample, but for rounding.

    Raises
    ------
    MarrowError
        When the photograph holds no contrast, nothing stained, or one stain only.
    """
    source = fit_reference(image, reference.method).fitted
    if reference.method == "reinhard":
        return _match_reinhard(image, source, reference.fitted)
    return _match_macenko(image, source, reference.fitted)


def normaliser(
    settings: StainSettings, image: NDArray[np.uint8] | None = None
) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """The function that does to photographs what the settings say; the reference is read once.

    Parameters
    ----------
    settings
        Method and reference.
    image
        The reference's pixels where they are in memory; ``settings.reference`` is then its name.

    Raises
    ------
    MarrowError
        When the settings can't work, or the reference can't be read or matched.
    """
    problems = settings.problems()
    if problems:
        raise MarrowError(problems[0])
    if settings.method == "none":
        return _unchanged
    if settings.method == "white-balance":
        return white_balance
    if image is None:
        image = read_image(settings.reference)
    try:
        reference = fit_reference(image, settings.method)
    except MarrowError as error:
        raise MarrowError(f"{settings.reference} can't be the reference. {error}") from error
    return partial(normalise, reference=reference)


def _unchanged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return image


def _sample(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every n-th row and column, about 50,000 pixels."""
    step = max(1, int((image.shape[0] * image.shape[1] / SAMPLE_SIZE_PX) ** 0.5))
    return np.ascontiguousarray(image[::step, ::step])


def _fit_reinhard(image: NDArray[np.uint8]) -> Any:
    with importing:
        from torchstain.numpy.normalizers import NumpyReinhardNormalizer

    fitted = NumpyReinhardNormalizer()
    fitted.fit(_sample(image))
    if not min(fitted.target_stds) >= LEAST_SPREAD:  # torchstain would divide by it
        raise MarrowError(
            "The photograph has one colour throughout or is grey, so it has no contrast to match; "
            "take one with stained cells."
        )
    return fitted


def _fit_macenko(image: NDArray[np.uint8]) -> Any:
    """Fit to the stained pixels of the white-balanced sample.

    torchstain takes a white of 240 for granted, which white balance makes true, and measures how
    much stain there is over all pixels, which in a field of few cells would be none.
    """
    with importing:
        from torchstain.numpy.normalizers import NumpyMacenkoNormalizer

    pixels = _sample(white_balance(image)).reshape(-1, 3)
    density = np.log10(WHITE_LEVEL / np.maximum(pixels, 1))
    stained = pixels[np.linalg.norm(density, axis=1) > MIN_STAINED_DENSITY]
    fitted = NumpyMacenkoNormalizer()
    # torchstain's own threshold: of every channel, in natural logarithms
    enough = (np.log(WHITE_LEVEL / (stained + 1.0)) >= 0.15).all(axis=1).sum() >= MIN_STAINED_PX
    if enough:
        fitted.fit(stained[:, None], Io=WHITE_LEVEL)
    if not enough or not _two_stains(fitted.HERef, fitted.maxCRef):
        raise MarrowError(
            "The photograph does not hold two stains that can be told apart; take one with nuclei, "
            "or use white balance."
        )
    return fitted


def _two_stains(vectors: NDArray[np.float64], most: NDArray[np.float64]) -> bool:
    """Whether a fit is one of stains: (3, 2) unit vectors that absorb, and some of each."""
    angle = np.degrees(np.arccos(np.clip(vectors[:, 0] @ vectors[:, 1], -1, 1)))
    return bool(angle >= LEAST_ANGLE and vectors.sum(axis=0).min() > 0 and most.min() > 0)


def _match_reinhard(image: NDArray[np.uint8], source: Any, target: Any) -> NDArray[np.uint8]:
    """What torchstain's ``normalize`` does: to the pixels, or to a lattice of colours if fewer.

    Pillow looks the pixels up between the colours of the lattice, trilinearly.
    """
    with importing:
        from torchstain.numpy.utils.lab2rgb import lab2rgb
        from torchstain.numpy.utils.rgb2lab import rgb2lab
        from torchstain.numpy.utils.split import lab_merge, lab_split

    if few := image.size <= 3 * LATTICE**3:
        colours = image.astype(np.float32) / 255
    else:
        steps = np.linspace(0, 1, LATTICE, dtype=np.float32)
        blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")  # as Pillow wants it
        colours = np.stack([red, green, blue], axis=-1)
    channels = lab_split(rgb2lab(colours))
    means, spreads = source.target_means, source.target_stds
    matched = [
        (channels[k] - means[k]) / spreads[k] * target.target_stds[k] + target.target_means[k]
        for k in range(3)
    ]
    colours = lab2rgb(lab_merge(*matched)).astype(np.float32)
    if few:
        return np.rint(colours * 255).astype(np.uint8)
    table = ImageFilter.Color3DLUT(LATTICE, colours.ravel())
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).filter(table))


def _match_macenko(image: NDArray[np.uint8], source: Any, target: Any) -> NDArray[np.uint8]:
    """White balance, and then what torchstain's ``normalize`` does, without rounding between.

    Densities are mixed by a matrix, so light is a product of powers: of three tables a channel.
    """
    levels = np.arange(256)[:, None] * (WHITE_LEVEL / white_point(image))
    density = -np.log((np.minimum(levels, 255) + 1) / WHITE_LEVEL)
    scale = np.diag(target.maxCRef / source.maxCRef)
    matrix = target.HERef @ scale @ np.linalg.pinv(source.HERef)
    out = np.empty(image.shape, np.uint8)
    for channel in range(3):
        tables = np.exp(-density * matrix[channel]).astype(np.float32)
        light = np.take(tables[:, 0] * WHITE_LEVEL, image[..., 0])
        for other in (1, 2):
            light *= np.take(tables[:, other], image[..., other])
        out[..., channel] = np.minimum(light + 0.5, 255)
    return out
