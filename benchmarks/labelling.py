"""Time of labelling the cells of a folder's stack, first and after a training on it.

    python benchmarks/labelling.py FOLDER

"first" is with an empty cache, as it is for a photograph that was never opened; "after training"
labels the same stack in another process than the training, as the viewer does. Both answers must be
the same. The cache is a temporary folder; only the labelling itself is measured, not napari.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from napari.components import ViewerModel

from napari_marrow.data.cache import FOLDER_VARIABLE
from napari_marrow.learning.bundles.bundle import Bundle, load_bundle
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.make.predictions import LabelledPhotograph, predict_photographs
from napari_marrow.viewer.photograph.photograph import Photograph

MODELS = ("svm", "dcnn")
EPOCHS = 2
"""How well a network learns does not matter here."""


def label(folder: Path, bundle: Bundle) -> tuple[list[LabelledPhotograph], float, float]:
    """Label a folder's stack that was just opened; return wall and processor time in seconds."""
    viewer = ViewerModel()
    for data, options, kind in read(str(folder)):
        getattr(viewer, f"add_{kind}")(data, **options)
    photographs = Photograph.all_of(viewer.layers)
    begun = time.perf_counter(), time.process_time()
    labelled = predict_photographs(bundle, photographs)
    return labelled, time.perf_counter() - begun[0], time.process_time() - begun[1]


def check_same(one: list[LabelledPhotograph], other: list[LabelledPhotograph]) -> None:
    """Raise AssertionError where tables or labels differ."""
    for a, b in zip(one, other, strict=True):
        for p, q in zip(a.predictions, b.predictions, strict=True):
            pd.testing.assert_frame_equal(p.table, q.table, rtol=0, atol=1e-6)
        for c, d in zip(a.cells, b.cells, strict=True):
            np.testing.assert_array_equal(c.decode(), d.decode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    print("| model | time | first | after training | ratio |\n|---|---|---|---|---|")
    for model in MODELS:
        with tempfile.TemporaryDirectory() as temporary:
            bundle_path = Path(temporary) / "cells.marrow"
            os.environ[FOLDER_VARIABLE] = f"{temporary}/cache"
            train = ["train", folder, "--out", bundle_path, "--model", model, "--unit", "cell"]
            command = [Path(sys.executable).with_name("napari-marrow"), *train, "--epochs", EPOCHS]
            subprocess.run([*map(str, command)], check=True, capture_output=True)
            bundle = load_bundle(bundle_path)
            label(folder, bundle)  # imports, and opens the model
            after, *quick = label(folder, bundle)
            os.environ[FOLDER_VARIABLE] = f"{temporary}/empty"
            first, *slow = label(folder, bundle)
        check_same(first, after)
        for name, a, b in zip(("wall", "processor"), slow, quick, strict=True):
            print(f"| {model} | {name} | {a:.1f} s | {b:.1f} s | {a / b:.1f} |")


if __name__ == "__main__":
    main()
