"""How well models answer for another laboratory than those they learnt from.

    python benchmarks/transfer.py FOLDER [--models logistic,random-forest]

FOLDER holds wbc-dataset1 and labs: four laboratories with lymphocytes, monocytes and neutrophils,
one cell a picture. Nuclei are segmented; features and settings are the program's defaults.
A picture without a nucleus counts as wrong. Balanced accuracy, in rows the laboratory learnt from
and in columns the one asked about; on the diagonal cross-validation in five folds.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import recall_score
from sklearn.model_selection import StratifiedKFold

from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection, Field
from napari_marrow.imaging.intensity import blur, restain
from napari_marrow.imaging.segmentation import found_nuclei
from napari_marrow.imaging.white_point import white_point
from napari_marrow.learning.adaptation.photographs import PhotographModel, measure_photograph
from napari_marrow.learning.adaptation.shift import is_unusual
from napari_marrow.learning.classical.learner import ClassicalLearner
from napari_marrow.learning.learners import SILENT
from napari_marrow.learning.registry import models_of_kind
from napari_marrow.learning.settings import TrainingSettings

LABS = ("wbc-dataset1", "pbc-yellow", "bccd", "lisc")
CLASSES = ("lymphocyte", "monocyte", "neutrophil")
OF_NUMBER = {1: "neutrophil", 2: "lymphocyte", 3: "monocyte", 4: "eosinophil"}
N_FOLDS, N_BATCHES, BATCH = 5, 50, 20


def photographs(root: Path, lab: str, classes: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Yield each photograph of a laboratory with its class, of these classes."""
    if lab == "wbc-dataset1":
        with open(root / lab / "labels.csv", newline="") as file:
            for number, kind in list(csv.reader(file))[1:]:
                if OF_NUMBER.get(int(kind)) in classes:
                    yield root / lab / f"{int(number):03d}.bmp", OF_NUMBER[int(kind)]
        return
    for name in classes:
        for path in sorted((root / "labs" / lab / name).iterdir()):
            yield path, name


def collect(root: Path, classes: Sequence[str] = CLASSES) -> Collection:
    """Return all laboratories as one collection; each is an acquisition."""
    return Collection(
        root,
        tuple(
            Field(path, path.stem, f"{lab}/{name}/{path.stem}", name, acquisition=lab)
            for lab in LABS
            for path, name in photographs(root, lab, classes)
        ),
    )


class Laboratories:
    """The pictures of all laboratories, measured once, and scores of one model."""

    def __init__(self, collection: Collection, model: str, adapt: str):
        self.settings = TrainingSettings(model=model, adapt=adapt)
        self.learner = ClassicalLearner(collection, self.settings, SILENT, Failures(strict=True))
        of = {collection.label(f): f.acquisition for f in collection.fields}
        self.lab = self.learner.table["image"].map(of).to_numpy(str)
        self.truth = self.learner.table["class"].to_numpy(str)
        self.missing = (self.learner.table["nuclei_count"] == 0).to_numpy()

    def right(self, learnt: NDArray[np.intp], asked: NDArray[np.intp]) -> float:
        """Return the balanced accuracy for rows asked about, of a model of the rows learnt from."""
        return self._score(asked, self.answers(learnt, asked))

    def answers(self, learnt: NDArray[np.intp], asked: NDArray[np.intp]) -> NDArray[np.str_]:
        """Return the classes that a model of the rows learnt from gives; "" without a nucleus."""
        probabilities = self.learner.fit_fold(self.settings, learnt).predict(asked)
        answers = np.array(CLASSES)[probabilities.argmax(axis=1)]
        return np.where(self.missing[asked], "", answers)

    def _score(self, rows: NDArray[np.intp], answers: NDArray[np.str_]) -> float:
        return float(recall_score(self.truth[rows], answers, labels=CLASSES, average="macro"))

    def rows(self, *labs: str) -> NDArray[np.intp]:
        """Return the rows of laboratories."""
        return np.flatnonzero(np.isin(self.lab, labs))

    def within(self, lab: str) -> float:
        """Return the balanced accuracy of a cross-validation in one laboratory."""
        rows, answers = self.rows(lab), np.empty(len(self.lab), "U20")
        folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
        for learnt, asked in folds.split(rows, self.truth[rows]):
            answers[rows[asked]] = self.answers(rows[learnt], rows[asked])
        return self._score(rows, answers[rows])


def print_matrix(labs: Laboratories, title: str) -> None:
    """Print the matrix of a model, and a summary in one line."""
    print(f"\n### {title}\n\n| learnt from | {' | '.join(LABS)} |\n|{'---|' * (len(LABS) + 1)}")
    pairs = []
    for one in LABS:
        row = []
        for other in LABS:
            if one == other:
                row.append(f"({labs.within(one):.2f})")
            else:
                pairs.append(labs.right(labs.rows(one), labs.rows(other)))
                row.append(f"{pairs[-1]:.2f}")
        print(f"| {one} | {' | '.join(row)} |")
    rest = [labs.right(labs.rows(*(x for x in LABS if x != o)), labs.rows(o)) for o in LABS]
    print(f"| the three others | {' | '.join(f'{x:.2f}' for x in rest)} |")
    print(
        f"\nMean of the {len(pairs)} pairs {np.mean(pairs):.3f}, worst {min(pairs):.2f}; three to "
        f"the fourth, mean {np.mean(rest):.3f}."
    )


