"""Augmentation: more pictures from few, each remembered as its source's.

What an operation does is in :mod:`.geometry` (where pixels go) and :mod:`.photometry` (what values
they have); here is which there are, how strong, and what is made of a photograph with its masks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging import geometry, intensity
from napari_marrow.imaging.intensity import edges
from napari_marrow.imaging.settings import OPERATIONS, RANDOM, AugmentSettings

__all__ = [
    "OPERATIONS",
    "AugmentSettings",
    "Augmented",
    "augment",
    "augmented",
    "count",
    "edges",
    "rotate90",
    "vary",
]

_KEEPS_PLACES = frozenset({"edges", "blur", "equalise", "light", "stain", "noise"})


@dataclass(frozen=True)
class Augmented:
    """One picture that was made of another.

    Attributes
    ----------
    image
        (height, width, 3), uint8; turned or cut, its size may be another than the source's.
    operation
        The operation that made it.
    copy
        Which of its copies, from 1 on.
    source
        Name of the photograph it was made of.
    name
        Its own: ``<source>_<operation>``, and the copy's number where there are several.
    masks
        By the names they were given under; (height, width) of ``image``, of the dtype they had.
    """

    image: NDArray[np.uint8]
    operation: str
    copy: int
    source: str
    name: str
    masks: dict[str, NDArray] = field(default_factory=dict)


def planned(settings: AugmentSettings) -> list[tuple[str, int]]:
    """Operation and number of the copy of all that is made of one photograph."""
    copies = range(1, settings.copies + 1)
    return [(name, k) for name in settings.operations for k in copies if k == 1 or name in RANDOM]


def names_of_products(name: str, settings: AugmentSettings) -> list[str]:
    """Names of all that is made of a photograph called ``name``: see :class:`Augmented`."""
    return [
        f"{name}_{operation}{copy if settings.copies > 1 and operation in RANDOM else ''}"
        for operation, copy in planned(settings)
    ]


def count(fields: int, settings: AugmentSettings) -> int:
    """How many pictures there are in the end, of so many photographs.

    Those that are made, one for each operation, ``copies`` for each that is random; and, where
    ``settings.originals`` says so, the photographs themselves.

    >>> count(60, AugmentSettings(("rotate90", "edges")))
    180
    """
    return fields * (len(planned(settings)) + settings.originals)


def augment(
    image: NDArray[np.uint8],
    settings: AugmentSettings | None = None,
    masks: Mapping[str, NDArray] | None = None,
    name: str = "image",
) -> list[Augmented]:
    """Make all that the settings ask for of one photograph; the photograph itself is not among it.

    Geometry is applied to the masks as well; of them each pixel takes the nearest, so they hold no
    value that was not there. Operations that move nothing leave them as they are. What is random
    depends on the seed, the name, the operation and the copy, so not on which others there are.

    Parameters
    ----------
    image
        (height, width, 3), uint8.
    settings
        What to make; rotation by 90 degrees and edges when left out.
    masks
        Masks and instance labels by any names, (height, width), of booleans or whole numbers.
    name
        What the photograph is called; it begins the names of what is made of it.

    Raises
    ------
    MarrowError
        For settings that can't work, an image of another kind or masks of another size.
    """
    return list(augmented(image, settings, masks, name))


def augmented(
    image: NDArray[np.uint8],
    settings: AugmentSettings | None = None,
    masks: Mapping[str, NDArray] | None = None,
    name: str = "image",
) -> Iterator[Augmented]:
    """Make the same as :func:`augment`, one after the other: one at a time is in memory."""
    settings, masks = settings or AugmentSettings(), masks or {}
    _check(image, settings, masks)
    made = names_of_products(name, settings)
    for (operation, copy), made_name in zip(planned(settings), made, strict=True):
        generator = _generator(settings.seed, name, operation, copy)
        apply = _drawn(operation, settings, image.shape[:2], generator)
        still = operation in _KEEPS_PLACES
        yield Augmented(
            image=apply(image),
            operation=operation,
            copy=copy,
            source=name,
            name=made_name,
            masks={k: mask.copy() if still else apply(mask) for k, mask in masks.items()},
        )


def product(
    array: NDArray, settings: AugmentSettings, operation: str, copy: int, name: str
) -> NDArray:
    """Make one product of a photograph called ``name``, or of one of its masks, by itself.

    It is the one that :func:`augment` makes; ``settings.operations`` and ``copies`` don't matter.
    """
    if array.ndim == 2 and operation in _KEEPS_PLACES:
        return array.copy()
    generator = _generator(settings.seed, name, operation, copy)
    return _drawn(operation, settings, array.shape[:2], generator)(array)


def product_size(
    size: tuple[int, int], settings: AugmentSettings, operation: str
) -> tuple[int, int]:
    """Height and width of what an operation makes of a photograph of this height and width."""
    if operation in ("rotate90", "rotate270"):
        return size[1], size[0]
    if operation == "crop-border":
        height, width = geometry.without_border(np.empty(size, bool), settings.border).shape
        return height, width
    return size


def _check(image: NDArray, settings: AugmentSettings, masks: Mapping[str, NDArray]) -> None:
    if problems := settings.problems():
        raise MarrowError(" ".join(problems))
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise MarrowError(
            f"The image holds {image.dtype} values of the shape {image.shape}; "
            "give a colour photograph, (height, width, 3) of uint8."
        )
    for name, mask in masks.items():
        if mask.shape != image.shape[:2] or mask.dtype.kind not in "bui":
            raise MarrowError(
                f"The mask {name} holds {mask.dtype} values of the shape {mask.shape}; give "
                f"booleans or whole numbers of its photograph's, {image.shape[:2]}."
            )


def _generator(seed: int, name: str, operation: str, copy: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{name}\0{operation}\0{copy}".encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest)])


def _either_way(generator: np.random.Generator, most: float, size: int | None = None):
    """Numbers between half of ``most`` and all of it, of either sign: all are seen."""
    return most * generator.uniform(0.5, 1, size) * generator.choice((-1, 1), size)


def _drawn(
    operation: str,
    settings: AugmentSettings,
    shape: tuple[int, ...],
    generator: np.random.Generator,
) -> Callable[[NDArray], NDArray]:
    """The operation with its random numbers drawn: a function of an image, or of a mask."""
    g = generator
    match operation:
        case "rotate90" | "rotate180" | "rotate270":
            return partial(geometry.turned, quarters=int(operation[6:]) // 90)
        case "mirror":
            return geometry.mirrored
        case "flip":
            return geometry.flipped
        case "crop-border":
            return partial(geometry.without_border, part=settings.border)
        case "translate":
            down, right = np.rint(_either_way(g, settings.shift, 2) * shape[:2]).astype(int)
            return partial(geometry.shifted, down=int(down), right=int(right))
        case "rotate":
            return partial(geometry.rotated, degrees=float(_either_way(g, settings.angle)))
        case "distort":
            height, width = shape[:2]
            moves = geometry.displacements((height, width), settings.distortion, g)
            return partial(geometry.distorted, moves=moves)
        case "edges":
            return edges
        case "blur":
            return partial(intensity.blurred, sigma=settings.blur * g.uniform(0.5, 1))
        case "equalise":
            return intensity.equalised
        case "light":
            down, right, brightness = _either_way(g, settings.light, 3)
            return partial(intensity.lit, brightness=1 + brightness / 2, down=down, right=right)
        case "stain":
            # a fifth for the shift: it colours the empty background, which staining leaves pale
            strength = 1 + g.uniform(-settings.stain, settings.stain, 3)
            shift = g.uniform(-settings.stain, settings.stain, 3) / 5
            return partial(intensity.restained, strength=strength, shift=shift)
        case "noise":
            return partial(intensity.noisy, sigma=settings.noise, generator=g)
    raise ValueError(f"no operation is called {operation!r}")


def rotate90(image: NDArray) -> NDArray:
    """Turn an image, or a mask, by 90 degrees counter-clockwise; pixels keep their values."""
    return geometry.turned(image, 1)


def vary(
    images: NDArray[np.uint8],
    generator: np.random.Generator,
    *,
    zoom: float = 0.15,
    stain: float = 0.08,
) -> NDArray[np.uint8]:
    """Turn, mirror, zoom and recolour each of a batch of square images, differently every time.

    Parameters
    ----------
    images
        (n, side, side, 3), uint8.
    generator
        Where the randomness comes from; the same state gives the same images.
    zoom
        Up to which part of the side is cut away (and the rest enlarged again).
    stain
        Standard deviation of the factor on each channel's density and of the light's strength.

    Returns
    -------
    ndarray of uint8, shape (n, side, side, 3)
    """
    out = np.empty_like(images)
    for k, image in enumerate(images):
        turned = np.rot90(image, int(generator.integers(4)))
        if generator.random() < 0.5:
            turned = turned[:, ::-1]
        out[k] = _restain(_zoomed(turned, generator, zoom), generator, stain)
    return out


def _zoomed(image: NDArray, generator: np.random.Generator, zoom: float) -> NDArray:
    """A random square of the image, drawn at the image's size by nearest pixels."""
    side = image.shape[0]
    length = side * (1 - zoom * generator.random())
    top, left = generator.random(2) * (side - length)
    steps = (np.arange(side) + 0.5) * length / side
    rows, columns = (top + steps).astype(int), (left + steps).astype(int)
    return image[rows[:, None], columns]


def _restain(image: NDArray, generator: np.random.Generator, stain: float) -> NDArray[np.uint8]:
    """Change density and light: pixel = light * (pixel / 255) ** strength, a channel at a time."""
    strength = np.exp(generator.normal(0, stain, 3))
    light = np.exp(generator.normal(0, stain / 2))
    levels = np.arange(256, dtype=np.float32)[:, None] / 255
    table = np.clip(255 * light * levels**strength + 0.5, 0, 255).astype(np.uint8)
    return np.stack([table[image[..., c], c] for c in range(3)], axis=-1)
