"""What is marked uncertain: in the same laboratory, in another one, and of a class never learnt.

    python benchmarks/uncertain.py FOLDER [--models logistic,random-forest]

FOLDER is that of ``transfer.py``. Models are trained and asked through bundles, as the program
does it, with its default settings. All fractions are of all answers; photographs are asked about in
batches of one laboratory; a class never learnt is asked about among those learnt, as it would be
met.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import transfer
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from napari_marrow.data.fields import Collection, Field
from napari_marrow.jobs.predict import PredictInput, predict_each
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.bundles.bundle import Bundle, load_bundle
from napari_marrow.learning.model_settings import Adapt
from napari_marrow.learning.settings import TrainingSettings

Fields = Sequence[Field]
UNKNOWN = "eosinophil", "monocyte"
MIN_KNOWN = 10


@dataclass(frozen=True)
class Answers:
    """Whether answers are right, are marked, and their probability; each (n,)."""

    right: NDArray[np.bool_]
    marked: NDArray[np.bool_]
    probability: NDArray[np.float64]

    @classmethod
    def of(cls, bundle: Bundle, fields: Fields, adapt: Adapt = "auto") -> Answers:
        """Ask about photographs as one batch."""
        inputs = [(f.name, lambda f=f: PredictInput(f)) for f in fields]
        found = predict_each(bundle, inputs, adapt=adapt).photographs
        given = [x.prediction for x in found if x is not None]
        return cls(
            np.array([x.class_name == f.class_name for x, f in zip(given, fields, strict=True)]),
            np.array([x.uncertain for x in given]),
            np.array([x.probability for x in given]),
        )

    def take(self, rows: slice) -> Answers:
        """Return some of the answers."""
        return Answers(self.right[rows], self.marked[rows], self.probability[rows])

    @classmethod
    def join(cls, parts: Sequence[Answers]) -> Answers:
        """Return the answers of several batches as one."""
        names = "right", "marked", "probability"
        return cls(*(np.concatenate([getattr(x, name) for x in parts]) for name in names))

    def row(self) -> str:
        """Return the fractions as cells of a table."""
        wrong = (~self.right & ~self.marked).mean()
        kept = ~self.marked
        excess = (self.probability[kept].mean() - self.right[kept].mean()) if kept.any() else np.nan
        doubted = (self.right & self.marked).mean()
        return f"{self.right.mean():.2f} | {wrong:.3f} | {doubted:.2f} | {excess:+.2f}"


HEADER = "right | wrong, unmarked | right, marked | probability - right, of the unmarked"


class Models:
    """Trains models into a folder of its own."""

    def __init__(self, root: Path, folder: Path, model: str):
        self._root, self._folder, self._model = root, folder, model

    def learn(self, fields: Fields) -> Bundle:
        """Train on photographs; as few as can be are held out."""
        settings = TrainingSettings(model=self._model, heldout=0.05)
        job = TrainJob(Collection(self._root, tuple(fields)), settings, self._folder / "m", True)
        return load_bundle(run_training(job).bundle)

    def within(self, fields: Fields, others: Fields = ()) -> tuple[Answers, Answers]:
        """Cross-validate in five folds, each asked about in one batch with a fifth of others."""
        kinds, own, foreign = np.array([f.class_name for f in fields]), [], []
        folds = StratifiedKFold(5, shuffle=True, random_state=0).split(kinds, kinds)
        for k, (learnt, asked) in enumerate(folds):
            bundle = self.learn([fields[row] for row in learnt])
            batch = [*(fields[row] for row in asked), *others[k::5]]
            answers = Answers.of(bundle, batch)
            own.append(answers.take(slice(0, len(asked))))
            foreign.append(answers.take(slice(len(asked), None)))
        return Answers.join(own), Answers.join(foreign)


def print_shifted(models: Models, of_lab: dict[str, Fields]) -> None:
    """Print what is marked within laboratories, and between them."""
    print(f"| learnt from | asked about | {HEADER} |\n|---|---|---|---|---|---|")
    for lab in of_lab:
        print(f"| {lab} | itself, held out | {models.within(of_lab[lab])[0].row()} |", flush=True)
    pairs = []
    for one in of_lab:
        bundle = models.learn(of_lab[one])
        for other in of_lab:
            if other != one:
                pairs.append(Answers.of(bundle, of_lab[other]))
                print(f"| {one} | {other} | {pairs[-1].row()} |", flush=True)
    wrong = [(~x.right & ~x.marked).mean() for x in pairs]
    for lab in of_lab:
        rest = [f for other, fields in of_lab.items() if other != lab for f in fields]
        row = Answers.of(models.learn(rest), of_lab[lab], "batch").row()
        print(f"| the three others, --adapt batch | {lab} | {row} |", flush=True)
    print(f"\nWrong and unmarked, of the pairs: mean {np.mean(wrong):.3f}, worst {max(wrong):.3f}.")


def print_unknown(models: Models, of_lab: dict[str, Fields]) -> None:
    """Print how often a class never learnt is marked, and the classes learnt."""
    print("| laboratory | learnt | never learnt | it is marked | learnt ones are marked |")
    print("|---|---|---|---|---|")
    kinds = (*transfer.CLASSES, "eosinophil")
    rates = []
    for lab, unknown in itertools.product(of_lab, UNKNOWN):
        for left_out in ((unknown,), UNKNOWN):
            known = [k for k in kinds if k not in left_out]
            fields = [f for f in of_lab[lab] if f.class_name in known]
            others = [f for f in of_lab[lab] if f.class_name == unknown]
            counts = [sum(f.class_name == k for f in fields) for k in known]
            if min(*counts, len(others)) < MIN_KNOWN:
                continue
            own, foreign = models.within(fields, others)
            rates.append((foreign.marked.mean(), own.marked.mean()))
            marked = " | ".join(f"{rate:.2f}" for rate in rates[-1])
            print(
                f"| {lab} | {', '.join(known)} | {unknown} | {marked} |",
                flush=True,
            )
    marked, false = np.mean(rates, axis=0)
    print(f"\nMean: {marked:.2f} of a class never learnt, {false:.2f} of those learnt.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default="logistic,random-forest")
    arguments = parser.parse_args()
    everything = transfer.collect(arguments.folder, (*transfer.CLASSES, "eosinophil")).fields
    of_lab = {lab: [f for f in everything if f.acquisition == lab] for lab in transfer.LABS}
    known = {
        lab: [f for f in fields if f.class_name in transfer.CLASSES]
        for lab, fields in of_lab.items()
    }
    for model in arguments.models.split(","):
        with tempfile.TemporaryDirectory() as folder:
            models = Models(arguments.folder, Path(folder), model)
            print(f"\n### {model}\n")
            print_shifted(models, known)
            print()
            print_unknown(models, of_lab)


if __name__ == "__main__":
    main()