def print_shift(collection: Collection) -> None:
    """Print how often batches of 20 photographs are called of another acquisition."""
    measured = np.array(
        [measure_photograph(f.image(), found_nuclei(f.image())) for f in collection.fields]
    )
    lab, kind = (
        np.array([getattr(f, name) for f in collection.fields])
        for name in ("acquisition", "class_name")
    )
    rng = np.random.default_rng(0)
    print(f"\n### Shift test: batches of {BATCH} called other, of {N_BATCHES} drawn for each\n")
    print(f"| half learnt from | {' | '.join(LABS)} |\n|{'---|' * (len(LABS) + 1)}")
    for one in LABS:
        called = dict.fromkeys(LABS, 0)
        for _ in range(N_BATCHES):
            rows = rng.permutation(np.flatnonzero(lab == one))
            half = rows[: len(rows) // 2]
            model = PhotographModel.of_photographs(measured[half], half.astype(str), kind[half])
            for other in LABS:
                rest = np.setdiff1d(np.flatnonzero(lab == other), half)
                batch = rng.choice(rest, BATCH, replace=False)
                called[other] += is_unusual([model], measured[batch])
        print(f"| {one} | {' | '.join(f'{called[x] / N_BATCHES:.2f}' for x in LABS)} |")


Alter: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def stained(*strength: float) -> Alter:
    """Return what gives a photograph another strength of the stain in each channel."""

    def alter(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        factors, white = np.array(strength), np.log10(255 / np.maximum(white_point(image), 1))
        return restain(image, factors, white * (1 - factors))

    return alter


def scaled(factor: float) -> Alter:
    """Return what resamples a photograph."""

    def alter(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = (max(1, round(side * factor)) for side in image.shape[:2])
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))

    return alter


def compressed(quality: int) -> Alter:
    """Return what saves a photograph as JPEG."""

    def alter(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    return alter


def toned(gamma: float) -> Alter:
    """Return what gives a photograph another tone curve."""
    return lambda image: np.rint(255 * (image / 255) ** gamma).astype(np.uint8)


ALTERED: dict[str, Alter] = {
    "as they are": lambda image: image,
    "stain of half the strength": stained(0.5, 0.5, 0.5),
    "stain 1.6 times as strong": stained(1.6, 1.6, 1.6),
    "stain 1.6 times as strong in red": stained(1.6, 1, 1),
    "stain 0.6 times as strong in red, 1.3 in blue": stained(0.6, 1, 1.3),
    "blurred by 2 px": lambda image: blur(image, 2),
    "blurred by 3 px": lambda image: blur(image, 3),
    "half the size": scaled(0.5),
    "0.7 times the size": scaled(0.7),
    "1.5 times the size": scaled(1.5),
    "gamma 0.7": toned(0.7),
    "gamma 1.4": toned(1.4),
    "JPEG of quality 15": compressed(15),
}


def print_altered(collection: Collection) -> None:
    """Print which fraction of photographs is unusual when something is done to them."""
    measured = {}
    for lab in LABS:
        fields = [f for f in collection.fields if f.acquisition == lab]
        own = [f.image() for f in fields]
        as_they_are = [measure_photograph(x, found_nuclei(x)) for x in own[::2]]
        model = PhotographModel.of_photographs(
            np.array(as_they_are),
            np.arange(len(as_they_are)).astype(str),
            np.array([f.class_name for f in fields[::2]]),
        )
        half = own[1::2]  # class after class, so that some of each are asked about
        asked = [half[k] for k in np.linspace(0, len(half) - 1, BATCH).astype(int)]
        for name, how in ALTERED.items():
            altered = [how(x) for x in asked]
            batch = np.array([measure_photograph(x, found_nuclei(x)) for x in altered])
            found = f"{model.are_unusual(batch).mean():.2f}"
            measured[name, lab] = f"**{found}**" if is_unusual([model], batch) else found
    print(f"\n### Unusual, of {BATCH} photographs; in bold where the batch is called other\n")
    print(f"| altered | {' | '.join(LABS)} |\n|{'---|' * (len(LABS) + 1)}")
    for name in ALTERED:
        print(f"| {name} | {' | '.join(measured[name, lab] for lab in LABS)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default=",".join(models_of_kind("classical")))
    arguments = parser.parse_args()
    collection = collect(arguments.folder)
    for model in arguments.models.split(","):
        for adapt in ("none", "auto"):
            how = {"none": "features as they are", "auto": "standardised by acquisition"}[adapt]
            print_matrix(Laboratories(collection, model, adapt), f"{model}, {how}")
    print_shift(collection)
    print_altered(collection)


if __name__ == "__main__":
    main()
