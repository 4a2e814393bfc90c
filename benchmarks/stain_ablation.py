"""What normalising the stain does to a plain classifier: blasts against normal cells of ALL-IDB2.

    python benchmarks/stain_ablation.py FOLDER

FOLDER holds all-idb2/{blast,normal} (ImNNN_1.tif, ImNNN_0.tif) and all-idb2-masks with the same
names, nucleus (0, 255, 255). The classifier sees the colours of the nucleus only: a histogram of 16
bins, mean and deviation of each channel. Cells whose numbers lie near each other come from one
slide, so they are never on both sides: blocks of 13 consecutive numbers in five folds, and, harder,
acquisitions: each class is parted in two by the colour of the background, a model learns from one
part of each and is tried on the others, in all four ways. Intervals are a bootstrap of the blocks,
since cells of one block are not independent.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.normalise import METHODS
from napari_marrow.imaging.stain import white_balance
from napari_marrow.imaging.white_point import white_point

BLOCK = 13
REFERENCES = (10, 36, 62, 75, 101, 127)  # rows of the table of cells, three of each class
MODELS: dict[str, Callable[[], Pipeline]] = {
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)),
    "SVM": lambda: make_pipeline(StandardScaler(), SVC()),
}
Recolour = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def read(folder: Path) -> tuple[list[np.ndarray], list[np.ndarray], NDArray, NDArray]:
    """Pictures, nucleus masks, classes (1 blast) and block numbers."""
    paths = sorted((folder / "all-idb2").rglob("*.tif"))
    images = [np.asarray(Image.open(p).convert("RGB")) for p in paths]
    masks = []
    for path in paths:
        mask = folder / "all-idb2-masks" / path.parent.name / path.name
        pixels = np.asarray(Image.open(mask).convert("RGB")).astype(int)
        masks.append(np.abs(pixels - [0, 255, 255]).sum(axis=-1) < 60)
    classes = np.array([int(p.stem.endswith("_1")) for p in paths])
    blocks = np.concatenate([np.arange((classes == c).sum()) // BLOCK + 100 * c for c in (1, 0)])
    assert np.array_equal(classes, np.sort(classes)[::-1]), "blasts come first in order of numbers"
    return images, masks, classes, blocks


def features(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Shares of 16 bins, mean and standard deviation of each channel of the nucleus, (54,)."""
    pixels = image[mask]
    bins = [np.bincount(pixels[:, c] // 16, minlength=16) / len(pixels) for c in range(3)]
    return np.concatenate([*bins, pixels.mean(axis=0), pixels.std(axis=0)])


def table(images: list, masks: list, recolour: Recolour) -> tuple[NDArray, int]:
    """Features of all cells, and how many could not be recoloured; these are white-balanced."""
    rows, refused = [], 0
    for image, mask in zip(images, masks, strict=True):
        try:
            changed = recolour(image)
        except MarrowError:
            changed, refused = white_balance(image), refused + 1
        rows.append(features(changed, mask))
    return np.stack(rows), refused


Folds = list[tuple[NDArray, NDArray]]


def block_folds(classes: NDArray, blocks: NDArray) -> Folds:
    """Rows to learn from and rows to be tried on: five folds of whole blocks."""
    return list(StratifiedGroupKFold(5).split(classes, classes, blocks))


def acquisition_folds(images: list, classes: NDArray) -> Folds:
    """The same, by the colour of the background: one half of each class, and the others."""
    red, green, blue = np.log([white_point(image) for image in images]).T
    points = np.stack([red - green, blue - green], axis=1)
    half = np.zeros(len(classes), int)
    for name in (0, 1):
        half[classes == name] = KMeans(2, n_init=10, random_state=0).fit_predict(
            points[classes == name]
        )
        sizes = np.bincount(half[classes == name])
        print(f"class {name}: acquisitions of {sizes[0]} and {sizes[1]} cells")
    folds = []
    for blast, normal in ((0, 0), (0, 1), (1, 0), (1, 1)):
        known = half == np.where(classes == 1, blast, normal)
        folds.append((np.flatnonzero(known), np.flatnonzero(~known)))
    return folds


def predict(
    train: NDArray, test: NDArray, classes: NDArray, folds: Folds, model: str
) -> NDArray[np.float64]:
    """How often each cell is told rightly by models that never saw its group, 0 to 1."""
    right, tries = np.zeros(len(classes)), np.zeros(len(classes))
    for known, held in folds:
        fitted = MODELS[model]().fit(train[known], classes[known])
        right[held] += fitted.predict(test[held]) == classes[held]
        tries[held] += 1
    return right / tries


def interval(right: NDArray, groups: NDArray) -> tuple[float, float]:
    """95 % of a bootstrap that draws whole groups."""
    rng = np.random.default_rng(0)
    names = np.unique(groups)
    parts = [right[groups == g] for g in names]
    drawn = [
        np.concatenate([parts[k] for k in rng.integers(0, len(parts), len(parts))]).mean()
        for _ in range(2000)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def one_line(name: str, rights: list[NDArray], groups: NDArray, refused: int) -> str:
    """Accuracy of the middle reference, its interval, and the range over references."""
    rights = sorted(rights, key=np.mean)
    middle = rights[len(rights) // 2]
    low, high = interval(middle, groups)
    span = ""
    if len(rights) > 1:
        span = f"{rights[0].mean():.2f} to {rights[-1].mean():.2f}"
    note = f" ({refused} white-balanced instead)" if refused else ""
    return f"| {name}{note} | {middle.mean():.2f} ({low:.2f} to {high:.2f}) | {span} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    images, masks, classes, blocks = read(parser.parse_args().folder)
    within = block_folds(classes, blocks)
    across = acquisition_folds(images, classes)

    tables: dict[str, list[NDArray]] = {"none": [], "white balance": []}
    tables["none"].append(table(images, masks, lambda image: image)[0])
    tables["white balance"].append(table(images, masks, white_balance)[0])
    refused = {"none": 0, "white balance": 0}
    for method in ("reinhard", "macenko"):
        for row in REFERENCES:
            reference = METHODS[method].fit(images[row])
            found, missed = table(images, masks, reference.normalise)
            tables.setdefault(method, []).append(found)
            refused[method] = missed

    for title, folds in (("blocks of 13 numbers", within), ("another acquisition", across)):
        for model in MODELS:
            print(f"\n{model}, {title}; chance {max(classes.mean(), 1 - classes.mean()):.2f}\n")
            print("| stain | accuracy (95 %) | over six references |\n|---|---|---|")
            for name, found in tables.items():
                rights = [predict(t, t, classes, folds, model) for t in found]
                print(one_line(name, rights, blocks, refused[name]))

    # The harm of a reference a class: the first of the pair for normal cells, the other for blasts.
    drawn = np.random.default_rng(0).permutation(np.unique(blocks))[:5]
    at_random = np.isin(blocks, drawn).astype(int)
    every = np.arange(len(classes))
    print("\nlogistic, a reference per class, in the same folds\n| | accuracy (95 %) | |")
    print("|---|---|---|")
    for method in ("reinhard", "macenko"):
        pair = np.stack([tables[method][4], tables[method][1]])
        for name, truth in (("the classes", classes), ("classes drawn at random", at_random)):
            folds = block_folds(truth, blocks)
            own, other = pair[truth, every], pair[1 - truth, every]
            for test, how in ((own, "own"), (other, "the other")):
                right = predict(own, test, truth, folds, "logistic")
                title = f"{method}, {name}, tried with {how} class's reference"
                print(one_line(title, [right], blocks, 0))
        one = tables[method][1]
        right = predict(one, one, at_random, block_folds(at_random, blocks), "logistic")
        print(one_line(f"{method}, classes drawn at random, one reference", [right], blocks, 0))


if __name__ == "__main__":
    main()
