"""Cells of an open project to files of other programs, and classes of cells from such files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Image

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.file_index import FileIndex
from napari_marrow.data.marks.marks import MarkedFile, NumberedMark
from napari_marrow.data.marks.reading import read_marks
from napari_marrow.data.project.annotations import Annotations, ClassColour, Given
from napari_marrow.data.text import counted, folded, listed
from napari_marrow.imaging.marked_cells import marked_cells
from napari_marrow.imaging.run_length import labels_in
from napari_marrow.jobs.events import Emit, Event, ShouldStop
from napari_marrow.jobs.export_cells_job import ExportCellsJob, ExportSettings
from napari_marrow.report.colours import class_colours, free_colour
from napari_marrow.report.exports.pixels import FieldPixels
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.open_field import OpenField
from napari_marrow.viewer.make.exported import photograph_pixels
from napari_marrow.viewer.photograph.photograph import Photograph

if TYPE_CHECKING:
    from napari_marrow.learning.counting.heldout import HeldOutErrors

NOTHING_MEASURED = "No cell is measured yet; press Annotate, and wait until the cells are measured."


def export_job(
    live: LiveCells, out: Path, settings: ExportSettings, errors: HeldOutErrors | None = None
) -> ExportCellsJob:
    """Return what writes the cells of a project as they are shown now; on the viewer's thread.

    Parameters
    ----------
    live
        The cells.
    out
        The folder to write.
    settings
        What to write.
    errors
        Of the model that answered; None where they are not known.

    Raises
    ------
    MarrowError
        When no cell is measured.
    """
    answers, session = live.answers, live.session
    if answers is None:
        raise MarrowError(NOTHING_MEASURED)
    layers, fields = list(session.viewer.layers), {x.name: x for x in session.fields}
    photographs: dict[Image, Photograph] = {}
    read: dict[str, Callable[[], FieldPixels]] = {}
    for name in answers.cells.fields:
        field = fields.get(name)
        if field is None or field.image not in layers:
            read[name] = partial(_gone, name)
            continue
        if field.image not in photographs:
            photographs[field.image] = Photograph.of(field.image, layers)
        read[name] = partial(_pixels, photographs[field.image], field, settings.cytoplasm)
    colours = {x.name: x.colour for x in session.annotations.classes}
    missing = class_colours([name for name in answers.classes if name not in colours])
    return ExportCellsJob(answers, colours | missing, read, out, settings, errors)


def _gone(name: str) -> FieldPixels:
    raise MarrowError(f"{name} was closed, or its nuclei are being measured; export again then.")


def _pixels(photograph: Photograph, field: OpenField, find_cytoplasm: bool) -> FieldPixels:
    labels = field.encoded.labels.decode()
    return photograph_pixels(photograph, field.row, labels, find_cytoplasm)


@dataclass(frozen=True, eq=False)
class ReadFiles:
    """Files of other programs, and a sentence for each that can't be read."""

    files: tuple[tuple[Path, MarkedFile], ...]
    refused: tuple[str, ...]


def read_files(paths: Sequence[Path], emit: Emit, should_stop: ShouldStop) -> ReadFiles:
    """Read files; for a worker."""
    files, refused = [], []
    for number, path in enumerate(paths):
        if should_stop():
            raise Stopped
        try:
            files.append((path, read_marks(path)))
        except MarrowError as error:
            refused.append(str(error))
        emit(Event("progress", f"Read {path.name}", (number + 1) / len(paths)))
    return ReadFiles(tuple(files), tuple(refused))


@dataclass(frozen=True, eq=False)
class Assigned:
    """A file, or the part of it that is of one field, and the field."""

    path: Path
    file: MarkedFile
    field: OpenField


def assign_fields(
    files: ReadFiles, fields: Sequence[OpenField], ask: Callable[[str], OpenField | None]
) -> tuple[list[Assigned], list[str]]:
    """Find the field that each file is of, by the name of the file or that in its rows.

    Parameters
    ----------
    files
        What was read.
    fields
        Those whose cells are known.
    ask
        Called with what the files call one photograph, where no field or several have that name,
        and there is no other such photograph; returns which is meant, or None for none of them.

    Returns
    -------
    tuple
        What is of a field; and a sentence for each photograph that is none of them.
    """
    parts = [(path, *x) for path, file in files.files for x in _by_image(file).items()]
    index = FileIndex({field.name: field for field in fields})
    found = {image: _find(index, image) for _, image, _ in parts}
    if unclear := [image for image, field in found.items() if field is None]:
        is_single = len(fields) == len(found) == 1 and fields[0].layer.ndim == 2  # no stack
        if len(unclear) == 1:
            found[unclear[0]] = fields[0] if is_single else ask(unclear[0])
    assigned = [Assigned(path, part, x) for path, image, part in parts if (x := found[image])]
    left = [
        f"{image} is none of the fields whose cells are measured; wait until all are, or give the "
        "file the name of its field."
        for image, field in found.items()
        if field is None
    ]
    return assigned, left


