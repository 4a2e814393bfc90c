"""Trained models that are not saved yet: asked about, saved, or kept.

Where nobody was asked before its dock or window was closed, because a script closed them, they
are kept in a folder of the user's data.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import platformdirs
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_marrow.audit.findings import join_names
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.text import counted, first_few
from napari_marrow.viewer.io.opened import opened_files
from napari_marrow.widgets.components.training.runs import Run, Runs
from napari_marrow.widgets.components.training.saving import (
    SUFFIX,
    ask_path,
    free_path,
    save_bundle,
)

log = logging.getLogger("napari_marrow")
MAX_KEPT = 10
"""Number of models that are kept; older ones are removed, but none that a person named."""
NAME = re.compile(r"[\d-]{10} [\d-]{15}\.marrow")
"""Of a model that is kept: when that was."""


def recovery_folder() -> Path:
    """Return the folder of models that nobody saved; it may not be there yet."""
    return platformdirs.user_data_path("napari-marrow") / "unsaved models"


def kept_models() -> list[Path]:
    """Return the bundles in the recovery folder, the oldest first."""
    return sorted(recovery_folder().glob(f"*{SUFFIX}"))


def keep_unsaved(runs: Runs) -> list[Path]:
    """Copy the models that are not saved to the recovery folder; return where they are."""
    kept = []
    for run in runs.unsaved:
        assert run.bundle is not None
        path = recovery_folder() / f"{datetime.now():%Y-%m-%d %H-%M-%S-%f}{SUFFIX}"
        if not run.bundle.is_dir():
            continue
        try:
            shutil.copytree(run.bundle, path)
        except OSError as error:  # a full disk, or no permission
            log.error("The model %s was not saved, and can't be kept: %s.", run.name, error)
            continue
        log.warning("The model %s was not saved; it is kept as %s.", run.name, path)
        run.bundle, run.saved = path, True
        kept.append(path)
    ours = [x for x in kept_models() if NAME.fullmatch(x.name) and x not in kept]
    for older in ours[: max(0, len(ours) + len(kept) - MAX_KEPT)] if kept else ():
        shutil.rmtree(older, ignore_errors=True)
    return kept


def kept_sentence(kept: Sequence[Path]) -> str:
    """Return where models are that nobody saved."""
    verb, pronoun = ("was", "it is") if len(kept) == 1 else ("were", "they are")
    model = "The model" if len(kept) == 1 else counted(len(kept), "model")
    return f"{model} {verb} not saved; {pronoun} kept as {join_names([*map(str, kept)])}."


def unsaved_question(runs: Runs) -> str:
    """Return the question before models are given up that are not saved."""
    names = [run.name for run in runs.unsaved]
    if len(names) == 1:
        return f"The model {names[0]} is not saved. Save before closing?"
    shown = ", ".join(first_few(names))
    return f"{len(names)} models are not saved: {shown}. Save all of them before closing?"


def ask_and_save(parent: QWidget, runs: Runs) -> None:
    """Ask where to, and save the models that are not saved: one, or all into a folder.

    Raises
    ------
    MarrowError
        When models can't be saved there; it names each of them. The others are saved.
    """
    unsaved = runs.unsaved
    if len(unsaved) == 1:
        assert unsaved[0].bundle is not None
        if path := ask_path(parent, runs, unsaved[0].bundle):
            save_run(runs, unsaved[0], path)
        return
    start = str(runs.save_folder)
    asked = QFileDialog.getExistingDirectory(parent, "Folder for the bundles", start)
    problems = []
    for run in unsaved if asked else ():
        try:
            save_run(runs, run, free_path(Path(asked), run.name))
        except MarrowError as error:
            problems.append(f"{run.name} ({str(error).rstrip('.')})")
    if problems:
        models = f"{len(problems)} of {counted(len(unsaved), 'model')}"
        raise MarrowError(f"{models} can't be saved: {'; '.join(first_few(problems))}.")


def save_run(runs: Runs, run: Run, path: Path) -> None:
    """Save the model of a run."""
    assert run.bundle is not None
    runs.set_saved(run.bundle, save_bundle(run.bundle, path, opened_files()))
