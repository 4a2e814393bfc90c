"""Masks whose pixels alone do not tell what is foreground: the photograph tells it.

Nuclei are darker than the rest in green, whatever the stain of Romanowsky's family.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.text import listed

_SAMPLE_PX = 256
"""Rows and columns that are looked at."""
_MAX_LIKELY_SHARE = 0.5
"""Of a picture, or of its border, that nuclei cover."""
_MIN_LIKELY_SHARE = 0.0002
"""Of a picture; where there is no 0, less than this are stray values."""
_MIN_LEVEL_SHARE = 0.8
"""Of what is not background, that is near one value where a mask has two."""
_MAX_BLACK_LEVEL = 24
"""Up to here a photograph is black: the surround of an eyepiece, and of cells that were cut out."""
_MIN_COPIED_SHARE = 0.95
_COPY_TOLERANCE_LEVELS = 8
_MAX_LEVELS = 16
"""Of a mask without noise; a copy of a photograph has more."""
MIN_FILLED_SHARE = 0.05
"""Of the foreground, that has the value of one level."""
_MIN_ENCLOSED_SHARE = 0.5
"""Of the outline of a level that is in another; of two labels of cells that touch it is less."""
_MIN_CONTRAST = 0.5
"""Least difference of the medians inside and outside, in standard deviations of the photograph."""


def marks_nothing(array: NDArray[np.integer], foreground: NDArray[np.bool_]) -> bool:
    """Whether nothing is foreground, or no more than stray values in a mask without 0."""
    return not foreground.any() or (foreground.mean() < _MIN_LIKELY_SHARE and bool(array.all()))


def marks_most(foreground: NDArray[np.bool_]) -> bool:
    """Whether most of a picture, or of its border, is foreground."""
    sides = (foreground[0], foreground[-1], foreground[:, 0], foreground[:, -1])
    return max(foreground.mean(), np.concatenate(sides).mean()) > _MAX_LIKELY_SHARE


def nested_levels(array: NDArray[np.integer], foreground: NDArray[np.bool_]) -> list[str]:
    """Return the values of a mask whose foreground is flat levels, one inside another; else none.

    So are nucleus and cytoplasm in one file. Labels of cells are beside each other.
    """
    levels, _, _ = find_nested(array, foreground)
    if not levels:
        return []
    shown = [*_commonest(array[~foreground][:, np.newaxis]), *levels]
    return [str(v) for v in shown] if array.ndim == 2 else [f"{len(shown)} colours"]


def find_nested(
    array: NDArray[np.integer], foreground: NDArray[np.bool_]
) -> tuple[list[int], tuple[int, ...], tuple[int, ...]]:
    """Return the flat levels of a mask, one inside another, and the values of these; else none."""
    none = list[int](), (), ()
    step = max(1, min(array.shape[:2]) // _SAMPLE_PX)
    sample = one_number(array[::step, ::step])[foreground[::step, ::step]]
    values, counts = np.unique(sample, return_counts=True)
    is_filled = counts >= MIN_FILLED_SHARE * counts.sum()
    levels = values[is_filled]
    if len(levels) < 2 or counts[is_filled].sum() < _MIN_LEVEL_SHARE * counts.sum():
        return none
    pixels = one_number(array)
    pairs = ((pixels[:, :-1], pixels[:, 1:]), (pixels[:-1], pixels[1:]))
    enclosed = []
    for inner in levels:
        beside = [np.where(a == inner, b, a)[(a == inner) != (b == inner)] for a, b in pairs]
        around = np.concatenate(beside)
        enclosed += [((around == outer).mean(), inner, outer) for outer in levels if around.size]
    share, inner, outer = max(enclosed)  # the outline of a lobed nucleus is longer than its cell's
    if share <= _MIN_ENCLOSED_SHARE:
        return none
    first, second = (array[pixels == level][0].ravel().tolist() for level in (inner, outer))
    return levels.tolist(), tuple(first), tuple(second)


def one_number(pixels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return one number a pixel, of grey or of a colour."""
    wide = pixels.astype(np.int64)
    return wide if wide.ndim == 2 else (wide[..., 0] << 32) + (wide[..., 1] << 16) + wide[..., 2]


