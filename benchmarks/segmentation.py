"""How well nuclei and cells are found on real photographs with masks drawn by hand.

    python benchmarks/segmentation.py FOLDER

FOLDER holds snam-thumbnails, all-idb2 with all-idb2-masks, wbc-dataset1 and segpc. The same
settings for all; a plain green-channel multi-Otsu stands beside, as anybody would try it first.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.filters import threshold_multiotsu

from napari_marrow.imaging.segmentation import segment_cytoplasm, segment_nuclei
from napari_marrow.simulation.phantom import PhantomSettings, draw_field

COUNTED = {1: 7, 2: 6, 3: 12, 4: 3, 5: 5}
"""Nuclei in the fields ALL_1 to ALL_5, counted by eye, cut-off ones included."""
MIN_REGION_PX = 500
"""Regions of the merged cell masks under so many pixels are crumbs."""


@dataclass
class Drawn:
    """A photograph with the nuclei and, where they are known, the cells that somebody drew."""

    name: str
    image: NDArray[np.uint8]
    nuclei: NDArray[np.bool_]
    cells: NDArray[np.bool_] | None = None


def rgb(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path).convert("RGB"))


def grey(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path).convert("L"))


def fields(root: Path) -> Iterator[Drawn]:
    for k in COUNTED:
        path = root / f"snam-thumbnails/ALL/ALL_{k}.png"
        yield Drawn(path.stem, rgb(path), grey(path.with_stem(f"ALL_{k}_nucleus_mask")) > 127)


def all_idb(root: Path) -> Iterator[Drawn]:
    for path in sorted((root / "all-idb2").rglob("*.tif")):
        drawn = rgb(root / "all-idb2-masks" / path.parent.name / path.name)
        nuclei = (drawn == (0, 255, 255)).all(axis=-1)
        yield Drawn(path.stem, rgb(path), nuclei, nuclei | (drawn == (0, 0, 255)).all(axis=-1))


def white_cells(root: Path) -> Iterator[Drawn]:
    for path in sorted((root / "wbc-dataset1").glob("*.bmp")):
        drawn = grey(path.with_suffix(".png"))
        yield Drawn(path.stem, rgb(path), drawn > 191, drawn > 64)


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return 2 * np.count_nonzero(found & truth) / max(1, found.sum() + truth.sum())


def iou(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return np.count_nonzero(found & truth) / max(1, np.count_nonzero(found | truth))


def plain(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return image[..., 1] <= threshold_multiotsu(image[..., 1], classes=3)[0]


def scores(pictures: Iterator[Drawn]) -> dict[str, NDArray[np.float64]]:
    """Dice of nuclei, ours and plain, IoU of cells, and the number of nuclei, by picture."""
    rows = []
    for p in pictures:
        labels = segment_nuclei(p.image)
        cells = np.nan
        if p.cells is not None:
            cells = iou((labels > 0) | (segment_cytoplasm(p.image, labels) > 0), p.cells)
        beside = dice(plain(p.image), p.nuclei)
        rows.append((dice(labels > 0, p.nuclei), beside, cells, labels.max()))
    return dict(zip(("nuclei", "plain", "cells", "count"), np.array(rows).T, strict=True))


def held_regions(root: Path) -> tuple[int, int]:
    """Regions of merged whole cells, and how many hold the centre of a found nucleus."""
    held = regions = 0
    for path in sorted((root / "segpc/images").glob("*.jpg")):
        labels = segment_nuclei(rgb(path))
        pieces, count = ndimage.label(grey(root / "segpc/cell_masks" / path.name) >= 128)
        areas = np.bincount(pieces.ravel(), minlength=count + 1)
        large = set(np.flatnonzero(areas >= MIN_REGION_PX)) - {0}
        centres = ndimage.center_of_mass(labels > 0, labels, np.arange(1, labels.max() + 1))
        found = {pieces[round(y), round(x)] for y, x in centres}
        regions, held = regions + len(large), held + len(large & found)
    return held, regions


def seconds_a_field(repeats: int = 5) -> float:
    field = draw_field("ALL", 1, PhantomSettings(width=2560, height=1920)).image
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        segment_nuclei(field)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def row(what: str, bar: str, found: str) -> None:
    print(f"| {what} | {bar} | {found} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    root = parser.parse_args().folder
    ours = scores(fields(root))
    marrow, plainly = ours["nuclei"][:4], ours["plain"][:4]
    print("| what | bar | measured (plain multi-Otsu of green) |\n|---|---|---|")
    each = ", ".join(f"{value:.3f}" for value in ours["nuclei"])
    row(
        "nuclei of ALL_1 to ALL_4, Dice, mean",
        "0.922",
        f"{marrow.mean():.3f} ({plainly.mean():.3f})",
    )
    row("the same, worst", "0.90", f"{marrow.min():.3f} ({plainly.min():.3f}); ALL_1 to 5: {each}")
    counts = ", ".join(
        f"{int(n)} of {truth}" for n, truth in zip(ours["count"], COUNTED.values(), strict=True)
    )
    row("nuclei counted, ALL_1 to ALL_5", "within 1", counts)
    for name, bar, pictures in (("all-idb2", 0.956, all_idb), ("wbc-dataset1", 0.96, white_cells)):
        found = scores(pictures(root))
        mean, beside = found["nuclei"].mean(), found["plain"].mean()
        row(f"nuclei of {name}, Dice, mean", f"{bar}", f"{mean:.4f} ({beside:.4f})")
        low, plain_low = (int((found[k] < 0.5).sum()) for k in ("nuclei", "plain"))
        row(f"pictures of {name} under 0.5", "none", f"{low} ({plain_low})")
        row(f"cells of {name}, IoU, mean", "0.85", f"{found['cells'].mean():.3f}")
    held, regions = held_regions(root)
    row("segpc: regions with a found nucleus", "98 %", f"{held} of {regions}")
    row("one field of 2560x1920", "1.5 s", f"{seconds_a_field():.2f} s")


if __name__ == "__main__":
    main()
