"""Augment a full field by ours, scikit-image and albumentations, in turns, in one run.

    python benchmarks/imaging.py --repeats 9

scikit-image comes with napari-marrow; albumentations, which works through OpenCV, is another
installation (`pip install albumentations opencv-python-headless`) and is left out where there is
none. Each does the same operation with the same strength and gives a new array of uint8; where a
library has no such operation there is a dash, and where it has only a like one, it is named.
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import os
import platform
import random
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import color, exposure, filters, transform, util

from napari_marrow.imaging import geometry, intensity
from napari_marrow.imaging.augment import product
from napari_marrow.imaging.settings import AugmentSettings

OURS, SKIMAGE, ALBUMENTATIONS = "napari-marrow", "scikit-image", "albumentations"
SIGMA, DEGREES, SHIFT, NOISE = 1.5, 7.0, (100, -150), 5.0
Work = Callable[[np.ndarray], np.ndarray]


def whole(values: np.ndarray) -> np.ndarray:
    """Bring what scikit-image gives, 0 to 1, back to bytes."""
    return util.img_as_ubyte(np.clip(values, 0, 1))


def ours(shape: tuple[int, int]) -> dict[str, Work]:
    """Return our operations."""
    generator = np.random.default_rng(0)
    moves = geometry.draw_displacements(shape, 0.01, generator)
    strength, shift = np.array([1.1, 0.95, 1.0]), np.array([0.0, 0.01, -0.01])
    settings = AugmentSettings(border=0.05)

    def by_name(operation: str) -> Work:
        return lambda i: product(i, settings, operation, 1, "field")

    exact = ("rotate90", "rotate180", "rotate270", "mirror", "flip", "edges", "crop-border")
    return {name: by_name(name) for name in (*exact, "equalise", "distort")} | {
        "translate": lambda i: geometry.translate(i, *SHIFT),
        "rotate": lambda i: geometry.rotate(i, DEGREES),
        "blur": lambda i: intensity.blur(i, SIGMA),
        "light": lambda i: intensity.illuminate(i, 1.05, 0.1, -0.1),
        "stain": lambda i: intensity.restain(i, strength, shift),
        "noise": lambda i: intensity.add_noise(i, NOISE, generator),
        "rotate, labels": lambda i: geometry.rotate(i[..., 0], DEGREES),
        "distort, labels": lambda i: geometry.distort(i[..., 0], moves),
    }


def skimages(shape: tuple[int, int]) -> dict[str, Work]:
    """Return those of scikit-image."""
    height, width = shape
    moves = geometry.draw_displacements(shape, 0.01, np.random.default_rng(0))
    grid = np.mgrid[:height, :width].astype(np.float32)

    def turn(quarters: int) -> Work:
        def work(image):
            # nearest pixels, the fastest it has
            return transform.rotate(image, 90 * quarters, resize=True, order=0, preserve_range=True)

        return lambda image: work(image).astype(np.uint8)

    def elastic(image: np.ndarray, order: int = 1) -> np.ndarray:
        more = [transform.resize(moves[..., k], shape) for k in (0, 1)]
        planes = image[..., None] if image.ndim == 2 else image
        warped = [transform.warp(p, grid + more, order=order) for p in np.moveaxis(planes, -1, 0)]
        return whole(np.stack(warped, axis=-1))

    def plane(image):
        rows, columns = np.ogrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
        gain = 1.05 + 0.1 * rows - 0.1 * columns
        return whole(util.img_as_float32(image) * gain[..., None].astype(np.float32))

    def stain(image):
        return whole(color.hed2rgb(color.rgb2hed(image) * [1.1, 0.95, 1.0]))

    def sobel(image):
        strength = [filters.sobel(image[..., c]) for c in range(3)]
        return whole(1 - 2 * np.stack(strength, axis=-1))

    back = transform.SimilarityTransform(translation=(-SHIFT[1], -SHIFT[0]))
    return {
        "rotate90": turn(1),
        "rotate180": turn(2),
        "rotate270": turn(3),
        "edges": sobel,
        "crop-border": lambda i: util.crop(i, ((96, 96), (128, 128), (0, 0)), copy=True),
        "translate": lambda i: whole(transform.warp(i, back, order=0, mode="symmetric")),
        "rotate": lambda i: whole(transform.rotate(i, DEGREES, mode="symmetric")),
        "blur": lambda i: whole(filters.gaussian(i, SIGMA, channel_axis=-1)),
        "distort": elastic,
        "equalise": lambda i: whole(
            np.stack([exposure.equalize_hist(i[..., c]) for c in range(3)], axis=-1)
        ),
        "light": plane,
        "stain": stain,
        "noise": lambda i: whole(util.random_noise(i, var=(NOISE / 255) ** 2)),
        "rotate, labels": lambda i: whole(
            transform.rotate(i[..., 0], DEGREES, order=0, mode="symmetric")
        ),
        "distort, labels": lambda i: elastic(i[..., 0], 0),
    }


def albumentations(shape: tuple[int, int]) -> dict[str, Work]:
    """Return those of albumentations; ImportError where it is not installed."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations as a
    import cv2

    height, width = shape
    mirror = {"border_mode": cv2.BORDER_REFLECT}
    nearest = {"interpolation": cv2.INTER_NEAREST}
    down, right = SHIFT
    elastic = {"alpha": 300, "sigma": 30, "approximate": True}
    transforms = {
        "mirror": a.HorizontalFlip(),
        "flip": a.VerticalFlip(),
        "crop-border": a.Crop(128, 96, width - 128, height - 96),
        "translate": a.Affine(translate_px={"x": (right, right), "y": (down, down)}, **mirror),
        "rotate": a.Rotate((DEGREES, DEGREES), **mirror),
        "blur": a.GaussianBlur(blur_limit=0, sigma_limit=(SIGMA, SIGMA)),
        "distort": a.ElasticTransform(**elastic),
        "equalise": a.Equalize(),
        "light": a.Illumination(mode="linear", intensity_range=(0.1, 0.1)),
        "stain": a.HEStain(),
        "noise": a.GaussNoise(std_range=(NOISE / 255, NOISE / 255), per_channel=True),
    }
    for step in transforms.values():
        step.p = 1.0
    works = {name: (lambda i, t=t: t(image=i)["image"]) for name, t in transforms.items()}
    # its turn by a chosen number of quarters is the function below its class
    for quarters in (1, 2, 3):
        works[f"rotate{90 * quarters}"] = quarter_turn(quarters)
    labels = {
        "rotate, labels": a.Rotate((DEGREES, DEGREES), **mirror, **nearest, p=1),
        "distort, labels": a.ElasticTransform(**elastic, **nearest, p=1),
    }
    works |= {n: (lambda i, t=t: t(image=i[..., 0])["image"]) for n, t in labels.items()}
    return works


