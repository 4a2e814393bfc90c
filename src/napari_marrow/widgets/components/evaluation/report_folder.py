"""The folder of a report: read its result, and save a copy of it."""

from __future__ import annotations

import shutil
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.scores.results import EvaluationResult, of_json

SUGGESTED = "marrow-report"


def read_result(path: Path) -> EvaluationResult:
    """Return the result that a job wrote as JSON; for a thread, as pydantic is imported.

    Raises
    ------
    MarrowError
        When it can't be read, or is none.
    """
    try:
        return of_json(path.read_bytes())
    except OSError as error:
        raise MarrowError(f"{path} can't be read: {error.strerror}; evaluate again.") from error
    except ValueError as error:
        raise MarrowError(
            f"{path} holds no result of this version of napari-marrow; evaluate again."
        ) from error


def ask_folder(parent: QWidget) -> str:
    """Ask where a report is to be saved; "" for cancelled."""
    folder, number = Path.cwd() / SUGGESTED, 2
    while folder.exists():
        folder, number = Path.cwd() / f"{SUGGESTED}-{number}", number + 1
    return QFileDialog.getSaveFileName(parent, "Folder for the report", str(folder))[0]


def save_report(report: Path, path: Path) -> Path:
    """Copy the folder of a report to a new or an empty one; return that.

    Raises
    ------
    MarrowError
        When something is there, or it can't be written.
    """
    with atomic_folder(path) as folder:
        shutil.copytree(report, folder, dirs_exist_ok=True)
    return path
