"""How well classical models tell blasts from normal cells of ALL-IDB2, and on other acquisitions.

    python benchmarks/generalisation.py FOLDER

FOLDER holds all-idb2/{blast,normal}. Nuclei and cytoplasm are found in the pictures; masks are not
looked at. Pictures whose numbers lie near each other come from one slide, so blocks of 13
consecutive numbers stay together. Tried are

- five folds of blocks;
- acquisitions: all pictures are parted in two by the colour of the background (k-means); learnt
  from one part, tried on the other, both ways;
- acquisitions, each class parted so by itself, one part of each: four ways;
- the same pictures altered as another microscope or stain might, by a model of the others: each
  fold's test side altered; and with the stain of blasts paler and that of normal cells darker;
- classes permuted among the blocks, in five folds: must be chance.

The class goes with the background's hue in this sample, so a good score on it is no proof that
cells were told by their looks; the altered pictures say how far a model hangs on colour and focus.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from sklearn.cluster import KMeans
from sklearn.model_selection import StratifiedGroupKFold

from napari_marrow.imaging.white_point import white_point
from napari_marrow.learning.classical.models import fit_classical
from napari_marrow.learning.registry import models_of_kind
from napari_marrow.measure.extract import KEYS, features
from napari_marrow.measure.settings import DEFAULT_FAMILIES, FeatureSettings

BLOCK, FOLDS, SELECT, PERMUTATIONS = 13, 5, 40, 5
MEASURED = ("histogram", "green", "fourier", *DEFAULT_FAMILIES)
Alteration = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
Split = tuple[NDArray[np.intp], NDArray[np.intp]]


def lit(factors: tuple[float, float, float]) -> Alteration:
    """Light of another colour."""
    return lambda image: np.clip(image * np.array(factors), 0, 255).astype(np.uint8)


def stained(factors: tuple[float, float, float]) -> Alteration:
    """Other optical densities of the channels, against the picture's own background."""

    def alter(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        light = white_point(image)
        density = np.log10(light / np.clip(image.astype(float), 1, None))
        return np.clip(light * 10 ** -(density * np.array(factors)), 0, 255).astype(np.uint8)

    return alter


def sharpened(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    levels = image.astype(float)
    blurred = ndimage.gaussian_filter(levels, (1.5, 1.5, 0))
    return np.clip(2 * levels - blurred, 0, 255).astype(np.uint8)


def sized(factor: float) -> Alteration:
    """Another magnification."""

    def alter(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        size = (round(factor * image.shape[1]), round(factor * image.shape[0]))
        how = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
        return np.asarray(Image.fromarray(image).resize(size, how))

    return alter


def bent(gamma: float) -> Alteration:
    """Another response of the camera."""
    return lambda image: (255 * (image / 255) ** gamma).astype(np.uint8)


def uneven(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Light that falls off to 0.7 at one side."""
    return (image * np.linspace(1, 0.7, image.shape[1])[:, None]).astype(np.uint8)


ALTERED: dict[str, Alteration] = {
    "warm light": lit((1.1, 1.0, 0.9)),
    "cold light": lit((0.9, 0.97, 1.12)),
    "pale, bluer": stained((0.8, 0.85, 1.1)),
    "dark, redder": stained((1.2, 1.1, 0.8)),
    "gamma 0.7": bent(0.7),
    "gamma 1.3": bent(1.3),
    "gamma 1.6": bent(1.6),
    "uneven light": uneven,
    "out of focus": lambda image: ndimage.gaussian_filter(image, (1.2, 1.2, 0)),
    "sharpened": sharpened,
    "half the size": sized(0.5),
    "twice the size": sized(2),
}
REVERSED = stained((1.4, 1.4, 1.4)), stained((0.7, 0.7, 0.7))
"""For normal cells and for blasts: the strength of the stain then goes the other way."""


def measured_one(image: NDArray[np.uint8]) -> pd.DataFrame:
    return features(image, None, FeatureSettings(MEASURED, "field"))


def measured(images: list[NDArray[np.uint8]]) -> pd.DataFrame:
    with ProcessPoolExecutor() as pool:
        return pd.concat(list(pool.map(measured_one, images, chunksize=10)), ignore_index=True)


def columns_by_family(image: NDArray[np.uint8]) -> dict[str, list[str]]:
    """The columns of each family; the count of nuclei comes with each measured on cells."""
    return {
        name: [c for c in features(image, None, FeatureSettings((name,))) if c not in KEYS]
        for name in MEASURED
    }


def ways(classes: NDArray, blocks: NDArray, backgrounds: NDArray) -> dict[str, list[Split]]:
    """Rows to learn from and to try, by what is done."""
    rows = np.arange(len(classes))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    half = KMeans(2, n_init=10, random_state=0).fit_predict(backgrounds)
    own = np.zeros(len(classes), int)
    for c in (0, 1):
        mine = classes == c
        own[mine] = KMeans(2, n_init=10, random_state=0).fit_predict(backgrounds[mine])
    four = []
    for blasts in (0, 1):
        for normal in (0, 1):
            learnt = np.where(classes == 1, own == blasts, own == normal)
            four.append((rows[learnt], rows[~learnt]))
    return {
        "folds": list(folds.split(rows, classes, blocks)),
        "halves": [(rows[half == k], rows[half != k]) for k in (0, 1)],
        "four ways": four,
    }


def right(
    model: str,
    table: pd.DataFrame,
    columns: list[str],
    classes: NDArray,
    splits: list[Split],
    tried: list[pd.DataFrame] | None = None,
) -> Iterator[NDArray[np.bool_]]:
    """Whether each answer is right, (tables, rows), a split at a time."""
    for learnt, rows in splits:
        fitted = fit_classical(
            model, table.iloc[learnt], tuple(columns), classes[learnt], SELECT, 0
        )
        answers = [fitted.probabilities(other.iloc[rows]) for other in tried or [table]]
        yield np.array(answers).argmax(axis=2) == classes[rows]


def accuracies(*arguments) -> NDArray[np.float64]:
    """Over all splits, one a table."""
    return np.concatenate(list(right(*arguments)), axis=1).mean(axis=1)


def permuted(
    model: str, table: pd.DataFrame, columns: list[str], classes: NDArray, blocks: NDArray
):
    """Accuracies with the classes of blocks given to other blocks."""
    names, block = np.unique(blocks, return_inverse=True)
    of_block = np.array([classes[blocks == name][0] for name in names])
    for seed in range(PERMUTATIONS):
        other = np.random.default_rng(seed).permutation(of_block)[block]
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        splits = list(folds.split(other, other, blocks))
        yield accuracies(model, table, columns, other, splits)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    paths = sorted((parser.parse_args().folder / "all-idb2").rglob("*.tif"))
    images = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    classes = np.array([int(path.stem.endswith("_1")) for path in paths])
    blocks = np.concatenate([np.arange((classes == c).sum()) // BLOCK + 100 * c for c in (1, 0)])
    backgrounds = np.array([white_point(image) for image in images])
    warnings.simplefilter("ignore")
    table = measured(images)
    by_family = columns_by_family(images[0])
    sets = {
        "histogram, Fourier (as published)": by_family["histogram"] + by_family["fourier"],
        "green plane alone": by_family["green"],
        "shape, texture, histogram": [
            *by_family["histogram"],
            *by_family["morphology"],
            *by_family["texture"],
        ],
        **{name: by_family[name] for name in DEFAULT_FAMILIES},
        "morphology, colour, texture": [c for name in DEFAULT_FAMILIES for c in by_family[name]],
    }
    sets = {name: list(dict.fromkeys(columns)) for name, columns in sets.items()}
    splits = ways(classes, blocks, backgrounds)
    print(f"{len(paths)} pictures, {classes.sum()} blasts\n")
    print("| features | model | folds | halves by background | four ways |\n|---|---|---|---|---|")
    for name, columns in sets.items():
        for model in models_of_kind("classical"):
            folds = accuracies(model, table, columns, classes, splits["folds"])[0]
            halves, four = (
                [a.mean() for a in right(model, table, columns, classes, splits[way])]
                for way in ("halves", "four ways")
            )
            told = (f"{folds:.3f}", *(", ".join(f"{a:.3f}" for a in way) for way in (halves, four)))
            print(f"| {name} | {model} | {' | '.join(told)} |", flush=True)
    altered = {name: measured([alter(i) for i in images]) for name, alter in ALTERED.items()}
    pairs = zip(images, classes, strict=True)
    altered["stain reversed"] = measured([REVERSED[c](image) for image, c in pairs])
    for name in ("histogram, Fourier (as published)", "morphology, colour, texture"):
        print(f"\nAltered pictures, {name}, five folds\n")
        print(f"| model | {' | '.join(altered)} |\n|---|{'---|' * len(altered)}")
        for model in models_of_kind("classical"):
            given = (model, table, sets[name], classes, splits["folds"])
            scores = accuracies(*given, list(altered.values()))
            print(f"| {model} | {' | '.join(f'{s:.2f}' for s in scores)} |", flush=True)
    print(
        "\nClasses permuted among blocks, morphology, colour, texture: mean (lowest to highest)\n"
    )
    for model in models_of_kind("classical"):
        found = list(permuted(model, table, sets["morphology, colour, texture"], classes, blocks))
        print(f"- {model}: {np.mean(found):.2f} ({min(found):.2f} to {max(found):.2f})", flush=True)


if __name__ == "__main__":
    main()
