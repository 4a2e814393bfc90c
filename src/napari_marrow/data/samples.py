"""Where the sample data lies: in the installed package, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

from napari_marrow.data.errors import MarrowError


def sample_folder() -> Path:
    """The folder of simulated sample fields, one folder a class.

    Raises
    ------
    MarrowError
        When the installation lacks them.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "sample_data", package.parents[1] / "sample_data"):
        if (folder / "ALL").is_dir():
            return folder
    raise MarrowError(
        "The sample data is missing from this installation; install napari-marrow again."
    )
