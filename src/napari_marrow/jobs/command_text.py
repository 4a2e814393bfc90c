"""The command that repeats a job, as a user would type it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from napari_marrow.data.options import Settings
from napari_marrow.data.text import printable


def repeat_command(name: str, inputs: Sequence[Path], out: Path, settings: Settings) -> str:
    """Return a command line with the options that differ from their defaults.

    Parameters
    ----------
    name
        Of the command.
    inputs, out
        What it reads, and where it writes.
    settings
        Its options.
    """
    words = ["napari-marrow", name, *map(str, inputs), "--out", str(out)]
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
