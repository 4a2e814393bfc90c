"""Cut 1,000 cells out of a full field by ours and by a loop over regionprops, in turns, in one run.

    python benchmarks/crops.py --repeats 15

The field is drawn: 1,000 nuclei of 51 pixels across, of which a crop of 128 pixels is 2.5
diameters; those at the border reach over it. All ways give one array of all crops.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics

import numpy as np
from reading import in_turns, quartiles
from skimage import __version__ as skimage_version
from skimage.draw import disk
from skimage.measure import regionprops

from napari_marrow.imaging.crops import cut_cells

HEIGHT, WIDTH = 1920, 2560
ROWS, COLUMNS = 25, 40
RADIUS = 25.5
SIZE, FILL = 128, 240
OURS = "napari-marrow"


def draw() -> tuple[np.ndarray, np.ndarray]:
    """Noise, and the labels of 1,000 round nuclei in rows."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    labels = np.zeros((HEIGHT, WIDTH), np.uint16)
    for k in range(ROWS * COLUMNS):
        row, column = divmod(k, COLUMNS)
        centre = ((row + 0.5) * HEIGHT / ROWS, (column + 0.5) * WIDTH / COLUMNS)
        labels[disk(centre, RADIUS, shape=labels.shape)] = k + 1
    return image, labels


def loop(image: np.ndarray, labels: np.ndarray, blank: bool = False) -> np.ndarray:
    """Slice each cell by its centroid, pad it where the field ends, and stack them all."""
    crops = []
    for region in regionprops(labels):
        top, left = (round(c - SIZE / 2) for c in region.centroid)
        bottom, right = top + SIZE, left + SIZE
        crop = image[max(top, 0) : bottom, max(left, 0) : right]
        around = [(max(-top, 0), max(bottom - HEIGHT, 0)), (max(-left, 0), max(right - WIDTH, 0))]
        if crop.shape[:2] != (SIZE, SIZE):
            crop = np.pad(crop, [*around, (0, 0)], constant_values=FILL)
        if blank:
            own = labels[max(top, 0) : bottom, max(left, 0) : right] == region.label
            crop = np.where(np.pad(own, around)[..., None], crop, np.uint8(FILL))
        crops.append(crop)
    return np.stack(crops)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    image, labels = draw()
    print(f"scikit-image {skimage_version}, numpy {np.__version__}")
    python = platform.python_version()
    print(f"machine: {platform.system()}, {os.cpu_count()} cores, Python {python}")
    works = {
        OURS: lambda: cut_cells(image, labels, SIZE, fill=FILL, fixed=True)[0],
        "loop over regionprops": lambda: loop(image, labels),
        "napari-marrow, blanked": lambda: cut_cells(
            image, labels, SIZE, fill=FILL, fixed=True, background="blank"
        )[0],
        "loop over regionprops, blanked": lambda: loop(image, labels, blank=True),
        "writing so much memory, nothing else": lambda: np.full(
            (ROWS * COLUMNS, SIZE, SIZE, 3), FILL, np.uint8
        ),
        "napari-marrow, tied to the nucleus": lambda: cut_cells(image, labels, SIZE)[0],
    }
    one, two, three, four, *_ = (work() for work in works.values())
    assert np.array_equal(one, two)
    assert np.array_equal(three, four)
    del one, two, three, four
    times = in_turns(works, options.repeats)
    print(f"\n{ROWS * COLUMNS} crops of {SIZE}x{SIZE} out of {WIDTH}x{HEIGHT} pixels\n")
    print("| way | median | cells a second | time over ours, in the same round (quartiles) |")
    print("|---|---|---|---|")
    for name, values in times.items():
        ours = times["napari-marrow, blanked" if name.endswith("blanked") else OURS]
        low, middle, high = quartiles([v / o for v, o in zip(values, ours, strict=True)])
        median = statistics.median(values)
        print(
            f"| {name} | {median * 1000:.1f} ms | {ROWS * COLUMNS / median:,.0f} "
            f"| {middle:.2f} ({low:.2f} to {high:.2f}) |"
        )


if __name__ == "__main__":
    main()
