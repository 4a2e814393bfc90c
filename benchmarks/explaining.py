"""How far Grad-CAM can be believed, and how long an explanation of a cell takes.

    python benchmarks/explaining.py REAL [--sets pbc-yellow,bccd,lisc] [--models dcnn] [--cells 60]

Each network is trained on a laboratory with the default settings, and explains cells of
photographs of its held-out side, the largest of each photograph.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.jobs.explain import find_grad_cam
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.bundle_files import HELDOUT
from napari_marrow.learning.bundles.bundle import Bundle, load_bundle
from napari_marrow.learning.explaining.cell_maps import CellMaps, Shares, cover_cell, see_cell
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.samples import cells_of

STEPS = ("cut out and asked", "occlusion", "Grad-CAM, six times")


def explain_held_out(
    bundle: Bundle, collection: Collection, n_cells: int
) -> tuple[list[CellMaps], np.ndarray]:
    """Return the maps of held-out cells, and the median time of each step, in seconds."""
    heldout = bundle.read(HELDOUT, lambda content: pd.read_csv(io.BytesIO(content), dtype=str))
    known = {*heldout["image"]}
    fields = [x for x in collection.fields if collection.label(x) in known]
    found, times = [], []
    for k in np.random.default_rng(0).permutation(len(fields))[:n_cells]:
        image = fields[k].image()
        nuclei = cells_of(image, field_labels(fields[k]))
        if not nuclei.any():
            continue
        started = time.perf_counter()
        seen = see_cell(bundle, image, nuclei, int(np.bincount(nuclei.ravel())[1:].argmax()) + 1)
        cut = time.perf_counter()
        occlusion = cover_cell(bundle, seen)
        covered = time.perf_counter()
        heat, drawn, why = find_grad_cam(bundle, seen)
        times.append(np.diff([started, cut, covered, time.perf_counter()]))
        found.append(CellMaps.of(bundle.info.classes, seen, occlusion, heat, drawn, why))
    return found, np.median(times, axis=0)


def row_of(name: str, model: str, bundle: Bundle, maps: list[CellMaps]) -> str:
    """Return a row of the table: medians over the cells, of agreements also the quartiles."""
    score = bundle.info.evaluation
    assert score is not None

    def times_area(shares: list[Shares | None], part: str) -> str:
        ratios = [
            getattr(x, part) / getattr(one.area, part)
            for x, one in zip(shares, maps, strict=True)
            if x is not None
        ]
        return f"{np.nanmedian(ratios):.1f}"

    def quartiles(values: list[float]) -> str:
        low, middle, high = np.percentile(values, [25, 50, 75])
        return f"{middle:.2f} ({low:.2f} to {high:.2f})"

    cam, covered = [x.of_grad_cam for x in maps], [x.of_occlusion for x in maps]
    return " | ".join(
        [
            f"| {name}, {model}",
            str(len(maps)),
            f"{score.metrics['balanced_accuracy'].estimate:.2f}",
            f"{times_area(cam, 'nucleus')}, {times_area(cam, 'cell')}",
            f"{times_area(covered, 'nucleus')}, {times_area(covered, 'cell')}",
            quartiles([x.agreement for x in maps]),
            f"{np.median([x.spot_agreement for x in maps]):.2f}",
            f"{np.median([x.random_agreement for x in maps]):.2f}",
            f"{np.mean([x.believed for x in maps]):.0%} |",
        ]
    )


def main() -> None:
    """Train, explain, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("real", type=Path)
    parser.add_argument("--sets", default="pbc-yellow,bccd,lisc")
    parser.add_argument("--models", default="dcnn")
    parser.add_argument("--cells", type=int, default=60)
    asked = parser.parse_args()
    print(
        "| trained on | cells | held-out balanced accuracy | Grad-CAM in nucleus, cell, over the "
        "area's share | occlusion likewise | Grad-CAM with occlusion | spot with occlusion | "
        "last layer drawn anew | can be believed |\n|---|---|---|---|---|---|---|---|---|"
    )
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.sets.split(","):
            collection = scan(asked.real / "labs" / name)
            for model in asked.models.split(","):
                out = Path(folder) / f"{name}-{model}.marrow"
                settings = TrainingSettings(model=model, unit="cell", seed=1)
                run_training(TrainJob(collection, settings, out))
                bundle = load_bundle(out)
                maps, times = explain_held_out(bundle, collection, asked.cells)
                seconds.append(times)
                print(row_of(name, model, bundle, maps), flush=True)
    each = zip(STEPS, np.median(seconds, axis=0), strict=True)
    print("\nTime of one cell: " + ", ".join(f"{x} {1000 * t:.0f} ms" for x, t in each) + ".")


if __name__ == "__main__":
    main()
