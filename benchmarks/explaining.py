"""How far Grad-CAM can be believed, and how long an explanation takes.

    python benchmarks/explaining.py BUNDLE FOLDER [--cells N]

Cells of photographs that the network did not learn from (its held-out side), one a photograph, are
explained. Prints quartiles of what each map shows and how it agrees with the checks, the share of
cells with each verdict, and the time of each part. Needs Keras.
"""

from __future__ import annotations

import argparse
import io
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from napari_marrow.data.layouts import scan
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.jobs.explain import N_DRAWS
from napari_marrow.learning.bundle_files import HELDOUT, WEIGHTS
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.explaining.cell_maps import CellMaps, network_of, see_cell
from napari_marrow.learning.explaining.heat_maps import occlude
from napari_marrow.learning.network_training.import_keras import start_keras
from napari_marrow.learning.network_training.rebuild import rebuild
from napari_marrow.learning.units.samples import cells_of


def figures(maps: CellMaps) -> dict[str, float]:
    """Return the parts of the maps in nucleus and cell over those of the area, and agreements."""
    found = {}
    for name, shares in (("Grad-CAM", maps.of_grad_cam), ("occlusion", maps.of_occlusion)):
        assert shares is not None
        found |= {
            f"{name} in the nucleus": shares.nucleus,
            f"{name} in the cell": shares.cell,
        }
    return found | {
        "nucleus in the square": maps.area.nucleus,
        "cell in the square": maps.area.cell,
        "Grad-CAM with occlusion": maps.agreement,
        "spot with occlusion": maps.spot_agreement,
        "Grad-CAM with last layer drawn anew": maps.random_agreement,
    }


def main() -> None:
    """Explain cells and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=60)
    asked = parser.parse_args()
    bundle, collection = load_bundle(asked.bundle), scan(asked.folder)
    heldout = bundle.read(HELDOUT, lambda content: pd.read_csv(io.BytesIO(content), dtype=str))
    fields = [x for x in collection.fields if collection.label(x) in {*heldout["image"]}]
    fields = np.random.default_rng(0).permutation(np.array(fields, object))[: asked.cells]
    start_keras()
    from safetensors.numpy import load

    from napari_marrow.learning.network_training.grad_cam import grad_cam, randomised_grad_cam

    info, network = bundle.info, network_of(bundle)
    weights = bundle.read(WEIGHTS, load)
    keras = rebuild(info.settings, len(info.classes), weights, len(info.features))
    rows, verdicts, seconds = [], Counter[str](), []
    for field in fields:
        image = field.image()
        nuclei = cells_of(image, field_labels(field))
        if not nuclei.any():
            continue
        sizes = np.bincount(nuclei.ravel())[1:]
        started = time.perf_counter()
        seen = see_cell(bundle, image, nuclei, int(sizes.argmax()) + 1)
        cut = time.perf_counter()
        occlusion = occlude(network.ask, seen.image, seen.answer, seen.fill)
        covered = time.perf_counter()
        heat = grad_cam(keras, seen.image, seen.answer)
        mapped = time.perf_counter()
        drawn = randomised_grad_cam(keras, seen.image, seen.answer, draws=N_DRAWS)
        ended = time.perf_counter()
        maps = CellMaps.of(info.classes, seen, occlusion, heat, drawn)
        rows.append(figures(maps))
        verdicts[maps.check_sentence.split("(")[0]] += 1
        times = (started, cut, covered, mapped, ended)
        seconds.append(np.diff(times))
    table = pd.DataFrame(rows)
    print(f"{len(table)} cells of {asked.bundle}, held out, the largest of each photograph")
    print(table.quantile([0.25, 0.5, 0.75]).T.round(2).to_string())
    for verdict, count in verdicts.most_common():
        print(f"{count / len(table):.0%} {verdict}")
    names = ("cut out and answer", "occlusion", "Grad-CAM", f"{N_DRAWS} drawn anew")
    for name, value in zip(names, np.median(seconds, axis=0), strict=True):
        print(f"{name}: {1000 * value:.0f} ms")


if __name__ == "__main__":
    main()
