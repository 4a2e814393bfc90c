"""Masks: which files they are, whose they are, and which of their pixels are meant.

A SN-AM mask pixel is (255, 255, 255). The other pixels are black in some files and a copy of the
photograph in others, so "not black" is wrong: only "every channel is 255" reads both.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import decode, image_size, open_image

MaskKind = Literal["nucleus", "cytoplasm", "background"]
_WORDS: dict[str, MaskKind] = {
    "nucleus": "nucleus",
    "nuclei": "nucleus",
    "nuc": "nucleus",
    "cyto": "cytoplasm",
    "cytoplasm": "cytoplasm",
    "background": "background",
    "bg": "background",
}
_NAME = re.compile(
    rf"^(?P<stem>.+?)[_\- ](?P<kind>{'|'.join(_WORDS)})(?:[_\- ]?mask)?s?$", re.IGNORECASE
)
_LOOKS_LIKE_MASK = re.compile(r"(?:^|[_\- ])masks?(?:$|[_\- .\d])", re.IGNORECASE)


def mask_kind(path: Path) -> tuple[str, MaskKind] | None:
    """Stem of the photograph and kind of mask that a file's name tells, or None for no mask.

    >>> mask_kind(Path("MM_5_also_ref_image_cyto_mask.bmp"))
    ('MM_5_also_ref_image', 'cytoplasm')
    """
    match = _NAME.match(path.stem)
    return (match["stem"], _WORDS[match["kind"].lower()]) if match else None


def looks_like_mask(path: Path) -> bool:
    """Whether a name says "mask" without telling of what: never an image to learn from."""
    return bool(_LOOKS_LIKE_MASK.search(path.stem))


def read_mask(path: Path | str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Read a mask as booleans of ``shape`` (height, width).

    Three channels: a pixel is meant where all of them are 255. One channel: where it is above
    half of its range (the noise of JPEG stays below).

    Raises
    ------
    MarrowError
        When the mask has another size than its photograph, or can't be read.
    """
    path = Path(path)
    size = image_size(path)
    if size != shape:
        raise MarrowError(
            f"{path} is {size[1]}x{size[0]} and its photograph {shape[1]}x{shape[0]} pixels; "
            "make a mask of the same size, or remove it."
        )
    if path.suffix.lower() == ".bmp":
        return _all_white(open_image(path))
    array = decode(path)
    if array.ndim == 3 and array.shape[-1] == 2:  # grey and alpha
        array = array[..., 0]
    if array.shape[:2] != shape or array.ndim > 3 or array.dtype.kind not in "bui":
        raise MarrowError(
            f"{path} holds {array.dtype} values of the shape {array.shape}, which is no mask; "
            "save it as one picture of 8 bits a channel, or remove it."
        )
    if array.ndim == 2:
        return array if array.dtype == bool else array > _half(array)
    return _all_white(array[..., :3])


def _all_white(array: NDArray[np.uint8]) -> NDArray[np.bool_]:
    # Two "and"s of three flat planes: a reduction over an axis of three is 5 times slower.
    return (array[..., 0] & array[..., 1] & array[..., 2]) == np.iinfo(array.dtype).max


def _half(array: NDArray[np.integer]) -> int:
    """Half of the range of a one-channel mask: 0/1 masks exist beside 0/255.

    More than 8 bits are instance labels: every number is a nucleus.
    """
    top = int(array.max(initial=0))
    return 0 if top <= 1 or array.dtype.itemsize > 1 else np.iinfo(array.dtype).max // 2
