"""A summary of one photograph for the audit: a few thousand of its pixels, never all of them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.audit.appearance import sample_grid, sample_pixels
from napari_marrow.audit.copies import signature_of
from napari_marrow.data.fields import Field
from napari_marrow.data.images import image_format
from napari_marrow.imaging.white_point import is_cut_out, white_point

SAMPLES_PER_POINT = 8
# Red, green and blue in grey: by ITU-R BT.601 (Pillow, OpenCV), BT.709 (scikit-image), the mean.
GREY_WEIGHTS = np.array([(0.299, 0.587, 0.114), (0.2125, 0.7154, 0.0721), (1 / 3,) * 3], np.float32)
# Real photographs reach a flatness of 0.32 (0.55 in grey), masks of several flat colours 0.8 and
# more. Compressed hard, a photograph may be as flat, but it has no colour that is so common.
MAX_PHOTOGRAPH_FLATNESS = 0.75
MIN_PIXELS_FOR_FLATNESS = 20
MAX_BLANK_SHARE = 0.997
"""Of one colour, in a mask; beyond it, the picture is blank but for stray pixels."""
MAX_BLANK_RANGE_LEVELS = 2
"""Between the levels of a channel in a picture of one colour; JPEG rounds."""
MIN_SIDE_PX = 8
"""Of a picture that shows something."""
MAX_DARK_LEVEL = 8
"""The brightest level of a picture that was taken with the shutter closed."""
MAX_GREY_DIFFERENCE_LEVELS = 2
"""Between the channels of a grey pixel; JPEG rounds."""
# Of 1101 photographs and their grey copies none has 1 % of black beside 0.3 % of white.
MIN_WHITE_LEVEL = 247
MIN_EXTREME_SHARE = 0.25
"""Of black and white together, in a probability map."""
MAX_EDGE_SHARE = 0.12
"""Of levels between, where the edges of a probability map are sharp."""
MIN_TOP_LEVEL, MIN_ZERO_SHARE, MIN_LOW_SHARE = 96, 0.1, 0.12
"""Of a probability map without white: its brightest level, the share of exactly 0, and of the
levels between, those in the lowest quarter."""
MAX_EDGE_PX, MAX_SHARE_BESIDE_BLACK = 4, 0.63
"""So far from black a probability map with soft edges has not more of its brightest level."""
LEVEL_WIDTH_FRACTION = 0.16
"""Of what JPEG leaves of a level, to either side, in parts of the brightest."""
MIN_FULL_LEVEL, MIN_COLOUR_SPREAD = 150, 64
"""Of the brightest level of a mask in three levels; between the channels of a colour."""
MIN_MASK_POINTS, MIN_COPIED_POINTS = 5, 30
"""Of the points of a mask over a copy: those that are white, and the others, at the least."""
MIN_EQUAL_SHARE = 0.98
N_FIRST_POINTS, MIN_FIRST_EQUAL_SHARE = 16, 0.7


@dataclass(frozen=True)
class ImageSummary:
    """What the audit knows of one photograph.

    Attributes
    ----------
    size
        Height and width in pixels.
    format
        "BMP", "JPEG", "PNG" or "TIFF", as the first bytes of the file say; '' without a file.
    digest
        SHA-256 of size and samples: photographs that differ in it differ.
    points
        (1024, 3) uint8, RGB of single pixels on a grid.
    signature
        (2, 28, 28) float32, see :func:`.copies.signature`.
    background
        (3,) float32, the white point, RGB 0..255; None where the background was cut away.
    flatness
        Share of pixels that equal their neighbours, see :func:`flatness`.
    is_soft_mask
        Whether it is a probability map, see :func:`is_soft_mask`.
    is_blank
        Whether it shows nothing, see :func:`is_blank`.
    """

    size: tuple[int, int]
    format: str
    digest: bytes
    points: NDArray[np.uint8]
    signature: NDArray[np.float32]
    background: NDArray[np.float32] | None
    flatness: float
    is_soft_mask: bool
    is_blank: bool


def summarize(field: Field) -> ImageSummary:
    """Summarize the photograph of a field.

    Raises
    ------
    MarrowError
        When it can't be read.
    """
    return summarize_pixels(field.open(), image_format(field.path))


def summarize_pixels(image: NDArray[np.uint8], format: str = "") -> ImageSummary:
    """Summarize a photograph, (height, width, 3) RGB, that a file of this format has, or none."""
    height, width = image.shape[:2]
    rows, columns = sample_grid(image)
    sample = sample_pixels(image)
    every_second = sample[::2, ::2]
    flat = flatness(image, rows[2::4], columns[2::4])
    # of one cell or two; JPEG leaves flat blocks of black too
    has_labels = flat > MAX_PHOTOGRAPH_FLATNESS and format != "JPEG" and not image.min()
    middle = slice(SAMPLES_PER_POINT // 2, None, SAMPLES_PER_POINT)
    points = sample[middle, middle].reshape(-1, 3)
    return ImageSummary(
        size=(height, width),
        format=format,
        digest=hashlib.sha256(f"{height}x{width}".encode() + sample.tobytes()).digest(),
        points=points,
        signature=signature_of(sample),
        background=None if is_cut_out(every_second) else white_point(every_second),
        flatness=flat,
        is_soft_mask=is_soft_mask(points, image[np.unique(rows[1::3])]),
        is_blank=is_blank(image, points) and not (has_labels and min(height, width) >= MIN_SIDE_PX),
    )


def is_blank(image: NDArray[np.uint8], points: NDArray[np.uint8]) -> bool:
    """Whether a picture, of which (n, 3) points are given, is of one colour or of a few pixels."""
    if min(image.shape[:2]) < MIN_SIDE_PX:
        return True
    of_one_colour = (np.ptp(points, axis=0) <= MAX_BLANK_RANGE_LEVELS).all()
    return bool(of_one_colour and (np.ptp(image, axis=(0, 1)) <= MAX_BLANK_RANGE_LEVELS).all())


def flatness(image: NDArray[np.uint8], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> float:
    """Return how flat a picture is beside its background, at some of its pixels.

    Parameters
    ----------
    image
        (height, width, 3) RGB.
    rows, columns
        Where to look; each pixel is compared with those to its right and below it.

    Returns
    -------
    float
        Of the pixels that are not of the commonest colour, the share that equal both neighbours.
        Black and white are not counted, a photograph may be clipped there. 0 where no colour has
        half of the picture, or less than 20 pixels are left.
    """
    height, width = image.shape[:2]
    here = _as_numbers(image[np.ix_(rows, columns)])
    others = here != np.median(here)  # a colour that has half of the picture is the median
    if others.mean() > 0.5:
        return 0.0
    others &= (here != 0) & (here != 0xFFFFFF)
    if others.sum() < MIN_PIXELS_FOR_FLATNESS:
        return 0.0
    right = _as_numbers(image[np.ix_(rows, np.minimum(columns + 1, width - 1))])
    below = _as_numbers(image[np.ix_(np.minimum(rows + 1, height - 1), columns)])
    return float(((here == right) & (here == below))[others].mean())


def is_soft_mask(points: NDArray[np.uint8], lines: NDArray[np.uint8]) -> bool:
    """Whether a picture is a probability map: grey, from black to white, with soft edges.

    A photograph through a light microscope has black where it was cut out or the eyepiece ends, and
    no white then, or a sharp edge of the black.

    Parameters
    ----------
    points
        (n, 3) RGB of single pixels.
    lines
        (m, width, 3) RGB of whole rows.
    """
    grey = points.max(axis=1)
    if (grey - points.min(axis=1)).max() > MAX_GREY_DIFFERENCE_LEVELS:
        return False
    dark, white = (grey <= MAX_DARK_LEVEL).mean(), (grey >= MIN_WHITE_LEVEL).mean()
    between = grey[(grey > MAX_DARK_LEVEL) & (grey < MIN_WHITE_LEVEL)]
    top = int(grey.max())
    low = (between <= MAX_DARK_LEVEL + (top - MAX_DARK_LEVEL) / 4).sum() >= MIN_LOW_SHARE * len(
        between
    )
    both = dark >= 0.01 and white >= 0.003 and dark + white >= MIN_EXTREME_SHARE
    without_noise = dark >= MIN_EXTREME_SHARE and (grey == 0).mean() >= MIN_ZERO_SHARE
    one = without_noise and top >= MIN_TOP_LEVEL and low
    if not (both or one):
        return False
    if both and len(between) <= MAX_EDGE_SHARE * len(grey):
        return True
    level, px = lines.max(axis=2), int(np.clip(lines.shape[1] // 24, 1, MAX_EDGE_PX))
    black = level <= MAX_DARK_LEVEL
    leaving = black[:, :-px] & ~black[:, 1 : black.shape[1] - px + 1] & ~black[:, px:]
    entering = black[:, px:] & ~black[:, px - 1 : -1] & ~black[:, :-px]
    beside = np.concatenate([level[:, px:][leaving], level[:, :-px][entering]])
    return bool(len(beside) and np.median(beside) <= MAX_SHARE_BESIDE_BLACK * top)


def _as_numbers(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Turn each colour into one number."""
    return pixels @ np.array([1 << 16, 1 << 8, 1])


