"""Labels as a TIFF that QuPath, ImageJ and napari open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.outputs import SOFTWARE

UM_PER_CM = 10_000.0


def write_labels(
    path: Path, labels: NDArray[np.integer], pixel_size_um: tuple[float, float] | None = None
) -> None:
    """Write label numbers as grey levels: of 16 bits, or of 32 where a number is above 65535.

    Parameters
    ----------
    path
        To write.
    labels
        (height, width), not negative.
    pixel_size_um
        Height and width of a pixel in micrometres, which becomes the resolution; None to tell none.
    """
    import tifffile  # slow to import

    kind = np.uint16 if labels.max(initial=0) <= np.iinfo(np.uint16).max else np.uint32
    resolution = None
    if pixel_size_um is not None:
        height, width = pixel_size_um
        resolution = (UM_PER_CM / width, UM_PER_CM / height)
    tifffile.imwrite(
        path,
        labels.astype(kind),
        photometric="minisblack",
        compression="zlib",
        metadata=None,
        software=SOFTWARE,
        resolution=resolution,
        resolutionunit=None if resolution is None else "CENTIMETER",
    )
