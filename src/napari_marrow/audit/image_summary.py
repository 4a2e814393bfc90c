"""What the audit sees of one photograph: a few thousand of its pixels, never all of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.fields import Field
from napari_marrow.data.images import image_format
from napari_marrow.data.imports import importing

SAMPLES = 256  # rows and columns that are looked at
SIDE = 32  # of the thumbnail, in pixels; each is the mean of 8 x 8 samples
_STEP = SAMPLES // SIDE
MOST_BITS = 10  # that copies differ by, of 63: re-encoded ones were measured to differ by 6 at most
# Copies saved as JPEG of quality 60 and made brighter reach 0.99 and 0.93; different photographs
# of ALL-IDB2, C-NMC, SegPC and SN-AM 0.98 and 0.79 (two of one cell are among these).
LEAST_LIKENESS, LEAST_DETAIL = 0.985, 0.87
TURNS = 8
# Red, green and blue in grey: by ITU-R BT.601 (Pillow, OpenCV), BT.709 (scikit-image), the mean.
GREYS = np.array([(0.299, 0.587, 0.114), (0.2125, 0.7154, 0.0721), (1 / 3,) * 3], np.float32)
# Real photographs reach a flatness of 0.32 (0.55 in grey), masks of several flat colours 0.8 and
# more. Compressed hard, a photograph may be as flat, but it has no colour that is so common.
LEAST_FLATNESS = 0.75


@dataclass(frozen=True)
class Look:
    """What is seen of one photograph.

    Attributes
    ----------
    size
        Height and width in pixels.
    format
        "BMP", "JPEG", "PNG" or "TIFF", as the first bytes of the file say.
    digest
        SHA-256 of size and samples: photographs that differ in it differ.
    points
        (1024, 3) uint8, RGB of single pixels on a grid.
    thumbnail
        (32, 32) float32, mean of the channels, 0..255; the photograph squeezed to a square.
    hashes
        (8,) uint64, the perceptual hash of the thumbnail and of its turns, see :func:`turned`.
    background
        (3,) float64, RGB of what is brightest and least stained; None where a black surround
        hides it.
    flatness
        Share of pixels that equal their neighbours, see :func:`flatness`.
    """

    size: tuple[int, int]
    format: str
    digest: bytes
    points: NDArray[np.uint8]
    thumbnail: NDArray[np.float32]
    hashes: NDArray[np.uint64]
    background: NDArray[np.float64] | None
    flatness: float


def look_at(field: Field) -> Look:
    """Look at the photograph of a field.

    Raises
    ------
    MarrowError
        When it can't be read.
    """
    image = field.open()
    height, width = image.shape[:2]
    rows, columns = _evenly(height), _evenly(width)
    sample = image[np.ix_(rows, columns)]
    # sums of flat planes: numpy is 5 times slower along an axis of three
    red, green, blue = np.moveaxis(sample.astype(np.float32), 2, 0)
    grey = (red + green + blue) / 3
    thumbnail = grey.reshape(SIDE, _STEP, SIDE, _STEP).mean((1, 3))
    middle = slice(_STEP // 2, None, _STEP)
    return Look(
        size=(height, width),
        format=image_format(field.path),
        digest=hashlib.sha256(f"{height}x{width}".encode() + sample.tobytes()).digest(),
        points=sample[middle, middle].reshape(-1, 3),
        thumbnail=thumbnail,
        hashes=perceptual_hashes(thumbnail),
        background=background_colour(sample),
        flatness=flatness(image, rows[2::4], columns[2::4]),
    )


def _evenly(length: int) -> NDArray[np.intp]:
    """Places spread evenly over a side, the same from both ends but for rounding."""
    return ((np.arange(SAMPLES) + 0.5) * length / SAMPLES).astype(np.intp)


def flatness(image: NDArray[np.uint8], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> float:
    """How flat a picture is beside its background, at some of its pixels.

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
    # A colour that has half of the picture is the median, which takes less time than counting.
    others = here != np.partition(here, here.size // 2, axis=None)[here.size // 2]
    if others.mean() > 0.5:
        return 0.0  # so it is in most photographs, and takes no more time
    others &= (here != 0) & (here != 0xFFFFFF)
    if others.sum() < 20:
        return 0.0
    right = _as_numbers(image[np.ix_(rows, np.minimum(columns + 1, width - 1))])
    below = _as_numbers(image[np.ix_(np.minimum(rows + 1, height - 1), columns)])
    return float(((here == right) & (here == below))[others].mean())


def _as_numbers(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Each colour as one number, which is faster to compare and to sort than three."""
    red, green, blue = (pixels[..., k].astype(np.int32) for k in range(3))
    return red << 16 | green << 8 | blue


def turned(square: NDArray[np.float32], turn: int) -> NDArray[np.float32]:
    """One of the eight symmetries of a square picture.

    0 leaves it as it is; 1, 2, 3 are that many quarter turns counter-clockwise; 4 mirrors it left
    to right, and 5, 6, 7 turn the mirrored one.
    """
    return np.rot90(square if turn < 4 else square[:, ::-1], turn % 4)


def perceptual_hashes(thumbnail: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Perceptual hashes of the eight turns of a (32, 32) thumbnail, as (8,) uint64.

    A bit says whether one of the 63 lowest coefficients of the discrete cosine transform is above
    their median, as in the hash of C. Zauner, "Implementation and benchmarking of perceptual image
    hash functions" (2010), section 3.2.1; the mean is left out, so brightness does not matter.
    """
    squares = np.stack([turned(thumbnail, turn) for turn in range(TURNS)])
    # The 8 lowest waves of the transform as a matrix: scipy.fft takes 0.1 s to import for them.
    size = thumbnail.shape[0]
    waves = np.cos(np.pi / size * np.outer(np.arange(8), np.arange(size) + 0.5))
    waves *= np.where(np.arange(8) == 0, 0.5, 1)[:, None] ** 0.5  # as long as the others
    low = (waves @ squares @ waves.T).reshape(TURNS, -1)[:, 1:]
    bits = low > np.median(low, axis=1, keepdims=True)
    return (bits * (np.uint64(1) << np.arange(63, dtype=np.uint64))).sum(axis=1, dtype=np.uint64)


def background_colour(sample: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """The colour between the cells, (3,) RGB 0..255, of an (H, W, 3) sample.

    It is the median of the pixels whose darkest channel is high; the very highest are left out,
    they may be glare. Where a quarter of the picture is black, its background was cut away: None.
    """
    pixels = sample[::2, ::2].reshape(-1, 3)
    red, green, blue = pixels.T
    if ((red | green | blue) == 0).mean() > 0.25:
        return None
    darkest = np.minimum(np.minimum(red, green), blue)
    low, high = np.percentile(darkest, [85, 98])
    return np.median(pixels[(darkest >= low) & (darkest <= high)], axis=0)


def is_drawn(look: Look) -> bool:
    """Whether a picture is flat as a mask is, or nothing but black, white and what is between.

    A photograph has noise: among 1024 of its pixels are hundreds of colours, also where half of it
    is overexposed or cut away to black, and neighbours differ. The rules for black and white are
    for masks with soft edges or the noise of JPEG.
    """
    if len(np.unique(look.points, axis=0)) <= 4:
        return True
    if look.flatness > LEAST_FLATNESS:
        return True
    black, white = (look.points < 24).all(axis=1), (look.points > 231).all(axis=1)
    if (black | white).mean() > 0.97 and black.any() and white.any():
        return True
    if black.mean() <= 0.5 or white.sum() <= max(8, 0.2 * (~black).sum()):
        return False  # a grey photograph of which most was cut away to black has little white left
    return bool((np.ptp(look.points, axis=1) <= 2).all())


def is_copy_with_white(mask: Look, photograph: Look) -> bool:
    """Whether a picture is another one, pixel for pixel, with some of it set to white.

    So are masks of SN-AM written whose other pixels are a copy of the photograph. Its own white is
    written as 254 there, so one level of difference is allowed. The copy may be in grey, by any of
    the usual weights of the channels. A mask that was saved as JPEG after that is not recognised.
    """
    white = (mask.points == 255).all(axis=1)
    if mask.size != photograph.size or not 5 <= white.sum() <= white.size - 30:
        return False
    if (photograph.points[white] >= 254).all(axis=1).mean() > 0.5:
        return False  # both are white there: an overexposed photograph, and its copy or its mask
    copy, original = mask.points[~white], photograph.points[~white].astype(np.float32)
    originals = [original]
    if (np.ptp(copy, axis=1) == 0).all():
        originals += [(original @ weights)[:, np.newaxis] for weights in GREYS]
    return any((np.abs(copy - o).max(axis=1) < 2).mean() > 0.98 for o in originals)


def near_copies(looks: list[Look]) -> list[tuple[int, int, int]]:
    """Pairs of photographs that are one picture: turned, mirrored, re-encoded or made brighter.

    Returns
    -------
    list of tuple
        Two places in ``looks``, the lower first, and by which turn (see :func:`turned`) the second
        becomes the first.
    """
    if not looks:
        return []
    hashes = np.stack([look.hashes for look in looks])
    pairs = []
    for i, look in enumerate(looks):
        bits = np.bitwise_count(hashes[i, 0] ^ hashes[i + 1 :])
        found: set[int] = set()
        for j, turn in np.argwhere(bits <= MOST_BITS):
            second = turned(looks[i + 1 + j].thumbnail, turn)
            if j not in found and is_alike(look.thumbnail, second):
                found.add(j)
                pairs.append((i, int(i + 1 + j), int(turn)))
    return pairs


def is_alike(first: NDArray[np.float32], second: NDArray[np.float32]) -> bool:
    """Whether two thumbnails show the same, as a whole and in what is finer than 3 pixels.

    A black surround does not count: cells that were cut out resemble each other by their outline.
    """
    with importing:
        from scipy.ndimage import uniform_filter

    if _correlation(first, second) < LEAST_LIKENESS:
        return False
    inside = (first > 8) & (second > 8)
    fine = [square - uniform_filter(square, 3) for square in (first, second)]
    return (
        _correlation(first[inside], second[inside]) >= LEAST_LIKENESS
        and _correlation(fine[0][inside], fine[1][inside]) >= LEAST_DETAIL
    )


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Pearson's correlation; 0 where one of the two is flat."""
    if first.size < 2:
        return 0.0
    first, second = first - first.mean(), second - second.mean()
    length = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / length) if length > 0 else 0.0