def is_mask(summary: ImageSummary) -> bool:
    """Whether a picture is flat as a mask is, in few levels, a probability map, or black and white.

    A photograph has noise: among 1024 of its pixels are hundreds of colours, also where half of it
    is overexposed or cut away to black, and neighbours differ. The rules for black and white are
    for masks with soft edges or the noise of JPEG. A picture of one colour is none, nor
    is the noise of one that was taken with the shutter closed.
    """
    colours, counts = np.unique(_as_numbers(summary.points), return_counts=True)
    if counts.max() > MAX_BLANK_SHARE * counts.sum():
        return False
    if len(colours) <= 4 and summary.points.max() > MAX_DARK_LEVEL:
        return True
    if summary.flatness > MAX_PHOTOGRAPH_FLATNESS:
        return True
    if summary.is_soft_mask or _is_in_levels(summary.points):
        return True
    black, white = (summary.points < 24).all(axis=1), (summary.points > 231).all(axis=1)
    if (black | white).mean() > 0.97 and black.any() and white.any():
        return True
    if black.mean() <= 0.5 or white.sum() <= max(8, 0.2 * (~black).sum()):
        return False  # a grey photograph of which most was cut away to black has little white left
    return bool((np.ptp(summary.points, axis=1) <= 2).all())


def _is_in_levels(points: NDArray[np.uint8]) -> bool:
    """Whether a picture was drawn in three levels of grey, or in pure colours, before JPEG.

    One level is black, as the background. Stains give no pure colours, and cells that were cut out
    on black are no levels, as they have noise.
    """
    colours = points.astype(np.int16)
    spread = np.ptp(colours, axis=1)
    if spread.max() <= MAX_GREY_DIFFERENCE_LEVELS:
        grey = colours[:, 0]
        full = max(int(grey.max()), MIN_FULL_LEVEL)
        black, white = (
            grey <= LEVEL_WIDTH_FRACTION * full,
            grey >= (1 - LEVEL_WIDTH_FRACTION) * full,
        )
        between = grey[~black & ~white]
        if min(black.mean(), white.mean(), len(between) / len(grey)) < 0.01:
            return False
        away = np.abs(between - np.median(between))
        noise = np.median(np.abs(grey[white] - np.median(grey[white])))
        is_near = (away > LEVEL_WIDTH_FRACTION * full).sum() <= 0.05 * len(grey)
        return bool(is_near and np.median(away) <= 6 and noise <= 3)
    coloured = spread > MIN_COLOUR_SPREAD
    pure = np.minimum(colours, 255 - colours).max(axis=1) <= MIN_COLOUR_SPREAD
    return bool(coloured.mean() >= 0.02 and pure[coloured].mean() >= 0.5)


