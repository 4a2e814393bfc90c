"""Options that several commands share: those of all models, and a table of sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

from cyclopts import Parameter

from napari_marrow.cli.console import console
from napari_marrow.learning.model_settings import ModelSettings, OptionGroup
from napari_marrow.learning.registry import MODELS

if TYPE_CHECKING:
    from napari_marrow.data.fields import Collection

AsGroups = Annotated[
    Path | None,
    Parameter(help="CSV with image,source: a source stays on one side of every split."),
]
HINTS = get_type_hints(ModelSettings)
"""The types of the options, by name."""


class ModelOptions(ModelSettings):
    """The options of all models, each under the title of its group in ``--help``."""

    __annotations__ = {
        field.name: Annotated[HINTS[field.name], Parameter(group=group.title)]
        for group in ModelSettings.__bases__
        if issubclass(group, OptionGroup)
        for field in fields(group)
    }


def report_unused(models: Sequence[str], given: ModelSettings) -> None:
    """Name the options that the user changed and none of the models uses."""
    used = {n for name in models if name in MODELS for n in MODELS[name].option_names}
    changed = [f.name for f in fields(given) if getattr(given, f.name) != f.default]
    options = [f"--{name.replace('_', '-')}" for name in changed if name not in used]
    if options and used:
        console.print(f"Not used by {', '.join(models)}: {', '.join(options)}.")


def grouped(folder: Path, groups: Path | None) -> Collection:
    """Return the fields of a folder, with the sources that the table gives."""
    from napari_marrow.data.fields import with_groups
    from napari_marrow.data.layouts import scan as scan_folder

    collection = scan_folder(folder)
    return collection if groups is None else with_groups(collection, groups)
