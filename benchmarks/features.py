"""Speed of features: histogram and Fourier of a full field, and all families of its cells.

    python benchmarks/features.py --repeats 7

Beside the first a plain loop, as one writes it with numpy: a histogram a channel,
the two-dimensional transform, a mask a ring and a direction. Both give the same numbers, which is
checked. The field is drawn, with 200 cells of two sizes in rows.
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

from napari_marrow.measure.extract import features
from napari_marrow.measure.fourier import N_LOW_FREQUENCIES, N_RINGS, N_SECTORS
from napari_marrow.measure.histogram import N_BINS
from napari_marrow.measure.settings import FAMILIES, FeatureSettings
from napari_marrow.simulation.phantom import PhantomSettings, draw_field

HEIGHT, WIDTH = 1920, 2560
ROWS, COLUMNS = 10, 20


def draw() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A simulated field, and the labels of 200 round cells over it."""
    settings = PhantomSettings(width=WIDTH, height=HEIGHT)
    image = np.ascontiguousarray(draw_field("ALL", 1, settings).image)
    nuclei, cytoplasm = (np.zeros((HEIGHT, WIDTH), np.uint16) for _ in range(2))
    for k in range(ROWS * COLUMNS):
        row, column = divmod(k, COLUMNS)
        centre = ((row + 0.5) * HEIGHT / ROWS, (column + 0.5) * WIDTH / COLUMNS)
        cytoplasm[disk(centre, 50 + 10 * (k % 2), shape=nuclei.shape)] = k + 1
        nuclei[disk(centre, 36 + 8 * (k % 2), shape=nuclei.shape)] = k + 1
    cytoplasm[nuclei > 0] = 0
    return image, nuclei, cytoplasm


def plain(image: np.ndarray) -> np.ndarray:
    """The same features of a field, one after the other."""
    grey = np.rint(image @ np.array([0.299, 0.587, 0.114]))  # rgb2gray takes other weights
    found = []
    for channel in (*np.moveaxis(image, 2, 0), grey):
        found += (np.histogram(channel, N_BINS, (0, 256))[0] / channel.size).tolist()
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    total = power.sum()
    down = np.fft.fftfreq(HEIGHT)[:, None] * np.ones(WIDTH)
    across = np.ones(HEIGHT)[:, None] * np.fft.fftfreq(WIDTH)
    radius, angle = np.hypot(down, across), np.arctan2(down, across) % np.pi
    edges = [0, *(0.5 * 2.0 ** (-(N_RINGS - k) / 2) for k in range(1, N_RINGS + 1))]
    for k in range(N_RINGS):
        found.append(power[(radius > edges[k]) & (radius <= edges[k + 1])].sum() / total)
    for k in range(N_SECTORS):
        inside = (angle >= k * np.pi / N_SECTORS) & (angle < (k + 1) * np.pi / N_SECTORS)
        found.append(power[inside & (radius <= 0.5)].sum() / total)
    for y in range(N_LOW_FREQUENCIES):
        for x in range(N_LOW_FREQUENCIES):
            if y or x:
                places = {(y, x), (-y, x), (y, -x), (-y, -x)}
                found.append(sum(power[place] for place in places) / total)
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    image, nuclei, cytoplasm = draw()
    print(f"scikit-image {skimage_version}, numpy {np.__version__}")
    python = platform.python_version()
    print(f"machine: {platform.system()}, {os.cpu_count()} cores, Python {python}")
    published = FeatureSettings(("histogram", "fourier"))
    ours = features(image, None, published).iloc[0, 3:].to_numpy(float)
    # a grey of 15.5 is rounded up or down, and a direction at a limit goes to either side
    print(f"largest difference from the plain loop: {np.abs(ours - plain(image)).max():.1e}")
    masks = {"nucleus": nuclei, "cytoplasm": cytoplasm}
    works = {
        "histogram and Fourier of a field": lambda: features(image, None, published),
        "the same, plain loop": lambda: plain(image),
    }
    for name in FAMILIES:
        how = FeatureSettings((name,), "cell")
        works[f"{name} of 200 cells"] = lambda how=how: features(image, masks, how)
    everything = FeatureSettings(FAMILIES, "cell")
    works["all families of 200 cells"] = lambda: features(image, masks, everything)
    works["the same, cytoplasm to be found"] = lambda: features(
        image, {"nucleus": nuclei}, everything
    )
    times = in_turns(works, options.repeats)
    print(f"\na field of {WIDTH}x{HEIGHT} pixels\n\n| work | median | quartiles |\n|---|---|---|")
    for name, values in times.items():
        low, middle, high = quartiles(values)
        print(f"| {name} | {middle * 1000:.0f} ms | {low * 1000:.0f} to {high * 1000:.0f} ms |")
    fast, slow = list(times.values())[:2]
    low, middle, high = quartiles([s / f for s, f in zip(slow, fast, strict=True)])
    print(f"\nplain loop over ours: {middle:.1f} ({low:.1f} to {high:.1f})")
    rate = ROWS * COLUMNS / statistics.median(times["all families of 200 cells"])
    print(f"cells a second: {rate:.0f}")


if __name__ == "__main__":
    main()
