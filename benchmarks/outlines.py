"""How long it takes to write 5,000 cells as GeoJSON, beside other ways to find their outlines.

    python benchmarks/outlines.py [--cells 5000] [--repeats 5]

The outlines must be the edges of pixels: their area is the number of pixels. scikit-image's
find_contours passes through the middle of pixels instead, and rasterio, which needs GDAL, is asked
where it is installed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry import shape
from skimage.measure import find_contours

from napari_marrow.imaging.outlines import outlines

SIZE = 1920, 2560
"""Height and width of the field, in pixels."""


def field_of(count: int, seed: int = 0) -> NDArray[np.int32]:
    """Return so many ellipses, some of which touch."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(SIZE, np.int32)
    columns = int(np.ceil(np.sqrt(count * SIZE[1] / SIZE[0])))
    step = SIZE[1] / columns
    for k in range(count):
        centre = (np.array(divmod(k, columns)) + 0.5) * step + rng.uniform(-2, 2, 2)
        axes = rng.uniform(0.3, 0.5, 2) * step
        low = np.maximum(centre - step, 0).astype(int)
        high = np.minimum(centre + step, SIZE).astype(int)
        y, x = np.ogrid[low[0] : high[0], low[1] : high[1]]
        inside = ((y - centre[0]) / axes[0]) ** 2 + ((x - centre[1]) / axes[1]) ** 2 < 1
        labels[low[0] : high[0], low[1] : high[1]][inside] = k + 1
    return labels


def ours(labels: NDArray[np.int32]) -> list[object]:
    """Return our polygons as GeoJSON has them."""
    return [{"type": "MultiPolygon", "coordinates": x} for x in outlines(labels).values()]


def by_contours(labels: NDArray[np.int32]) -> list[object]:
    """Return scikit-image's contours of each label."""
    found = []
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        if box is None:
            continue
        rings = find_contours(np.pad(labels[box] == number, 1), 0.5)
        start = [box[1].start - 0.5, box[0].start - 0.5]
        polygons = [[(ring[:, ::-1] + start).tolist()] for ring in rings]
        found.append({"type": "MultiPolygon", "coordinates": polygons})
    return found


def by_rasterio(labels: NDArray[np.int32]) -> list[object]:
    """Return what GDAL finds."""
    from rasterio.features import shapes

    return [x for x, _ in shapes(labels, mask=labels > 0, connectivity=4)]


def timed(action: Callable[[], object], repeats: int) -> float:
    """Return the median of the time of an action, in seconds."""
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return float(np.median(found))


def main() -> None:
    """Print a row for each way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    labels = field_of(args.cells)
    area = int(np.count_nonzero(labels))
    ways: dict[str, Callable[[NDArray[np.int32]], list[object]]] = {
        "napari-marrow": ours,
        "rasterio (GDAL)": by_rasterio,
        "scikit-image, find_contours": by_contours,
    }
    print(f"{args.cells} cells in {SIZE[1]}x{SIZE[0]} pixels.\n")
    print(
        "| way | outlines | as JSON | ratio | area over that of the pixels |\n|---|---|---|---|---|"
    )
    first = 0.0
    for name, way in ways.items():
        try:
            found = way(labels)
        except ImportError:
            print(f"| {name} | not installed | - | - | - |")
            continue
        of_outlines = timed(lambda way=way: way(labels), args.repeats)
        of_json = timed(lambda found=found: json.dumps(found), args.repeats)
        first = first or of_outlines
        share = sum(shape(x).area for x in found) / area
        ratio = of_outlines / first
        row = (name, f"{of_outlines:.2f} s", f"{of_json:.2f} s", f"{ratio:.2f}", f"{share:.4f}")
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
