"""Switch off each stage of segmentation in turn and measure what is lost.

    python benchmarks/segmentation_ablation.py FOLDER --labs-every 8 --processes 2

FOLDER holds snam-thumbnails, all-idb2 with all-idb2-masks, wbc-dataset1 and labs. A row holds

- mean Dice of the nucleus masks of ALL_1 to ALL_4, of all-idb2 and of wbc-dataset1;
- percentage of the pictures of each laboratory of ``labs`` with a nucleus found at the cell: a
  label that comes within a quarter of the picture's width of its centre, and whose area is that of
  a disc between 1/16 and 7/8 of the shorter side;
- the same over all laboratories, altered: contrast times 0.4, a vignette of 0.5, a blur of 2 px;
- nuclei a picture, where one is right: cells cut out on black, of cnmc;
- mean Dice in mosaics: ALL_1 to ALL_4, each mirrored to 1280x960 pixels, and in round fields: the
  same four with a dark surround;
- false nuclei a picture, in pictures without nuclei: background (the largest part of a
  photograph that is free of nuclei, mirrored to a field), simulated fields of
  red cells alone, and blank pictures (noise around seven levels, a page of text);
- error of the number of touching nuclei in simulated fields, which Dice does not see, in per cent;
- processor time a picture, in seconds.

``--only baseline`` measures the present pipeline alone. ``--side even`` and ``--side odd`` take one
half of the files of all-idb2, wbc-dataset1 and the laboratories, and other simulated fields: the
even half is for development, the odd half is to judge. ALL_1 to ALL_4 are in both.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from multiprocessing import Pool
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from segmentation import Drawn, all_idb, dice, fields, rgb, white_cells
from skimage.filters import threshold_otsu

from napari_marrow.imaging import nuclei, segmentation
from napari_marrow.simulation.phantom import PhantomSettings, draw_field

LABS = ("bccd", "lisc", "pbc-yellow", "idb-olympus")
SETS = ("snam", "all-idb2", "wbc")
DICE = (*SETS, "mosaic", "round")
EMPTY = ("background", "red cells", "blank")
COUNTED = ("cut out", *EMPTY)
FIELD_SHAPES = ((480, 640), (960, 1280))
SURROUND_LEVEL = 25
MIN_BACKGROUND_SIZE_PX = 64
NOISE_LEVELS = ((1.5, 1), (5, 2), (20, 4), (128, 3), (230, 1), (230, 3), (230, 8))
CONTRAST, VIGNETTE, BLUR_PX = 0.4, 0.5, 2.0
ROOT = "napari_marrow.imaging."
PICTURES: list[Sample] = []
"""All pictures, in each process."""


@dataclass
class Variant:
    """A name and the attributes of the package's modules that are replaced for it."""

    name: str
    replaced: dict[str, object] = field(default_factory=dict)


def first_argument(mask, *_, **__):
    return mask


def no_surround(image):
    return np.zeros(image.shape[:2], bool)


def never(*_):
    return False


def two_class_threshold(values):
    return threshold_otsu(values) if values.size and np.ptp(values) else np.inf


VARIANTS = [
    Variant("baseline"),
    Variant("blue not subtracted", {"segmentation.BLUE_WEIGHT": 0.0}),
    Variant("blue subtracted fully", {"segmentation.BLUE_WEIGHT": 1.0}),
    Variant("Otsu in place of multi-Otsu", {"segmentation._upper_threshold": two_class_threshold}),
    Variant("no opening", {"segmentation._opened": first_argument}),
    Variant("what is not purple kept", {"segmentation.MAX_BLUE_TO_GREEN": np.inf}),
    Variant("faint nuclei kept", {"segmentation.MIN_DENSITY": -np.inf}),
    Variant("neighbours of one cell kept", {"segmentation._without_neighbours": first_argument}),
    Variant("one working size", {"segmentation.MIN_DIAMETER_PX": 0}),
    Variant("surround kept", {"segmentation.surround": no_surround}),
    Variant("cut-out cells as others", {"segmentation.is_cut_out": never}),
    Variant("all holes filled", {"nuclei.fill_holes": ndimage.binary_fill_holes}),
    Variant("no holes filled", {"nuclei.fill_holes": first_argument}),
    Variant("holes: convexity ignored", {"fill_holes.MIN_NUCLEUS_SOLIDITY": 2.0}),
    Variant("depth not smoothed", {"nuclei.SMOOTHING_SIGMA_RADII": 0.0}),
    Variant("specks kept", {"nuclei.MIN_AREA_FRACTION": 0.0}),
]


# --- pictures ------------------------------------------------------------------------------------


@dataclass
class Sample:
    """A picture of one group; with its mask, or to be searched for a nucleus at its centre."""

    group: str
    image: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None = None


