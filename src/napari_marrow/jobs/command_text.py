"""The command that repeats a job, as a user would type it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from napari_marrow.data.options import Settings
from napari_marrow.data.text import printable


def repeat_command(
    name: str, inputs: Sequence[Path], out: Path, settings: Settings, groups: Path | None = None
) -> str:
    """Return a command line with the options that differ from their defaults.

    Of layers of a viewer there is none: it is "" where an input is not there.

    Parameters
    ----------
    name
        Of the command.
    inputs
        What it reads; the command has the whole paths, so that it works from anywhere.
    out
        Where it writes; a viewer writes to a temporary folder, so only its name is in the command.
    settings
        Its options.
    groups
        The table of sources, if one was given.
    """
    if not all(path.exists() for path in inputs):
        return ""
    words = ["napari-marrow", name, *(str(path.absolute()) for path in inputs), "--out", out.name]
    words += [] if groups is None else ["--groups", str(groups.absolute())]
    texts = settings.texts()
    for field in fields(settings):
        if (value := getattr(settings, field.name)) == field.default:
            continue
        option = field.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words += [f"--{option}", texts[field.name]]
    return printable(shlex.join(words))
