"""The folder of the sample data: in the installed package, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

from napari_marrow.data.errors import MarrowError


def sample_folder() -> Path:
    """Return the folder of simulated sample fields, with one folder a class.

    Raises
    ------
    MarrowError
        When the sample data is not installed.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "sample_data", package.parents[1] / "sample_data"):
        if (folder / "ALL").is_dir():
            return folder
    raise MarrowError(
        "The sample data is missing from this installation; install napari-marrow again."
    )
