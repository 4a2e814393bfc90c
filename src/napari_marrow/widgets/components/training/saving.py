"""Save a model: suggest a free name, ask before another model is replaced, and copy it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.bundles.bundle import BUNDLE
from napari_marrow.widgets.components.training.runs import Runs

SUFFIX = ".marrow"
MAX_NAME_BYTES = 200
"""Of a suggested name; file systems take 255, a number and the suffix among them."""


def ask_path(parent: QWidget, runs: Runs, bundle: Path) -> Path | None:
    """Ask where a model is to be saved, and before another one is replaced; None for cancelled."""
    run = runs.of_bundle(bundle)
    suggested = free_path(runs.save_folder, bundle.stem if run is None else run.name)
    asked, _ = QFileDialog.getSaveFileName(parent, "Save bundle", str(suggested))
    if not asked:
        return None
    path = _with_suffix(Path(asked))
    if not os.path.lexists(path) or path.resolve() == bundle.resolve():
        return path
    other = runs.of_bundle(path)
    whose = "" if other is None else f" It is the model of the run {other.name}."
    question = f"{path} is there already.{whose} Replace it?"
    buttons = QMessageBox.StandardButton
    answer = QMessageBox.question(
        parent, "Save bundle", question, buttons.Yes | buttons.No, buttons.No
    )
    return path if answer == buttons.Yes else None


def save_bundle(bundle: Path, path: Path, inputs: Iterable[Path] = ()) -> Path:
    """Copy a bundle; an older one of that name is replaced. Return where it is.

    Parameters
    ----------
    bundle
        What is copied.
    path
        Where to; the suffix is added if need be.
    inputs
        Files that are open, which are not replaced.

    Raises
    ------
    MarrowError
        When it was removed, or can't be written there.
    """
    path = _with_suffix(path)
    try:
        if path.resolve() == bundle.resolve():
            return path
        if not bundle.is_dir():
            raise MarrowError(f"{bundle} was removed; train or load it again.")
        with atomic_folder(path, BUNDLE, [bundle, *inputs]) as folder:
            shutil.copytree(bundle, folder, dirs_exist_ok=True)
    except OSError as error:  # of the bundle that is read, or a name that is none
        reason = error.strerror or "part of it can't be read"
        raise MarrowError(
            f"{bundle} can't be saved as {path}: {reason}; choose another name or folder."
        ) from error
    return path


def free_path(folder: Path, name: str) -> Path:
    """Return a path for a model by a name, shortened if need be, at which nothing is."""
    encoded = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "-", name).encode(errors="ignore")[:MAX_NAME_BYTES]
    stem = encoded.decode(errors="ignore").strip(". ") or "model"
    path, number = folder / f"{stem}{SUFFIX}", 2
    while os.path.lexists(path):
        path, number = folder / f"{stem} {number}{SUFFIX}", number + 1
    return path


def _with_suffix(path: Path) -> Path:
    return path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
