"""What a person did on a photograph that is also open in another layer, which counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from napari_marrow.data.text import listed
from napari_marrow.imaging.run_length import labels_in
from napari_marrow.viewer.photograph.annotations import Annotation, strokes_in
from napari_marrow.viewer.photograph.cell_counts import counts_text
from napari_marrow.viewer.photograph.photograph import Photograph


def unused_in_copies(photographs: Sequence[Photograph]) -> list[str]:
    """Say which annotations and edited nuclei are not used, for a worker."""
    notes = list[str]()
    for copy in photographs:
        for other in dict.fromkeys(copy.copies.values()):
            rows = [row for row, name in copy.copies.items() if name == other]
            counting = [x for x in photographs if x.name == other]
            notes += _unused(copy, rows, other, counting)
    return notes


def _unused(
    copy: Photograph, rows: Sequence[int], other: str, counting: Sequence[Photograph]
) -> list[str]:
    used = {x.layer for one in counting for x in one.annotations}
    used |= {one.nuclei.layer for one in counting if one.nuclei is not None}
    notes, marks = list[str](), Counter[str]()
    own = [x for x in copy.annotations if x.layer not in used]
    for row in (row for row in rows if copy.is_annotated(row)):
        for annotation in own:
            marks.update(_marks(copy, annotation, row))
    if marks:
        word = "stroke" if any(x.painted for x in own) else "cell"
        are = f"{word} in {copy.name} is" if marks.total() == 1 else f"{word}s in {copy.name} are"
        notes.append(f"{counts_text(marks)} {are} not used: {other} has its own")
    nuclei = None if copy.products else copy.nuclei
    rows = [row for row in rows if nuclei is not None and nuclei.corrected(row)]
    if nuclei is not None and rows and nuclei.layer not in used:
        names = listed([copy.field(row).name for row in rows])
        where = f" for {names}" if len(rows) < len(copy) else ""
        notes.append(f"{nuclei.layer.name} is not used{where}: the nuclei of {other} count")
    return notes


def _marks(photograph: Photograph, annotation: Annotation, row: int) -> list[str]:
    """Return the class of each stroke, or annotated cell."""
    part, names = photograph.part(annotation.data, row), annotation.classes[row]
    if annotation.painted:
        return [name for name in strokes_in(part, names)[1] if name]
    return [names[k] for k in labels_in(part) if k in names]
