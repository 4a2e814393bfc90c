"""Augmentation: derived images of a photograph and its masks, each with the name of its source.

The operations themselves are in :mod:`.geometry` and :mod:`.intensity`; this module draws their
strengths and applies them to a photograph and its masks alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_marrow.imaging import geometry, intensity
from napari_marrow.imaging.settings import RANDOM, AugmentSettings
from napari_marrow.imaging.validate import checked_labels, checked_photograph

KEEPS_MASKS = frozenset({"edges", "blur", "equalise", "light", "stain", "noise"})
"""Operations that move no pixel, so that masks stay as they are."""
QUARTER_TURNS = {"rotate90": 1, "rotate180": 2, "rotate270": 3}
SEVEN_LAYER = AugmentSettings(
    ("equalise", "mirror", "translate", "rotate", "blur", "distort"),
    shift=0.1,
    angle=45.0,
    blur=1.5,
    distortion=0.03,
)
"""Augmentation of the network ``cnn7``, after T. T. P. Thanh et al., "Leukemia blood cell image
classification using convolutional neural network", 2018. The strengths are our choice."""
RELATIVE_STAIN_SHIFT = 0.2
"""Shift of the density over the change of its factor: a shift colours the empty background too."""


@dataclass(frozen=True)
class Augmented:
    """One image that was derived from a photograph.

    Attributes
    ----------
    image
        (height, width, 3), uint8; the size may differ from the source's.
    operation
        The operation that made it.
    copy
        Number of the copy, from 1 on.
    source
        Name of the photograph it was made of.
    name
        ``<source>_<operation>``, and the copy's number where there are several.
    masks
        By the names they were given under; (height, width) of ``image``, of the dtype they had.
    """

    image: NDArray[np.uint8]
    operation: str
    copy: int
    source: str
    name: str
    masks: dict[str, NDArray] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedImage:
    """One image that is to be made of a photograph.

    Attributes
    ----------
    source
        Name of the photograph; random numbers depend on it.
    operation
        The operation that makes it; empty for the photograph itself.
    copy
        Number of the copy, from 1 on.
    name
        ``<source>_<operation>``, and the copy's number where there are several.
    """

    source: str
    operation: str
    copy: int
    name: str

    def make(self, array: NDArray, settings: AugmentSettings) -> NDArray:
        """Return this image, made of the photograph, or a mask of it, made of the mask."""
        if not self.operation:
            return array
        return product(array, settings, self.operation, self.copy, self.source)

    def size(self, size: tuple[int, int], settings: AugmentSettings) -> tuple[int, int]:
        """Return its height and width, from those of the photograph."""
        if self.operation in ("rotate90", "rotate270"):
            return size[1], size[0]
        if self.operation == "crop-border":
            height, width = geometry.crop_border(np.empty(size, bool), settings.border).shape
            return height, width
        return size


def planned(name: str, settings: AugmentSettings) -> list[PlannedImage]:
    """Return every image that is made of a photograph called ``name``, itself first if wanted."""
    found = [PlannedImage(name, "", 1, name)] if settings.originals else []
    for operation in settings.operations:
        copies = settings.copies if operation in RANDOM else 1
        for copy in range(1, copies + 1):
            number = copy if copies > 1 else ""
            found.append(PlannedImage(name, operation, copy, f"{name}_{operation}{number}"))
    return found


def count(fields: int, settings: AugmentSettings) -> int:
    """Return the number of images that so many photographs give.

    One for each operation, ``copies`` for each that is random; and the photographs themselves where
    ``settings.originals`` is set.

    >>> count(60, AugmentSettings(("rotate90", "edges")))
    180
    """
    return fields * len(planned("", settings))


def augment(
    image: NDArray[np.uint8],
    settings: AugmentSettings | None = None,
    masks: Mapping[str, NDArray] | None = None,
    name: str = "image",
) -> list[Augmented]:
    """Derive images from one photograph; the photograph itself is not among them.

    Geometry is applied to the masks as well, by the nearest pixel. What is random depends on the
    seed, the name, the operation and the copy, and not on the other operations.

    Parameters
    ----------
    image
        (height, width, 3), uint8.
    settings
        Operations and their strengths; rotation by 90 degrees and edges when None.
    masks
        Masks and instance labels by any names, (height, width), booleans or whole numbers from 0.
    name
        Name of the photograph; it begins the names of the derived images.

    Raises
    ------
    MarrowError
        For settings that can't work, an image of another kind or masks of another size.
    """
    settings, masks = settings or AugmentSettings(), masks or {}
    settings.check()
    image = checked_photograph(image)
    for key, mask in masks.items():
        checked_labels(mask, image.shape, f"mask {key} values", allow_bool=True)
    return [
        Augmented(
            image=one.make(image, settings),
            operation=one.operation,
            copy=one.copy,
            source=one.source,
            name=one.name,
            masks={key: one.make(mask, settings) for key, mask in masks.items()},
        )
        for one in planned(name, settings)
        if one.operation
    ]


def product(
    array: NDArray, settings: AugmentSettings, operation: str, copy: int, name: str
) -> NDArray:
    """Apply one operation to a photograph called ``name``, or to one of its masks.

    The result is the one that :func:`augment` gives; ``settings.operations`` and ``copies`` don't
    matter.
    """
    if array.ndim == 2 and operation in KEEPS_MASKS:
        return array.copy()
    digest = hashlib.sha256(
        f"{name}\0{operation}\0{copy}".encode(errors="surrogateescape")
    ).digest()
    generator = np.random.default_rng([settings.seed, int.from_bytes(digest)])
    return _random_operation(operation, settings, array.shape[:2], generator)(array)


