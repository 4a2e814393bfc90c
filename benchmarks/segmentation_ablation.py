"""Switch off each stage of segmentation in turn and measure what is lost.

    python benchmarks/segmentation_ablation.py FOLDER --every 4 --labs-every 8 --processes 2

FOLDER holds snam-thumbnails, all-idb2 with all-idb2-masks, wbc-dataset1 and labs. A row holds

- mean Dice of the nucleus masks of ALL_1 to ALL_4, of all-idb2 and of wbc-dataset1;
- percentage of the pictures of each laboratory of ``labs`` with a nucleus found at the cell: a
  label that comes within a quarter of the picture's width of its centre, and whose area is that of
  a disc between 1/16 and 7/8 of the shorter side;
- the same over all laboratories, altered: contrast times 0.4, a vignette of 0.5, a blur of 2 px;
- error of the number of touching nuclei in simulated fields, which Dice does not see, in per cent;
- processor time a picture, in seconds.

``--only baseline`` measures the present pipeline alone. ``--side even`` and ``--side odd`` take one
half of the laboratories' files: the even half is for development, the odd half is to judge.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from segmentation import Drawn, all_idb, dice, fields, rgb, white_cells
from skimage.filters import threshold_otsu

from napari_marrow.imaging import nuclei, segmentation
from napari_marrow.simulation.phantom import PhantomSettings, draw_field

LABS = ("bccd", "lisc", "pbc-yellow", "idb-olympus")
SETS = ("snam", "all-idb2", "wbc")
CONTRAST, VIGNETTE, BLUR_PX = 0.4, 0.5, 2.0
ROOT = "napari_marrow.imaging."


@dataclass
class Variant:
    """A name and the attributes of the package's modules that are replaced for it."""

    name: str
    replaced: dict[str, object] = field(default_factory=dict)


def first_argument(mask, *_, **__):
    return mask


def no_surround(image):
    return np.zeros(image.shape[:2], bool)


def two_class_threshold(values):
    return threshold_otsu(values) if np.ptp(values) else np.inf


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
    Variant("cut-out cells as others", {"segmentation.is_cut_out": lambda _: False}),
    Variant("all holes filled", {"nuclei.fill_holes": ndimage.binary_fill_holes}),
    Variant("no holes filled", {"nuclei.fill_holes": first_argument}),
    Variant("holes: convexity ignored", {"fill_holes.MIN_NUCLEUS_SOLIDITY": 2.0}),
    Variant("holes: radius ignored", {"fill_holes.MAX_HOLE_RADIUS": np.inf}),
    Variant("depth not smoothed", {"nuclei.SMOOTHING": 0.0}),
    Variant("specks kept", {"nuclei.MIN_AREA": 0.0}),
]


# --- pictures ------------------------------------------------------------------------------------


@dataclass
class Sample:
    """A picture of one group; with its mask, or to be searched for a nucleus at its centre."""

    group: str
    image: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None = None


def masked(root: Path, every: int) -> Iterator[Sample]:
    sets: Iterable[tuple[str, Iterator[Drawn]]] = zip(
        SETS, (fields(root), all_idb(root), white_cells(root)), strict=True
    )
    for name, pictures in sets:
        for k, drawn in enumerate(pictures):
            if drawn.name != "ALL_5" and (name == "snam" or k % every == 0):
                yield Sample(name, drawn.image, drawn.nuclei)


def lab_files(root: Path, lab: str, side: str, every: int) -> list[Path]:
    paths = sorted(p for p in (root / "labs" / lab).rglob("*") if p.is_file())
    start = {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}[side]
    return paths[start][::every]


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


def samples(root: Path, options: argparse.Namespace) -> list[Sample]:
    found = list(masked(root, options.every))
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


def measure(variant: Variant, pictures: list[Sample]) -> dict[str, float]:
    """Mean of each column over the pictures of its group."""
    values = defaultdict(list)
    patches = [patch(ROOT + name, value) for name, value in variant.replaced.items()]
    for each in patches:
        each.start()
    start = time.process_time()
    for sample in pictures:
        labels = segmentation.segment_nuclei(sample.image)
        if sample.mask is not None:
            values[sample.group].append(dice(labels > 0, sample.mask))
        else:
            lab, _, altered = sample.group.partition(" ")
            values[altered or lab].append(100.0 * has_central_nucleus(labels))
    values["seconds"].append((time.process_time() - start) / len(pictures))
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
    columns = [*SETS, *LABS, *(ALTERED if options.altered else ()), "count error", "seconds"]
    print(f"{len(pictures)} pictures")
    print("|".join(["", "variant", *columns, ""]))
    print("|".join(["", *["---"] * (len(columns) + 1), ""]), flush=True)
    with Pool(options.processes) as pool:
        rows = pool.imap(partial(measure, pictures=pictures), variants)
        for variant, row in zip(variants, rows, strict=True):
            cells = [f"{row[c]:.4f}" if c in SETS else f"{row[c]:.3g}" for c in columns]
            print("|".join(["", variant.name, *cells, ""]), flush=True)


if __name__ == "__main__":
    main()
