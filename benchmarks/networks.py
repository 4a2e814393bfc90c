"""Every network from a folder to its answers elsewhere: train, label in the viewer, export, ask.

    python benchmarks/networks.py REAL [--networks dcnn,hybrid] [--sets sample]

The sets are the sample data and, of REAL, labs/pbc-yellow (without eosinophils). Each network is
trained by the command line with one prediction per cell and its default settings, apart from those
of :data:`OPTIONS`, which would take hours on a processor. Its bundle then answers for the same
folder by the command line and by the button "Label layers" of a viewer, which must agree; exported
to ONNX and Keras, both files are opened without napari-marrow's bundle and must answer the same for
the same crops. Needs a screen, or xvfb-run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from napari_marrow.learning.registry import models_of_kind

MAX_DIFFERENCE = 1e-4
SAMPLE = Path(__file__).resolve().parent.parent / "sample_data"
PBC_CLASSES = ("lymphocyte", "monocyte", "neutrophil")
OPTIONS = {
    "vgg16": ("--epochs", "3", "--copies", "1"),
    "pretrained": ("--epochs", "10", "--copies", "2"),
}
"""These two begin with random weights here, and learn little in so few epochs."""
N_CROPS = 8
LABEL_TIMEOUT_S = 300


def command(*arguments: str | Path) -> tuple[dict, float]:
    """Run napari-marrow; return what it prints as JSON, and the seconds that it took."""
    begun = time.perf_counter()
    line = [sys.executable, "-m", "napari_marrow", *map(str, arguments), "--json"]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(line)}\n{done.stderr}")
    return json.loads(done.stdout), time.perf_counter() - begun


def in_own_process(*arguments: str | Path, screen: bool = False) -> dict:
    """Run a part of this script in a process of its own; return its result."""
    line = [sys.executable, __file__, *map(str, arguments)]
    if screen and "DISPLAY" not in os.environ:
        line = ["xvfb-run", "-a", "-s", "-screen 0 1366x768x24", *line]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(line)}\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def label_in_viewer(bundle: Path, folder: Path, out: Path) -> dict:
    """Open a folder, load a bundle and press "Label layers"; write the tables of the labels."""
    import napari
    from qtpy.QtWidgets import QApplication

    import napari_marrow.widgets.train_dcnn as module

    module.WARM_START_AFTER_MS = 10**8  # nothing is trained here
    viewer = napari.Viewer()
    viewer.open(folder, plugin="napari-marrow")
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Train DCNN")
    widget.model.load(bundle)
    begun = time.perf_counter()
    widget.model.label_button.click()
    while widget.model.task.busy:
        if time.perf_counter() > begun + LABEL_TIMEOUT_S:
            raise SystemExit("Labelling did not end.")
        QApplication.processEvents()
        time.sleep(0.005)
    seconds = time.perf_counter() - begun
    labels = [x for x in viewer.layers if isinstance(x, napari.layers.Labels)]
    found = [x.features for x in labels if "uncertain" in x.features]
    if not found:
        raise SystemExit(f"Nothing was labelled: {widget.run.status.text()}")
    pd.concat(found, ignore_index=True).to_csv(out, index=False)
    viewer.close()
    return {"seconds": seconds}


def ask_exported(bundle: Path, folder: Path, onnx: Path, keras: Path) -> dict:
    """Return the largest difference of the answers of exported files to those of the bundle."""
    import onnxruntime

    from napari_marrow.data.layouts import scan
    from napari_marrow.imaging.segmentation import found_nuclei
    from napari_marrow.learning.bundle_files import ONNX
    from napari_marrow.learning.bundles.bundle import load_bundle
    from napari_marrow.learning.network_training.import_keras import start_keras
    from napari_marrow.learning.network_training.rebuild import load_keras
    from napari_marrow.learning.units.samples import cut_units

    start_keras()

    info = load_bundle(bundle).info
    image = scan(folder).fields[0].image()
    crops = cut_units(image, found_nuclei(image), info.preprocessing).images[:N_CROPS]
    given = {"image": crops.astype(np.float32)}
    if info.features:
        rng = np.random.default_rng(0)
        given["features"] = rng.normal(size=(len(crops), len(info.features))).astype(np.float32)

    def by_onnx(path: Path) -> np.ndarray:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [x.name for x in session.get_inputs()]
        return session.run(None, dict(zip(names, given.values(), strict=True)))[0]

    known = by_onnx(bundle / ONNX)
    inputs = [*given.values()]
    answers = load_keras(keras).predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    return {
        "onnx": float(np.abs(by_onnx(onnx) - known).max()),
        "keras": float(np.abs(answers - known).max()),
    }


def difference_in_viewer(by_command: Path, by_viewer: Path) -> float:
    """Return the largest difference of a probability; refuse other cells or other classes."""
    one, other = pd.read_csv(by_command), pd.read_csv(by_viewer)
    columns = [c for c in one.columns if c.startswith("probability_")]
    if len(one) != len(other) or not one["class"].equals(other["class"]):
        raise SystemExit(f"The viewer labels {len(other)} cells, the command {len(one)}, or others")
    return float(np.abs(one[columns].to_numpy() - other[columns].to_numpy()).max())


def row(name: str, folder: Path, network: str, work: Path) -> str:
    """Take a network all the way; return its row of the table."""
    bundle, csv = work / f"{name}-{network}.marrow", work / f"{name}-{network}.csv"
    options = OPTIONS.get(network, ())
    trained, seconds = command(
        "train", folder, "--out", bundle, "--model", network, "--unit", "cell", *options
    )
    command("predict", bundle, folder, "--out", csv)
    in_viewer = csv.with_suffix(".viewer.csv")
    labelled = in_own_process("--label", bundle, folder, in_viewer, screen=True)
    seen = difference_in_viewer(csv, in_viewer)
    files = [bundle.with_suffix(f".{suffix}") for suffix in ("onnx", "keras")]
    for path in files:
        command("export", bundle, path, "--to", path.suffix[1:])
    asked = in_own_process("--ask", bundle, folder, *files)
    worst = max(seen, *asked.values())
    if worst > MAX_DIFFERENCE:
        raise SystemExit(f"{network} on {name}: answers differ by {worst}.")
    from safetensors.numpy import load_file

    from napari_marrow.learning.bundle_files import ONNX, WEIGHTS

    parameters = sum(x.size for x in load_file(bundle / WEIGHTS).values())
    accuracy = trained["evaluation"]["metrics"]["accuracy"]
    score = f"{accuracy['estimate']:.2f} ({accuracy['low']:.2f} to {accuracy['high']:.2f})"
    size = (bundle / ONNX).stat().st_size / 1e6
    epochs = len(trained["history"])
    return (
        f"| {name} | {network} | {score} | {accuracy['chance']:.2f} | {parameters:,} | {epochs} | "
        f"{seconds:.0f} | {size:.1f} | {len(pd.read_csv(csv))} in {labelled['seconds']:.1f} | "
        f"{worst:.0e} |"
    )


def main() -> None:
    """Print a row for each set and network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("real", type=Path)
    parser.add_argument("--networks", default=",".join(models_of_kind("network")))
    parser.add_argument("--sets", default="sample,pbc")
    arguments = parser.parse_args()
    print(
        "| set | network | held-out accuracy | chance | parameters | epochs | seconds to train | "
        "ONNX, MB | cells labelled in the viewer, seconds | largest difference |"
    )
    print("|" + "---|" * 10)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        pbc = work / "pbc"
        for kind in PBC_CLASSES:
            shutil.copytree(arguments.real / "labs" / "pbc-yellow" / kind, pbc / kind)
        folders = {"sample": SAMPLE, "pbc": pbc}
        for name in arguments.sets.split(","):
            for network in arguments.networks.split(","):
                print(row(name, folders[name], network, work), flush=True)


if __name__ == "__main__":
    parts = {"--label": label_in_viewer, "--ask": ask_exported}
    if sys.argv[1:] and sys.argv[1] in parts:
        print(json.dumps(parts[sys.argv[1]](*map(Path, sys.argv[2:]))))
    else:
        main()