def decide_by_photograph(
    path: Path,
    array: NDArray[np.integer],
    foreground: NDArray[np.bool_],
    kind: str,
    photograph: NDArray[np.uint8],
) -> NDArray[np.bool_]:
    """Return the foreground of a doubtful mask: as it was read, inverted, or by its two levels.

    Parameters
    ----------
    path, array, kind
        The mask: its file, its pixels in one channel or three, and what it marks.
    foreground
        How its pixels alone are read.
    photograph
        (height, width, 3) RGB.

    Raises
    ------
    MarrowError
        When the photograph does not tell it, with the values of the mask.
    """
    step = max(1, min(array.shape[:2]) // _SAMPLE_PX)
    small, image = array[::step, ::step].astype(np.int64), photograph[::step, ::step]
    low, high, green = image.min(axis=2), image.max(axis=2), image[..., 1]
    levels = small if small.max() < 256 else small >> 8
    if small.ndim == 2:  # by any weights of the channels
        copied = (levels + _COPY_TOLERANCE_LEVELS >= low) & (
            levels - _COPY_TOLERANCE_LEVELS <= high
        )
    else:  # JPEG keeps the brightness
        copied = np.abs(levels.mean(axis=2) - image.mean(axis=2)) <= _COPY_TOLERANCE_LEVELS
    if len(np.unique(levels)) > _MAX_LEVELS and copied.mean() > _MIN_COPIED_SHARE:
        return np.zeros(foreground.shape, bool)  # a copy of the photograph, with nothing marked
    unread = foreground.all() or marks_nothing(array, foreground)
    found = _upper_level(array, small) if unread else foreground
    if found is not None:
        inside = found[::step, ::step]
        seen = high > _MAX_BLACK_LEVEL
        if (inside & seen).any() and (~inside & seen).any():
            difference = np.median(green[~inside & seen]) - np.median(green[inside & seen])
            if abs(difference) > _MIN_CONTRAST * green[seen].std():
                if (difference > 0) == (kind != "background"):
                    return found
                if kind != "cytoplasm" and _is_one_level(small[~inside][:, np.newaxis]):
                    return ~found
    raise MarrowError(
        f"{path} can't be read as a mask: it has {_values(small)}, and covers "
        f"{100 * foreground.mean():.0f} % of the picture as it stands; the photograph does not "
        f"tell which value is {kind}. Save it with 255 for {kind} and 0 for the rest, or remove it."
    )


def _upper_level(array: NDArray[np.integer], small: NDArray) -> NDArray[np.bool_] | None:
    """Return where a mask differs from its commonest value by half of the second level or more.

    None where it has not two levels. Soft edges and the noise of JPEG are between them.
    """
    commonest = _commonest(small)
    distance = _distance(small, commonest)
    values, counts = np.unique(distance, return_counts=True)
    level = int(values[(counts * values.astype(float)).argmax()])  # noise is frequent, and small
    away = distance[distance * 4 > level]
    if not level or (np.abs(away - level) * 4 <= level).mean() < _MIN_LEVEL_SHARE:
        return None
    return _distance(array, commonest) * 2 > level


def _is_one_level(pixels: NDArray[np.integer]) -> bool:
    """Whether pixels, (n, 1) or (n, 1, 3), are of one value but for soft edges."""
    bound = 48 if pixels.max() < 256 else 48 * 256
    return bool((_distance(pixels, _commonest(pixels)) <= bound).mean() >= _MIN_LEVEL_SHARE)


def _commonest(pixels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the commonest value or colour."""
    flat = pixels.reshape(-1, pixels.shape[-1] if pixels.ndim == 3 else 1)
    values, counts = np.unique(flat, axis=0, return_counts=True)
    return values[counts.argmax()]


def _distance(pixels: NDArray[np.integer], value: NDArray[np.integer]) -> NDArray[np.int64]:
    planes = np.moveaxis(pixels, -1, 0) if len(value) == 3 else [pixels]
    far = [np.abs(np.int64(p) - np.int64(v)) for p, v in zip(planes, value, strict=True)]
    return np.maximum.reduce(far)


def _values(pixels: NDArray[np.integer]) -> str:
    flat = pixels.reshape(-1, 3) if pixels.ndim == 3 else pixels.reshape(-1)
    values = np.unique(flat, axis=0).tolist()
    return f"the value{'s' if len(values) > 1 else ''} {listed([str(v) for v in values])}"
