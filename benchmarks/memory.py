"""Memory of the viewer over rounds of predicting all cells and showing them in their colours.

    xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/memory.py [--rounds 200]

A classical model is trained on simulated fields, which are then open in a viewer. Each round
predicts their cells, shows them, moves the slider, and corrects the class of one cell, which
recolours. A table has the memory of the process every 20 rounds. By round 20 all is imported and
caches are full; what grows from then on is a leak. The last line is the ratio of the end to that.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import time
from pathlib import Path

N_FIELDS, EVERY, LIMIT = 8, 20, 1.05


def resident_mb() -> float:
    """Return the memory of this process that is in use, in MB (of Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def make_bundle(folder: Path, fields: Path):
    """Write simulated fields, and train a support vector machine on their cells."""
    from napari_marrow.data.layouts import scan
    from napari_marrow.jobs.train import train
    from napari_marrow.learning.bundles.bundle import load_bundle
    from napari_marrow.learning.settings import TrainingSettings
    from napari_marrow.simulation.phantom import PhantomSettings, write_phantom

    write_phantom(fields, PhantomSettings(fields=N_FIELDS, width=640, height=480, seed=1))
    settings = TrainingSettings(model="svm", unit="cell", seed=1)
    train(scan(fields), settings, folder)
    return load_bundle(folder)


def one_round(viewer, bundle, number: int) -> None:
    """Predict all cells, show them, look at two fields, and correct a cell."""
    from qtpy.QtWidgets import QApplication

    from napari_marrow.viewer.behaviours.corrections import attach_corrections
    from napari_marrow.viewer.make.predictions import predict_photographs, show_predictions
    from napari_marrow.viewer.photograph.photograph import Photograph
    from napari_marrow.viewer.records import AnsweringModel

    model = AnsweringModel(bundle.fingerprint, "svm")
    for labelled in predict_photographs(bundle, Photograph.chosen_of(list(viewer.layers))):
        show_predictions(viewer, labelled, bundle.info.classes, model)
    (cells,) = [x for x in viewer.layers if "predicted" in x.name]
    viewer.dims.set_current_step(0, number % N_FIELDS)
    classes = cells.features["class"].astype(object)
    classes.iloc[number % len(classes)] = bundle.info.classes[number % 2]
    cells.features = cells.features.assign(**{"class": classes})
    attach_corrections(viewer).look()
    for _ in range(3):
        QApplication.processEvents()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    import napari

    with tempfile.TemporaryDirectory() as temporary:
        os.environ.setdefault("NAPARI_MARROW_CACHE", f"{temporary}/cache")
        fields = Path(temporary) / "fields"
        bundle = make_bundle(Path(temporary) / "cells.marrow", fields)
        viewer = napari.Viewer()
        viewer.open(str(fields), plugin="napari-marrow")
        print("| round | memory | time |\n|---|---|---|")
        begun, known = time.perf_counter(), dict[int, float]()
        for number in range(1, rounds + 1):
            one_round(viewer, bundle, number)
            if number % EVERY == 0:
                gc.collect()
                known[number] = resident_mb()
                seconds = time.perf_counter() - begun
                print(f"| {number} | {known[number]:.0f} MB | {seconds:.0f} s |", flush=True)
        viewer.close()
    ratio = known[max(known)] / known[EVERY]
    steady = "steady" if abs(ratio - 1) <= LIMIT - 1 else "not steady"
    print(f"\n{ratio:.3f} of the memory of round {EVERY}: {steady} within {LIMIT - 1:.0%}.")


if __name__ == "__main__":
    main()
