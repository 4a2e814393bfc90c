"""Label photographs in a thread, and say what was labelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.text import counted, first_few
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.learning.bundles.bundle import Bundle
from napari_marrow.learning.model_settings import Adapt
from napari_marrow.viewer.layer_info import shown_slice
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.session import fingerprints
from napari_marrow.widgets.components.photograph_widget import NO_FIELD

if TYPE_CHECKING:
    import napari

    from napari_marrow.viewer.make.predictions import LabelledPhotograph


def shown_photograph(viewer: napari.Viewer) -> Photograph:
    """Return the topmost visible photograph, with the field that is shown as the chosen one.

    Raises
    ------
    MarrowError
        When none is visible, or the slider shows none of its fields.
    """
    visible = [x for x in Photograph.all_of(viewer.layers) if x.layer.visible]
    if not visible:
        raise MarrowError("No photograph is visible; show the one to label with its eye symbol.")
    for photograph in reversed(visible):
        row = shown_slice(photograph.layer, viewer.dims.point)
        if row >= 0:
            return replace(photograph, chosen=(row,))
    raise MarrowError(NO_FIELD)


@dataclass(frozen=True)
class Labelled:
    """What a thread labelled.

    ``sides`` are as :meth:`.Bundle.side_of` returns them, of each row that was labelled;
    ``failed`` are fields that can't be read.
    """

    photographs: Sequence[LabelledPhotograph]
    sides: Mapping[LabelledPhotograph, Sequence[str | None]]
    failed: Sequence[Failure]


def report(labelled: Sequence[LabelledPhotograph], sides: Sequence[str | None]) -> str:
    """Return what was labelled, whose nuclei the cells are, and what was learnt from."""
    fields = [(x.photograph, row) for x in labelled for row in x.rows]
    text = f"{counted(len(fields), 'field')} labelled"
    if any(x.cells for x in labelled):
        n_cells = sum(len(p.table) for x in labelled for p in x.predictions)
        origins = Counter(photograph.nuclei_origin(row) for photograph, row in fields)
        whose = [f"{origin} ({counted(n, 'field')})" for origin, n in origins.items()]
        nuclei = ", ".join(first_few(whose) if len(whose) > 1 else origins)
        text = f"{counted(n_cells, 'cell')} of {text}; the nuclei are {nuclei}"
    notes = dict.fromkeys(note for x in labelled for note in x.photograph.notes)
    sentences = ["; ".join([text, *first_few([*notes])]) + "."]
    sentences += {x.shift for x in labelled if x.shift}
    n_learnt, n_held_out = sides.count("learnt"), sides.count("held out")
    if n_learnt or n_held_out:
        text = f"The model learnt from {n_learnt} of them"
        sentences.append(f"{text}, {n_held_out} held out." if n_held_out else f"{text}.")
    return " ".join(sentences)


def outdated_sentence(outdated: Mapping[LabelledPhotograph, str]) -> str:
    """Return which photographs are not labelled as they were changed or removed meanwhile."""
    reasons = [*dict.fromkeys(filter(None, outdated.values()))]
    names = {y: [x.photograph.name for x, why in outdated.items() if why == y] for y in reasons}
    return " ".join(f"{', '.join(first_few(names[why]))}: {why}" for why in reasons)


def failed_sentences(failed: Sequence[Failure]) -> list[str]:
    """Return how many fields are left out, and why the first is."""
    if not failed:
        return []
    return [f"{counted(len(failed), 'field')} left out: {failed[0].reason}"]


def predict_all(
    bundle: Bundle,
    photographs: list[Photograph],
    adapt: Adapt,
    emit: Emit,
    should_stop: ShouldStop,
) -> Labelled:
    """Label photographs; note what was learnt from and held out, and what was left out."""
    # Imported in the thread: it brings ONNX Runtime and pandas.
    from napari_marrow.viewer.make.predictions import predict_photographs

    failures = Failures()
    labelled = predict_photographs(bundle, photographs, emit, should_stop, failures, adapt)
    sides = {
        x: [bundle.side_of(x.predictions[row], fingerprints(x.photograph, row)) for row in x.rows]
        for x in labelled
    }
    return Labelled(labelled, sides, failures.found)
