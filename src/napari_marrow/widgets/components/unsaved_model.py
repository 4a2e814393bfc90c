"""A trained model that is not saved yet.

Where nobody was asked before its dock or window was closed, because a script closed them, the
model is kept in a folder of the user's data.
"""

from __future__ import annotations

import logging
import re
import shutil
from datetime import datetime
from pathlib import Path

import platformdirs

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
    return sorted(recovery_folder().glob("*.marrow"))


class UnsavedModel:
    """The folder of a bundle that is not saved, if there is one; it outlives the widget."""

    def __init__(self) -> None:
        self.path: Path | None = None

    def discard(self) -> None:
        """Forget the model."""
        self.path = None

    def keep(self) -> Path | None:
        """Copy the model to the recovery folder; return where it is, or None without a model."""
        path, self.path = self.path, None
        if path is None or not path.is_dir():
            return None
        kept = recovery_folder() / f"{datetime.now():%Y-%m-%d %H-%M-%S-%f}.marrow"
        try:
            shutil.copytree(path, kept)
        except OSError as error:  # a full disk, or no permission
            log.error("The model was not saved, and can't be kept as %s: %s.", kept, error)
            return None
        ours = [x for x in kept_models() if NAME.fullmatch(x.name)]
        for older in ours[:-MAX_KEPT]:
            shutil.rmtree(older, ignore_errors=True)
        log.warning("The model was not saved; it is kept as %s.", kept)
        return kept
