"""Augment photographs with their masks, one in memory or a folder of them in SN-AM names."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.fields import Collection, Field, with_fitting_masks
from napari_marrow.data.layouts import SAVED, write_table
from napari_marrow.data.progress import never
from napari_marrow.data.text import listed
from napari_marrow.imaging.augment import PlannedImage, count, planned
from napari_marrow.imaging.settings import AugmentSettings
from napari_marrow.jobs.events import Emit, Event, ShouldStop, silent

_MASK_NAMES = {"nucleus": "nucleus", "cytoplasm": "cyto", "background": "background"}
"""SN-AM's names for the kinds of masks."""
MAX_NAME_BYTES = 120
"""Of a name that is made of a text: systems take 255, and the endings of products follow."""
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')


@dataclass(frozen=True)
class AugmentJob:
    """Augment the fields of this collection and write them to a new folder."""

    collection: Collection
    settings: AugmentSettings
    out: Path
    strict: bool = False


@dataclass(frozen=True)
class AugmentResult:
    """What an augmentation job wrote.

    Attributes
    ----------
    out
        The folder.
    fields, images, masks
        Number of photographs read, photographs written, and masks written.
    operations
        Their names.
    failed
        The photographs that can't be read and were left out.
    warnings
        Sentences for the user.
    """

    out: Path
    fields: int
    images: int
    masks: int
    operations: tuple[str, ...]
    failed: tuple[Failure, ...]
    warnings: list[str]

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON."""
        return asdict(self) | {"out": str(self.out), "operations": list(self.operations)}


def run_augmentation(
    job: AugmentJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> AugmentResult:
    """Write ``OUT/<class>/<stem>_<operation>.bmp`` with its masks, for every field and operation.

    The folder appears when all is written. With it comes a table of classes and sources, which
    keeps patients that a layout or a table gave. Fields that can't be read are left out, with
    their reasons.

    Raises
    ------
    MarrowError
        When the settings, ``out`` or a name can't work, no photograph can be read, or a file
        can't be written.
    Stopped
        When ``should_stop`` returned True.
    """
    check(job)
    collection, failures = job.collection, Failures(job.strict)
    fields: dict[int, Field] = {}

    def read(row: int) -> None:
        fields[row] = with_fitting_masks(collection.fields[row])

    planned_images = plan_readable(collection, job.settings, read, failures, should_stop)
    total = sum(map(len, planned_images.values()))
    written: list[Field] = []
    masks = 0
    with atomic_folder(job.out) as folder:
        emit(Event("message", describe_plan(len(fields), job.settings)))
        for k, (row, images) in enumerate(planned_images.items()):
            f = fields[row]
            with failures.leaving_out(collection.label(f)):
                image, its_masks = f.image(), _masks(f)
                for done, one in enumerate(images, k * len(images) + 1):
                    if should_stop():
                        raise Stopped
                    made = {kind: one.make(mask, job.settings) for kind, mask in its_masks.items()}
                    _write(folder / one.name, one.make(image, job.settings), made)
                    masks += len(made)
                    path = folder / f"{one.name}.bmp"
                    written.append(dataclasses.replace(f, path=path, name=path.stem))
                    emit(Event("progress", f"Wrote {one.name}", done / total))
        failures.check_some_left(len(collection.fields))
        warnings = [*collection.warnings, *_left_out([*fields.values()])]
        for sentence in warnings:
            emit(Event("message", f"! {sentence}"))
        write_table(Collection(folder, tuple(written)), folder / SAVED)
    return AugmentResult(
        out=job.out,
        fields=len(collection.fields) - len(failures.found),
        images=len(written),
        masks=masks,
        operations=job.settings.operations,
        failed=tuple(failures.found),
        warnings=warnings,
    )


def check(job: AugmentJob) -> None:
    """Refuse what can't work before any work starts.

    Raises
    ------
    MarrowError
        For settings out of bounds, or an ``out`` in the folder that is read.
    """
    job.settings.check()
    check_place(job.out, job.collection.root)


def check_place(out: Path, folder: Path) -> None:
    """Refuse to write into the folder that is read: the next scan would find the copies.

    Raises
    ------
    MarrowError
        When ``out`` is ``folder`` or below it.
    """
    if out.resolve().is_relative_to(folder.resolve()):
        raise MarrowError(
            f"{out} is inside {folder}, whose photographs are read; choose a folder outside it."
        )


def describe_plan(fields: int, settings: AugmentSettings) -> str:
    """Return a sentence that says what is made of a number of fields.

    >>> describe_plan(60, AugmentSettings(("rotate90", "edges")))
    '60 fields give 180 images: 60 originals, and 120 made by rotate90, edges.'
    """
    total = count(fields, settings)
    kept = fields * settings.originals
    originals = f"{kept} original{'s' * (kept != 1)}, and " if kept else ""
    made = f"{total - kept} made by {', '.join(settings.operations)}"
    what = "1 field gives" if fields == 1 else f"{fields} fields give"
    return f"{what} {total} images: {originals}{made}."


def plan(collection: Collection, settings: AugmentSettings) -> list[list[PlannedImage]]:
    """Return what is made of each field of a collection, in a folder as in the viewer."""
    return [planned(name, settings) for name in unique_names(collection, settings)]


def plan_readable(
    collection: Collection,
    settings: AugmentSettings,
    read: Callable[[int], object],
    failures: Failures,
    should_stop: ShouldStop = never,
) -> dict[int, list[PlannedImage]]:
    """Return what is made of each field that can be read, by its number.

    Parameters
    ----------
    collection, settings
        What to augment, and how.
    read
        Called with the number of each field; MarrowError where it can't be used.
    failures
        Takes the fields that can't be used.
    should_stop
        Asked before each field.

    Raises
    ------
    MarrowError
        When no field can be used.
    Stopped
        When ``should_stop`` returned True.
    """
    found = {}
    images_of_fields = zip(collection.fields, plan(collection, settings), strict=True)
    for row, (f, images) in enumerate(images_of_fields):
        if should_stop():
            raise Stopped
        with failures.leaving_out(collection.label(f)):
            read(row)
            found[row] = images
    failures.check_some_left(len(collection.fields))
    return found


def unique_names(collection: Collection, settings: AugmentSettings) -> list[str]:
    """Return the names of the fields in the new folder: ``<class>/<stem>``, each once.

    Where fields of a class share a stem, or one has the name of another's product, "_copy2" and
    so on follow; names that differ in this ending alone have the same source.
    """
    taken: set[str] = set()
    found = []
    for f in collection.fields:
        folder = file_name(f.class_name) + "/" if f.class_name else ""
        name = plain = f"{folder}{f.path.stem}"
        number = 2
        while taken.intersection(all_names := _all_names(name, settings)):
            name = f"{plain}_copy{number}"
            number += 1
        taken.update(all_names)
        found.append(name)
    return found


def file_name(text: str) -> str:
    """Return a text as the stem of a file name that every system accepts.

    >>> file_name(" slide 3/4 "), file_name("..")
    ('slide 3_4', 'unnamed')
    """
    name = _NOT_IN_NAMES.sub("_", text).strip(" .")
    while len(name.encode()) > MAX_NAME_BYTES:
        name = name[:-1]
    return name.strip(" .") or "unnamed"


def _all_names(name: str, settings: AugmentSettings) -> list[str]:
    """Return the names of a field and its products in lower case, as some systems ignore case."""
    return [name.lower(), *(one.name.lower() for one in planned(name, settings))]


def _masks(f: Field) -> dict[str, NDArray[np.bool_]]:
    """Return the masks of a field by SN-AM's names; cytoplasm is whole cells without nuclei."""
    found = {kind: f.mask(kind) for kind in f.mask_kinds}
    masks = {kind: mask for kind, mask in found.items() if mask is not None}
    if "cell" in masks and "nucleus" in masks and "cytoplasm" not in masks:
        masks["cytoplasm"] = masks["cell"] & ~masks["nucleus"]
    return {_MASK_NAMES[kind]: mask for kind, mask in masks.items() if kind in _MASK_NAMES}


def _left_out(fields: list[Field]) -> list[str]:
    """Return sentences on what SN-AM's files can't hold."""
    warnings = []
    cells = [f.name for f in fields if f.mask_kinds & {"cell", "nucleus"} == {"cell"}]
    if cells:
        warnings.append(
            f"Masks of whole cells, which SN-AM has no name for, left out: {listed(cells)}."
        )
    marked = [f.name for f in fields if f.labels or f.cells or f.cell_classes]
    if marked:
        warnings.append(
            f"Cells marked one by one are written as masks without numbers: {listed(marked)}."
        )
    return warnings


def _write(stem: Path, image: NDArray[np.uint8], masks: Mapping[str, NDArray]) -> None:
    """Write a photograph and its masks, white on black."""
    pictures = {f"{stem}.bmp": image}
    for kind, mask in masks.items():
        white = mask.astype(np.uint8)[..., None] * np.uint8(255)
        pictures[f"{stem}_{kind}_mask.bmp"] = np.repeat(white, 3, axis=2)
    for path, picture in pictures.items():
        stem.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