def _signed(generator: np.random.Generator, strength: float, size: int) -> NDArray[np.float64]:
    """Draw numbers between half of ``strength`` and all of it, of either sign: all are seen."""
    return strength * generator.uniform(0.5, 1, size) * generator.choice((-1, 1), size)


def _random_operation(
    operation: str,
    settings: AugmentSettings,
    shape: tuple[int, ...],
    generator: np.random.Generator,
) -> Callable[[NDArray], NDArray]:
    """Draw the random numbers of an operation; return it as a function of an image or a mask."""
    match operation:
        case "rotate90" | "rotate180" | "rotate270":
            return lambda array: np.rot90(array, QUARTER_TURNS[operation]).copy()
        case "mirror":
            return lambda array: array[:, ::-1].copy()
        case "flip":
            return lambda array: array[::-1].copy()
        case "crop-border":
            return partial(geometry.crop_border, fraction=settings.border)
        case "translate":
            down, right = np.rint(_signed(generator, settings.shift, 2) * shape).astype(int)
            return partial(geometry.translate, down=int(down), right=int(right))
        case "rotate":
            (degrees,) = _signed(generator, settings.angle, 1)
            return partial(geometry.rotate, degrees=float(degrees))
        case "distort":
            size = (shape[0], shape[1])
            moves = geometry.draw_displacements(size, settings.distortion, generator)
            return partial(geometry.distort, moves=moves)
        case "edges":
            return intensity.edges
        case "blur":
            return partial(intensity.blur, sigma=settings.blur * generator.uniform(0.5, 1))
        case "equalise":
            return intensity.equalize
        case "light":
            down, right, change = _signed(generator, settings.light, 3)
            return partial(intensity.illuminate, brightness=1 + change / 2, down=down, right=right)
        case "stain":
            strength = 1 + generator.uniform(-settings.stain, settings.stain, 3)
            shift = RELATIVE_STAIN_SHIFT * generator.uniform(-settings.stain, settings.stain, 3)
            return partial(intensity.restain, strength=strength, shift=shift)
        case "noise":
            return partial(intensity.add_noise, sigma=settings.noise, generator=generator)
    raise ValueError(f"no operation is called {operation!r}")


def rotate90(image: NDArray) -> NDArray:
    """Rotate an image, or a mask, by 90 degrees counter-clockwise; pixels keep their values."""
    return np.rot90(image).copy()


def vary(
    images: NDArray[np.uint8],
    generator: np.random.Generator,
    *,
    zoom: float = 0.15,
    stain: float = 0.08,
) -> NDArray[np.uint8]:
    """Rotate, mirror, zoom and restain each of a batch of square images at random.

    Parameters
    ----------
    images
        (n, side, side, 3), uint8.
    generator
        Source of randomness; the same state gives the same images.
    zoom
        Largest fraction of the side that is cut away; the rest is enlarged.
    stain
        Standard deviation of the factor on each channel's density and of the light's strength.

    Returns
    -------
    ndarray of uint8, shape (n, side, side, 3)
    """
    out = np.empty_like(images)
    for k, image in enumerate(images):
        image = np.rot90(image, int(generator.integers(4)))
        if generator.random() < 0.5:
            image = image[:, ::-1]
        zoomed = _random_zoom(image, generator, zoom)
        strength = np.exp(generator.normal(0, stain, 3))
        log_brightness = generator.normal(0, stain / 2)
        shift = np.full(3, -log_brightness / np.log(10))
        for channel, table in enumerate(intensity.restain_tables(strength, shift)):
            out[k, ..., channel] = table.take(zoomed[..., channel])
    return out


def vary_by_one_operation(
    images: NDArray[np.uint8],
    generator: np.random.Generator,
    settings: AugmentSettings = SEVEN_LAYER,
) -> NDArray[np.uint8]:
    """Apply one operation, drawn at random, to each of a batch of images; to some of them none.

    Parameters
    ----------
    images
        (n, height, width, 3), uint8.
    generator
        Source of randomness; the same state gives the same images.
    settings
        The operations, of which none is as likely as each, and their strengths. Those of
        ``rotate90`` and ``rotate270`` must be square; ``crop-border`` changes the size and can't
        be among them.

    Returns
    -------
    ndarray of uint8, shape (n, height, width, 3)
    """
    out = images.copy()
    for k, drawn in enumerate(generator.integers(len(settings.operations) + 1, size=len(images))):
        if drawn < len(settings.operations):
            name = settings.operations[drawn]
            out[k] = _random_operation(name, settings, images.shape[1:3], generator)(images[k])
    return out


def _random_zoom(image: NDArray, generator: np.random.Generator, zoom: float) -> NDArray:
    """Enlarge a random square of the image to the image's size by nearest pixels."""
    side = image.shape[0]
    length = side * (1 - zoom * generator.random())
    steps = (np.arange(side) + 0.5) * length / side
    rows, columns = ((start + steps).astype(int) for start in generator.random(2) * (side - length))
    return image.take(rows, axis=0).take(columns, axis=1)
