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

from napari_marrow.imaging import candidates, distance, nuclei, segmentation
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


def no_holes_filled(mask):
    return mask, distance.depth_of(mask)


def all_holes_filled(mask):
    return no_holes_filled(ndimage.binary_fill_holes(mask))


def thinned_only(image, longest):
    height, width = image.shape[:2]
    return WORKING_COPY(image, min(longest, max(height, width)))


def without_second_search(density, green, inside, seen=[]):  # noqa: B006 - one picture at a time
    if seen and seen[0] is density:
        return np.zeros_like(inside)
    seen[:] = [density]
    return NUCLEI(density, green, inside)


def unsmoothed_peaks(depth, radius):
    reach = 2 * max(2, round(0.6 * radius)) + 1
    peaks = depth == ndimage.maximum_filter(depth, reach)
    return depth, peaks & (depth >= 0.35 * radius) & (depth > 0)


def unsmoothed_candidates(density, inside, radius=2):
    dark = density[..., 0] + 0.5 * density[..., 1]
    limits = candidates.multi_otsu(dark[inside])
    if limits is None:
        return np.zeros_like(inside)
    return candidates.tidy((dark > limits[-1]) & inside, radius)


def no_surround(image):
    return np.zeros(image.shape[:2], bool)


WORKING_COPY, NUCLEI = segmentation.working_copy, segmentation._nuclei


def holes(name: str, value: float) -> dict[str, object]:
    return {f"fill_holes.{name}": value}


VARIANTS = [
    Variant("baseline"),
    Variant("no local thresholds", {"segmentation.LOOKS": 0}),
    Variant("local thresholds once", {"segmentation.LOOKS": 1}),
    Variant("no spurs removed", {"segmentation.without_spurs": first_argument}),
    Variant("no core", {"segmentation._core": first_argument}),
    Variant("PURPLE off", {"candidates.PURPLE": -9.0}),
    Variant("RED off", {"candidates.RED": -9.0}),
    Variant("NUCLEAR off", {"candidates.NUCLEAR": (-9.0, -9.0, -9.0)}),
    Variant("density not smoothed", {"segmentation.candidates": unsmoothed_candidates}),
    Variant("no opening", {"candidates.opened": first_argument}),
    Variant("neighbours of one cell kept", {"segmentation._of_one_cell": first_argument}),
    Variant("no search apart from dark cells", {"segmentation._nuclei": without_second_search}),
    Variant("small pictures not enlarged", {"segmentation.working_copy": thinned_only}),
    Variant("one working size", {"segmentation.working_size": lambda *_: candidates.LONGEST}),
    Variant("surround kept", {"segmentation.surround": no_surround}),
    Variant("cut-out cells as others", {"segmentation.is_cut_out": lambda _: False}),
    Variant(
        "all holes filled",
        {"candidates.fill_holes": all_holes_filled, "nuclei.fill_holes": all_holes_filled},
    ),
    Variant(
        "no holes filled",
        {"candidates.fill_holes": no_holes_filled, "nuclei.fill_holes": no_holes_filled},
    ),
    Variant("holes: WIDEST off", holes("WIDEST", 1e9)),
    Variant("holes: TINIEST off", holes("TINIEST", 0.0)),
    Variant("holes: PINHOLE off", holes("PINHOLE", 0.0)),
    Variant("holes: COMPACT off", holes("COMPACT", 0.0)),
    Variant("holes: ROUND off", holes("ROUND", 9.0)),
    Variant("holes: LARGEST off", holes("LARGEST", 1e9)),
    Variant("holes: DEEP off", holes("DEEP", 0.0)),
    Variant("holes: REACH off", holes("REACH", 1e9)),
    Variant("holes: SMALL off", holes("SMALL", 0.0)),
    Variant("specks kept", {"nuclei._drop_specks": first_argument}),
    Variant("NARROWEST off", {"nuclei.NARROWEST": 0.0}),
    Variant("depth not smoothed", {"nuclei.peaks_of": unsmoothed_peaks}),
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
