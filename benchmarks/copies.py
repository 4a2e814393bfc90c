"""How well copies of one picture are found by what they show, and how often others are joined.

    python benchmarks/copies.py REAL

REAL holds the real photographs (docs/testing.md). Each gets three copies, turned by quarter turns
or mirrored, scaled by 0.5 to 2 and saved as JPEG of quality 50 to 95, and a hardest one, of half
the size by nearest neighbours and quality 50. Both halves of them are searched with their copies.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from napari_marrow.audit.copies import Copies, Floats, find_copies
from napari_marrow.audit.image_summary import summarize
from napari_marrow.data.fields import Field
from napari_marrow.data.layouts import scan

FOLDERS = ("snam-thumbnails", "segpc", "cnmc", "all-idb2", "wbc-dataset1", "labs")
METHODS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
N_COMPARED = 6000
Pixels = NDArray[np.uint8]


def save(path: Path, image: Pixels, scale: float, method: Image.Resampling, quality: int) -> None:
    """Scale a picture and save it as JPEG."""
    picture = Image.fromarray(np.ascontiguousarray(image))
    size = [max(1, round(length * scale)) for length in picture.size]
    picture.resize(size, method).save(path, quality=quality)


def signatures_of(image: Pixels, folder: Path, rng: np.random.Generator) -> list[Floats]:
    """Return the signatures of a picture, of random copies and of the hardest one."""
    paths = [folder / name for name in ("0.png", "1.jpg", "2.jpg", "3.jpg", "hardest.jpg")]
    Image.fromarray(image).save(paths[0])
    for path in paths[1:-1]:
        turned = np.rot90(image[:, :: rng.choice((1, -1))], rng.integers(4))
        method, quality = METHODS[rng.integers(len(METHODS))], int(rng.integers(50, 96))
        save(path, turned, 2 ** rng.uniform(-1, 1), method, quality)
    save(paths[-1], image[::-1], 0.5, Image.Resampling.NEAREST, 50)
    return [summarize(Field(path, path.stem, path.stem)).signature for path in paths]


def pictures(real: Path) -> list[Pixels]:
    """Return all photographs, those of the same pixels once."""
    fields = [f for folder in FOLDERS for f in scan(real / folder).fields]
    kept = (f for f in fields if f.path.suffix == ".bmp" or "wbc" not in f.path.parent.name)
    images = [f.image() for f in kept]
    return list({(i.shape, i.tobytes()): i for i in images}.values())


def groups_of(found: Copies, count: int) -> NDArray[np.int32]:
    """Return the number of the group that each picture is in."""
    graph = coo_array((np.ones(len(found.first)), (found.first, found.second)), (count, count))
    return connected_components(graph, directed=False)[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("real", type=Path)
    images, rng = pictures(parser.parse_args().real), np.random.default_rng(0)
    print("| pictures | originals | copies | apart from their original | originals joined |")
    print("|---|---|---|---|---|")
    for name, half in (("first half", images[::2]), ("second half", images[1::2])):
        with tempfile.TemporaryDirectory() as folder:
            signatures = np.stack([s for i in half for s in signatures_of(i, Path(folder), rng)])
        groups = groups_of(find_copies(signatures), len(signatures)).reshape(len(half), -1)
        apart = int((groups[:, 1:] != groups[:, :1]).sum())
        joined = len(half) - len(np.unique(groups[:, 0]))
        print(f"| {name} | {len(half)} | {groups[:, 1:].size} | {apart} | {joined} |")
    many = np.resize(signatures, (N_COMPARED, *signatures.shape[1:]))
    start = time.process_time()
    find_copies(many + rng.normal(0, 0.01, many.shape).astype(np.float32))
    print(f"\nPairs of {N_COMPARED} pictures are compared in {time.process_time() - start:.1f} s.")


if __name__ == "__main__":
    main()
