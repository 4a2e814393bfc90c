"""The saved model that was used last: the next viewer begins with it."""

from __future__ import annotations

import logging
from pathlib import Path

from napari_marrow.learning.bundle_files import BUNDLE_JSON
from napari_marrow.widgets.components.training import unsaved_model

log = logging.getLogger("napari_marrow")
FILE = "last model.txt"


def remember_model(bundle: Path) -> None:
    """Note the model that was loaded or saved; where that can't be written, none is known."""
    folder = unsaved_model.recovery_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(str(bundle.resolve()), encoding="utf-8")
    except OSError as error:
        log.warning("The last model can't be noted in %s: %s.", folder, error)


def last_model() -> Path | None:
    """Return the model that was noted last, if it is still there."""
    try:
        text = (unsaved_model.recovery_folder() / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    path = Path(text)
    return path if text and (path / BUNDLE_JSON).is_file() else None