def find_originals(summaries: Sequence[ImageSummary]) -> dict[int, int]:
    """Find pictures that are another one with some of it set to white: its index, by theirs."""
    by_size: dict[tuple[int, int], list[int]] = defaultdict(list)
    for k, summary in enumerate(summaries):
        by_size[summary.size].append(k)
    originals = {}
    for members in by_size.values():
        points = np.stack([summaries[k].points for k in members])
        white = (points == 255).all(axis=2)
        for k, mask in zip(members, white, strict=True):
            if not MIN_MASK_POINTS <= mask.sum() <= mask.size - MIN_COPIED_POINTS:
                continue
            few = np.linspace(0, mask.size - 1 - mask.sum(), N_FIRST_POINTS).astype(np.intp)
            few = np.flatnonzero(~mask)[few]  # tell most pictures apart
            share = _equal_share(summaries[k].points[few], points[:, few])
            for other in np.flatnonzero(share > MIN_FIRST_EQUAL_SHARE):
                if members[other] != k and is_masked_copy(summaries[k], summaries[members[other]]):
                    originals[k] = members[other]
                    break
    return originals


def is_masked_copy(mask: ImageSummary, photograph: ImageSummary) -> bool:
    """Whether a picture is another one, pixel for pixel, with some of it set to white.

    So are masks of SN-AM written whose other pixels are a copy of the photograph. Its own white is
    written as 254 there, so one level of difference is allowed. The copy may be in grey, by any of
    the usual weights of the channels. A mask that was saved as JPEG after that is not recognised.
    """
    white = (mask.points == 255).all(axis=1)
    if not MIN_MASK_POINTS <= white.sum() <= white.size - MIN_COPIED_POINTS:
        return False
    if mask.size != photograph.size:
        return False
    if (photograph.points[white] >= 254).all(axis=1).mean() > 0.5:
        return False  # both are white there: an overexposed photograph, and its copy or its mask
    share = _equal_share(mask.points[~white], photograph.points[np.newaxis, ~white])
    return bool(share[0] > MIN_EQUAL_SHARE)


def _equal_share(copy: NDArray[np.uint8], originals: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the share of points, (m, 3), that are those of each original, (n, m, 3)."""
    colours = [originals.astype(np.float32)]
    if (np.ptp(copy, axis=1) == 0).all():
        colours += [(colours[0] @ weights)[..., np.newaxis] for weights in GREY_WEIGHTS]
    shares = [(np.abs(c - copy).max(axis=-1) < 2).mean(axis=-1) for c in colours]
    return np.max(shares, axis=0)