def _find(index: FileIndex[OpenField], image: str) -> OpenField | None:
    """Return the field that a name means; None where none or several have it."""
    plain = image.rpartition(" ")[0]  # the kind of a layer stands behind its photograph
    found = index.find(image) or (index.find(plain) if plain else [])
    return found[0] if len(found) == 1 else None


def _by_image(file: MarkedFile) -> dict[str, MarkedFile]:
    """Return the parts of a file by what they call their photographs."""
    parts: dict[str, list[NumberedMark]] = {}
    for mark in file.numbered:
        parts.setdefault(mark.image or file.image, []).append(mark)
    if not parts:
        return {file.image: file}
    first, *others = parts
    found = {first: replace(file, numbered=tuple(parts[first]))}
    rest = replace(file, without_class=0, unreviewed=0)
    return found | {name: replace(rest, numbered=tuple(parts[name])) for name in others}


@dataclass(frozen=True, eq=False)
class Taken:
    """What files give to cells.

    Attributes
    ----------
    given
        By field, what each cell gets, by its number.
    classes
        Of the files, with the colours that they have.
    notes
        Sentences on what is left out.
    """

    given: Mapping[OpenField, Mapping[int, Given]]
    classes: tuple[ClassColour, ...]
    notes: tuple[str, ...]


def take_over(assigned: Sequence[Assigned], emit: Emit, should_stop: ShouldStop) -> Taken:
    """Find the cells that files mean; for a worker. Of several files the last counts."""
    given: dict[OpenField, dict[int, Given]] = {}
    colours: dict[str, str] = {}
    left: Counter[str] = Counter()
    swapped = list[str]()
    for number, one in enumerate(assigned):
        if should_stop():
            raise Stopped
        labels = one.field.encoded.labels.decode()
        own = given.setdefault(one.field, {})
        found = marked_cells(one.file.marks, labels)
        own |= {k: Given(mark.class_name, mark.who) for k, mark in found.marks.items()}
        cells = {*labels_in(labels)} if one.file.numbered else set[int]()
        for mark in one.file.numbered:
            if mark.number in cells:
                own[mark.number] = Given(mark.class_name, mark.who)
            else:
                left["missed"] += 1
        left["without"] += one.file.without_class
        left["unreviewed"] += one.file.unreviewed
        left["missed"] += found.missed
        left["disputed"] += found.disputed
        swapped += [one.path.name] if found.swapped else []
        for x in one.file.classes:
            colours[x.name] = colours.get(x.name) or x.colour
        emit(Event("progress", f"Found the cells of {one.path.name}", (number + 1) / len(assigned)))
    classes = tuple(ClassColour(*pair) for pair in colours.items())
    return Taken(given, classes, _notes(left, swapped))


def _notes(left: Counter[str], swapped: Sequence[str]) -> tuple[str, ...]:
    """Return sentences on what is left out."""
    lie = "lies" if left["missed"] == 1 else "lie"
    texts = {
        "without": f"{counted(left['without'], 'object')} without a class left out.",
        "unreviewed": f"{counted(left['unreviewed'], 'answer')} of a model that nobody changed "
        "left out.",
        "missed": f"{counted(left['missed'], 'object')} {lie} on no cell.",
        "disputed": f"{counted(left['disputed'], 'cell')} under objects of different classes: the "
        "one that covers most of it counts.",
    }
    first = (f"x and y are taken as swapped in {listed(swapped)}.",) if swapped else ()
    return (*first, *(text for name, text in texts.items() if left[name]))


def record_taken(live: LiveCells, taken: Taken) -> str:
    """Keep what files give, as one step of undo with the classes that are new; say what was done.

    Raises
    ------
    MarrowError
        When it can't be written; then nothing has changed.
    """
    session = live.session
    classes, names = joined_classes(session.annotations, taken.classes)
    wanted = {
        field: {k: replace(x, class_name=names[x.class_name]) for k, x in own.items()}
        for field, own in taken.given.items()
        if session.field(field.image, field.row) is field
    }
    changed = [x for x in taken.given if x not in wanted]
    notes = [f"The nuclei of {x.name} were changed meanwhile; import again." for x in changed]
    counts = Counter(x.class_name for own in wanted.values() for x in own.values())
    if not counts:
        return " ".join(["No cell got a class.", *taken.notes, *notes])
    session.record(wanted, classes if classes != session.annotations.classes else None)
    of = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    text = f"{counted(counts.total(), 'cell')} got a class ({of}); Undo takes all of it back."
    return " ".join([text, *taken.notes, *notes])


def joined_classes(
    annotations: Annotations, new: Sequence[ClassColour]
) -> tuple[tuple[ClassColour, ...], dict[str, str]]:
    """Return all classes after new ones are added, and what each new one is called there.

    One that looks the same as one that is there is that one.
    """
    found, names = list(annotations.classes), dict[str, str]()
    for one in new:
        known = next((x.name for x in found if folded(x.name) == folded(one.name)), None)
        if known is None:
            free = free_colour(one.name, [x.colour for x in found])
            found.append(ClassColour(one.name, one.colour or free))
        names[one.name] = known or one.name
    return tuple(found), names