def quarter_turn(quarters: int) -> Work:
    """Turn as albumentations' RandomRotate90 does when it has drawn this number."""
    from albumentations import RandomRotate90

    step = RandomRotate90(p=1)
    # a view, which the pipeline around it copies
    return lambda image: np.ascontiguousarray(step.apply(image, factor=quarters))


def in_turns(works: dict[str, Work], image: np.ndarray, repeats: int) -> dict[str, list[float]]:
    """Seconds of each library, all of them once in each round, in an order that is drawn."""
    times: dict[str, list[float]] = {name: [] for name in works}
    rng = random.Random(0)
    for round_ in range(repeats + 1):
        for name in rng.sample(list(works), len(works)):
            gc.collect()
            start = time.perf_counter()
            result = works[name](image)
            seconds = time.perf_counter() - start
            assert result.dtype == np.uint8, (name, result.dtype)
            assert result.flags.c_contiguous, name  # a view would not be finished yet
            if round_:  # the first sets things up
                times[name].append(seconds)
            del result
    return times


def ratios(times: dict[str, list[float]], name: str) -> str:
    """Time over ours in the same round: median and quartiles."""
    if name not in times:
        return "-"
    over = [t / o for t, o in zip(times[name], times[OURS], strict=True)]
    low, middle, high = statistics.quantiles(over, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def field(path: Path | None) -> np.ndarray:
    """Return the photograph, or one of a smooth random picture, of 2560x1920 pixels."""
    if path is not None:
        from napari_marrow.data.images import read_image

        return read_image(path)
    noise = np.random.default_rng(0).integers(60, 240, (240, 320, 3)).astype(np.uint8)
    return np.array(Image.fromarray(noise).resize((2560, 1920), Image.Resampling.BICUBIC))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photograph", type=Path, nargs="?")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    image = field(options.photograph)
    shape = image.shape[:2]
    libraries = {OURS: ours(shape), SKIMAGE: skimages(shape)}
    try:
        libraries[ALBUMENTATIONS] = albumentations(shape)
    except ImportError:
        print("left out: albumentations is not installed")
    names = {SKIMAGE: SKIMAGE, "Pillow": "pillow", "numpy": "numpy"}
    if ALBUMENTATIONS in libraries:
        names |= {ALBUMENTATIONS: ALBUMENTATIONS, "OpenCV": "opencv-python-headless"}
    print(", ".join(f"{n} {importlib.metadata.version(d)}" for n, d in names.items()))
    python = platform.python_version()
    print(f"machine: {platform.system()}, {os.cpu_count()} cores, Python {python}")
    print(f"field: {shape[1]}x{shape[0]} pixels; {options.repeats} rounds\n")
    peers = [name for name in libraries if name != OURS]
    print(f"| operation | {OURS} | " + " | ".join(f"{p}, over ours" for p in peers) + " |")
    print("|" + "---|" * (2 + len(peers)))
    sums: dict[str, list[float]] = {p: [] for p in peers}
    own: dict[str, list[float]] = {p: [] for p in peers}
    for operation in libraries[OURS]:
        works = {n: w[operation] for n, w in libraries.items() if operation in w}
        times = in_turns(works, image, options.repeats)
        row = [operation, f"{1000 * statistics.median(times[OURS]):.1f} ms"]
        print("| " + " | ".join([*row, *(ratios(times, p) for p in peers)]) + " |", flush=True)
        for p in set(peers) & set(times):
            sums[p].append(statistics.median(times[p]))
            own[p].append(statistics.median(times[OURS]))
    print("\nall operations that both have, one after the other, by their medians:")
    for p in peers:
        print(f"- {p}: {sum(sums[p]):.2f} s, {OURS}: {sum(own[p]):.2f} s")


if __name__ == "__main__":
    main()
