"""What the protocols say of simulated sets whose truth is known, as a table.

    python benchmarks/protocols.py [--seeds 20]

In the confounded set one microscope has most of the fields of one class, and another most of the
other's, so that a microscope can be left out. In the set without a signal all fields show cells of
one kind, and half of them have the name of another class.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

os.environ.setdefault("NAPARI_MARROW_CACHE", tempfile.mkdtemp())

from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.learning.comparison.compare import compare
from napari_marrow.learning.registry import models_of_kind
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.learning.scores.verdict import protocol_gaps
from napari_marrow.learning.settings import CompareSettings
from napari_marrow.simulation.phantom import PhantomSettings, draw_field

MODELS = models_of_kind("classical")
PUBLISHED = ("histogram", "fourier")
N_MOST, N_FEW = 12, 3
"""Fields of a class from its own microscope, and from the other."""
N_WITHOUT_SIGNAL = 15
"""Fields of each class in the set without a signal."""


def confounded(folder: Path, seed: int) -> Collection:
    """Write fields of which 12 of 15 of a class are of one of two microscopes."""
    settings = PhantomSettings(acquisitions=2, width=192, height=144, seed=seed)
    places = {}
    for class_name, own in (("ALL", 0), ("MM", 1)):
        for place, count in ((own, N_MOST), (1 - own, N_FEW)):
            for k in range(count):
                drawn = draw_field(class_name, 2 * k + 1 + place, settings)
                assert drawn.acquisition == place
                write(folder / class_name / f"{drawn.name}.png", drawn.image)
                places[drawn.name] = f"microscope {place + 1}"
    found = scan(folder)
    fields = tuple(replace(f, acquisition=places[f.name]) for f in found.fields)
    return replace(found, fields=fields)


def without_signal(folder: Path, seed: int) -> Collection:
    """Write fields of one kind under the names of two classes."""
    settings = PhantomSettings(acquisitions=2, width=192, height=144, seed=seed)
    order = np.random.default_rng(seed).permutation(2 * N_WITHOUT_SIGNAL)
    for k, place in enumerate(order):
        name = ("ALL", "MM")[int(place) % 2]
        write(folder / name / f"picture_{k}.png", draw_field("ALL", k + 1, settings).image)
    return scan(folder)


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def leaks(seed: int) -> EvaluationResult:
    with tempfile.TemporaryDirectory() as folder:
        collection = confounded(Path(folder), seed)
        settings = CompareSettings(
            models=MODELS, by="acquisition", protocol="both", families=PUBLISHED, seed=seed
        )
        return compare(collection, settings).result


def chance(seed: int) -> EvaluationResult:
    with tempfile.TemporaryDirectory() as folder:
        settings = CompareSettings(models=MODELS, seed=seed)
        return compare(without_signal(Path(folder), seed), settings).result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = range(parser.parse_args().seeds)
    print("| class goes with the microscope | paper | microscope left out | difference |")
    print("|---|---|---|---|")
    results = [leaks(seed) for seed in seeds]
    rows = [{gap.model: gap for gap in protocol_gaps(result.models)} for result in results]
    for model in MODELS:
        own = [row[model] for row in rows]
        values = [[x.paper.estimate, x.honest.estimate, x.difference] for x in own]
        shown = [f"{m:.2f} ({a:.2f} to {b:.2f})" for m, a, b in summary(np.array(values))]
        print(f"| {model} | {' | '.join(shown)} |")
    count = sum("leakage" in result.verdict[0] for result in results)
    print(f"\nLeakage is named in the first sentence of {count} of {len(seeds)} sets.")
    print("\n| no signal | honest balanced accuracy | interval contains chance |")
    print("|---|---|---|")
    results = [chance(seed) for seed in seeds]
    for k, model in enumerate(MODELS):
        scores = [x.models[k].evaluation.metrics["balanced_accuracy"] for x in results]
        ((mean, low, high),) = summary(np.array([[x.estimate] for x in scores]))
        inside = sum(x.low <= x.chance <= x.high for x in scores)
        print(f"| {model} | {mean:.2f} ({low:.2f} to {high:.2f}) | {inside} of {len(seeds)} |")


def summary(values: np.ndarray) -> list[tuple[float, float, float]]:
    """Mean and range of each column."""
    return [(x.mean(), x.min(), x.max()) for x in values.T]


if __name__ == "__main__":
    main()
