"""What the audit says of a collection to learn from, before any work starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from napari_marrow.audit.audit import audit
from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, with_classes_only
from napari_marrow.learning.adaptation.acquisitions import Adapt, group_units
from napari_marrow.learning.learners import Callbacks
from napari_marrow.learning.settings import CompareSettings, TrainingSettings
from napari_marrow.measure.settings import AUTO, DEFAULT_FAMILIES, SIZES, STAIN_DEPENDENT_FAMILIES


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

    def is_inseparable(self, units: pd.DataFrame) -> bool:
        """Whether the classes can't be told from the acquisitions.

        Most units are of acquisitions of one class then: to standardise by acquisition would remove
        the class, and every answer of a model is uncertain.

        Parameters
        ----------
        units
            ``image`` and ``class`` of all that is learnt from.
        """
        if self.confounding is None:
            return False
        names = {self.collection.label(f): f.acquisition for f in self.collection.fields}
        acquisitions = units["image"].map(names).to_numpy(str)
        return group_units(acquisitions, units["class"].to_numpy(str)).removes_class

    def leaves_out(self, units: pd.DataFrame, adapt: Adapt) -> bool:
        """Whether what a stain, a camera or a magnification changes is left out by default.

        It is where acquisitions go with the class and features are not standardised by them. See
        :meth:`is_inseparable`; ``adapt`` is that of :class:`.AdaptationSettings`.
        """
        properties = () if self.confounding is None else self.confounding.properties
        plain = adapt == "none" and not {"camera", "acquisition"}.isdisjoint(properties)
        return plain or self.is_inseparable(units)

    def features_note(self, families: Sequence[str]) -> tuple[str, ...]:
        """Say which features are left out, or kept although the class may be told by them.

        Parameters
        ----------
        families
            As they were asked for, of a model of measured features; where some are left out.
        """
        go = "class and the photographs' origin go together"
        if AUTO in families:
            left = [*(x for x in DEFAULT_FAMILIES if x in STAIN_DEPENDENT_FAMILIES), SIZES]
            text = f"Features left out, as {go} and the microscope changes them: {', '.join(left)}."
            found = [f"{text} Choose families to have them."]
        else:
            found = []
        kept = [name for name in families if name in STAIN_DEPENDENT_FAMILIES]
        kept += [f"{SIZES} of {x}" for x in families if x not in {AUTO, *STAIN_DEPENDENT_FAMILIES}]
        if kept:
            text = f"Features kept, as they were chosen: {', '.join(kept)}. The microscope changes "
            found.append(f"{text}them, and as {go}, the model may go by that.")
        return tuple(found)


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
