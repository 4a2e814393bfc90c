"""What the audit says of a collection to learn from, before any work starts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_marrow.audit.audit import audit
from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, with_classes_only
from napari_marrow.learning.learners import Callbacks
from napari_marrow.learning.settings import CompareSettings, TrainingSettings


@dataclass(frozen=True)
class Audited:
    """The fields to learn from, and what a reader of the scores must know of them.

    Attributes
    ----------
    collection
        Those with a class and without masks among them; copies are one source.
    usable
        The same without those that can't be used.
    notes
        Sentences.
    confounding
        What goes with the class.
    """

    collection: Collection
    usable: Collection
    notes: tuple[str, ...]
    confounding: Confounding | None


def audit_training(
    collection: Collection, settings: TrainingSettings | CompareSettings, callbacks: Callbacks
) -> Audited:
    """Audit the fields to learn from; those without a class are left out."""
    known, left_out = with_classes_only(collection)
    check_training(known, settings)
    audited = audit(known, callbacks.progress)
    if len(audited.collection.classes) < 2:
        kinds = ("mask-as-image", "blank")
        masks = " ".join(f.sentence for f in audited.findings if f.kind in kinds)
        raise MarrowError(f"{collection.root} holds photographs of one class at most. {masks}")
    failed = {failure.reason for failure in audited.failed}  # reported by who reads them
    warnings = [text for text in collection.warnings if text not in failed]
    found, unusable = audited.collection, {failure.image for failure in audited.failed}
    usable = tuple(f for f in found.fields if found.label(f) not in unusable) or found.fields
    notes = (*warnings, *left_out, *audited.sentences)
    return Audited(found, replace(found, fields=usable), notes, audited.confounding)


def check_training(collection: Collection, settings: TrainingSettings | CompareSettings) -> None:
    """Check settings and classes before any work starts.

    Raises
    ------
    MarrowError
        For settings out of bounds, or fewer than two classes.
    """
    settings.check()
    if len(collection.classes) < 2:
        known = f"only the class {collection.classes[0]}" if collection.classes else "no class"
        raise MarrowError(
            f"{collection.root} holds {known}; "
            "training needs fields of at least two classes, each in a folder of its name."
        )