def masked(root: Path, side: str, every: int) -> Iterator[Sample]:
    sets: Iterable[tuple[str, Iterator[Drawn]]] = zip(
        SETS, (fields(root), all_idb(root), white_cells(root)), strict=True
    )
    for name, pictures in sets:
        for k, drawn in enumerate(pictures):
            taken = k in range(*half(side).indices(k + 1))[::every]
            if drawn.name != "ALL_5" if name == "snam" else taken:
                yield Sample(name, drawn.image, drawn.nuclei)


def half(side: str) -> slice:
    return {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}[side]


def lab_files(root: Path, lab: str, side: str, every: int) -> list[Path]:
    paths = sorted(p for p in (root / "labs" / lab).rglob("*") if p.is_file())
    return paths[half(side)][::every]


def lower_contrast(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mean = image.mean(axis=(0, 1))
    return np.rint(mean + CONTRAST * (image - mean)).astype(np.uint8)


def vignetted(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The light falls with the square of the distance, to half in the corners."""
    height, width = image.shape[:2]
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    return np.rint(image * (1 - VIGNETTE * (y**2 + x**2) / 2)[..., None]).astype(np.uint8)


def blurred(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return ndimage.gaussian_filter(image, (BLUR_PX, BLUR_PX, 0))


ALTERED: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "contrast": lower_contrast,
    "vignette": vignetted,
    "blur": blurred,
}


def round_fields(pictures: list[Sample]) -> Iterator[Sample]:
    """Fields as an eyepiece shows them: dark outside of a circle."""
    for sample in pictures:
        if sample.group == "snam" and sample.mask is not None:
            height, width = sample.mask.shape
            rows, columns = np.ogrid[:height, :width]
            away = np.hypot(rows - height / 2, columns - width / 2)[..., None] - height / 2
            part = 1 / (1 + np.exp(np.clip(away, -50, 50)))
            image = np.rint(sample.image * part + SURROUND_LEVEL * (1 - part)).astype(np.uint8)
            yield Sample("round", image, sample.mask & (away[..., 0] < 0))


def cut_out(root: Path, side: str) -> Iterator[Sample]:
    for path in sorted((root / "cnmc").rglob("*.bmp"))[half(side)]:
        yield Sample("cut out", rgb(path))


def mirrored(image: NDArray, shape: tuple[int, int]) -> NDArray:
    """Repeat a picture, mirrored at its edges, until it has a shape."""
    missing = [(0, max(0, n - m)) for n, m in zip(shape, image.shape[:2], strict=True)]
    padded = np.pad(image, missing + [(0, 0)] * (image.ndim - 2), mode="symmetric")
    return padded[: shape[0], : shape[1]]


def mosaics(pictures: list[Sample]) -> Iterator[Sample]:
    """Fields of many small nuclei."""
    for sample in pictures:
        if sample.group == "snam" and sample.mask is not None:
            image, mask = (mirrored(a, FIELD_SHAPES[1]) for a in (sample.image, sample.mask))
            yield Sample("mosaic", image, mask)


def backgrounds(pictures: list[Sample]) -> Iterator[Sample]:
    """The largest part without nuclei of each photograph of a field or of ALL-IDB2."""
    for sample in pictures:
        if sample.group in ("snam", "all-idb2") and sample.mask is not None:
            near = ndimage.binary_dilation(sample.mask, iterations=8)
            near |= ndimage.binary_dilation(segmentation.segment_nuclei(sample.image), iterations=8)
            free = sample.image[largest_free(near)]
            if min(free.shape[:2]) >= MIN_BACKGROUND_SIZE_PX:
                shape = FIELD_SHAPES[sample.group == "snam"]
                yield Sample("background", mirrored(free, shape))


def largest_free(mask: NDArray[np.bool_], step: int = 8) -> tuple[slice, slice]:
    """Return the largest rectangle, in steps of some pixels, in which a mask is False."""
    sums = np.pad(mask.cumsum(0).cumsum(1), ((1, 0), (1, 0)))[::step, ::step]
    height, width = sums.shape
    best, area = (slice(0), slice(0)), 0
    for top, bottom in combinations(range(height), 2):
        columns, left = sums[bottom] - sums[top], 0
        for right in range(1, width):
            while columns[right] > columns[left]:
                left += 1
            if (bottom - top) * (right - left) > area:
                area = (bottom - top) * (right - left)
                best = slice(top * step, bottom * step), slice(left * step, right * step)
    return best


def red_cells(side: str) -> Iterator[Sample]:
    """Simulated fields whose white cells are left out."""
    settings = PhantomSettings(width=640, height=480, seed=1 + (side == "odd"))
    with patch("napari_marrow.simulation.phantom.plan_white_cells", lambda *_, **__: []):
        for k in range(1, 7):
            yield Sample("red cells", draw_field("ALL", k, settings).image)


def blanks(side: str) -> Iterator[Sample]:
    """Noise from the closed shutter (level 1.5) to an empty field, and a page of text."""
    random = np.random.default_rng(side == "odd")
    page = Image.new("RGB", (640, 480), (250, 250, 248))
    for row in range(20, 460, 14):
        ImageDraw.Draw(page).text((30, row), "Acute lymphoblastic leukaemia " * 3, (30, 30, 40))
    yield Sample("blank", np.asarray(page))
    for level, deviation in NOISE_LEVELS:
        for height, width in FIELD_SHAPES:
            noise = random.normal(level, deviation, (height, width, 3))
            yield Sample("blank", np.clip(np.rint(noise), 0, 255).astype(np.uint8))


def samples(root: Path, options: argparse.Namespace) -> list[Sample]:
    found = list(masked(root, options.side, options.every))
    found += [*mosaics(found), *round_fields(found), *cut_out(root, options.side)]
    found += [*backgrounds(found), *red_cells(options.side), *blanks(options.side)]
    for lab in LABS:
        for path in lab_files(root, lab, options.side, options.labs_every):
            image = rgb(path)
            found.append(Sample(lab, image))
            if options.altered:
                found += [Sample(f"{lab} {name}", alter(image)) for name, alter in ALTERED.items()]
    return found


# --- measures ------------------------------------------------------------------------------------


def has_central_nucleus(labels: NDArray[np.integer]) -> bool:
    height, width = labels.shape
    shorter = min(height, width)
    low, high = (np.pi / 4 * (part * shorter) ** 2 for part in (1 / 16, 7 / 8))
    rows, columns = np.ogrid[:height, :width]
    near = np.hypot(rows + 0.5 - height / 2, columns + 0.5 - width / 2) <= width / 4
    areas = np.bincount(labels.ravel())[np.unique(labels[near & (labels > 0)])]
    return bool(((areas >= low) & (areas <= high)).any())


def count_error() -> float:
    """Part of the touching nuclei of simulated fields that are too many or too few, in per cent."""
    settings = PhantomSettings(width=512, height=384, touching=True, seed=3)
    wrong = total = 0
    for name in ("ALL", "MM"):
        for k in range(1, 5):
            truth = draw_field(name, k, settings).nuclei
            found = nuclei.separate(truth > 0)
            wrong, total = wrong + abs(int(truth.max()) - int(found.max())), total + truth.max()
    return 100 * wrong / total


def measure(variant: Variant) -> dict[str, float]:
    """Mean of each column over the pictures of its group."""
    values = defaultdict(list)
    patches = [patch(ROOT + name, value) for name, value in variant.replaced.items()]
    for each in patches:
        each.start()
    start = time.process_time()
    for sample in PICTURES:
        labels = segmentation.segment_nuclei(sample.image)
        if sample.mask is not None:
            values[sample.group].append(dice(labels > 0, sample.mask))
        elif sample.group in COUNTED:
            values[sample.group].append(float(labels.max()))
        else:
            altered = sample.group.partition(" ")[2]
            column = altered if altered in ALTERED else sample.group
            values[column].append(100.0 * has_central_nucleus(labels))
    values["seconds"].append((time.process_time() - start) / len(PICTURES))
    values["count error"].append(count_error())
    for each in patches:
        each.stop()
    return {name: float(np.mean(value)) for name, value in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take each Nth picture with a mask")
    parser.add_argument("--labs-every", type=int, default=1, help="take each Nth of the labs")
    parser.add_argument("--side", choices=("all", "even", "odd"), default="all")
    parser.add_argument("--altered", action="store_true", help="measure altered pictures too")
    parser.add_argument("--only", nargs="*", help="names of variants")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    pictures = samples(options.folder, options)
    variants = [v for v in VARIANTS if not options.only or v.name in options.only]
    altered = ALTERED if options.altered else ()
    columns = [*DICE, *LABS, *altered, *COUNTED, "count error", "seconds"]
    print(f"{len(pictures)} pictures\n")
    print("|".join(["", "variant", *columns, ""]))
    print("|".join(["", *["---"] * (len(columns) + 1), ""]), flush=True)
    with Pool(options.processes, PICTURES.extend, (pictures,)) as pool:
        rows = pool.imap(measure, variants)
        for variant, row in zip(variants, rows, strict=True):
            cells = [f"{row[c]:.4f}" if c in DICE else f"{row[c]:.3g}" for c in columns]
            print("|".join(["", variant.name, *cells, ""]), flush=True)


if __name__ == "__main__":
    main()
