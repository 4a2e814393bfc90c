"""Masks of a collection that mark nothing, can't be read, or are read by their photograph."""

from __future__ import annotations

from collections import defaultdict

from napari_marrow.audit.findings import Finding
from napari_marrow.data.doubtful_masks import marks_most
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection, Field, with_fitting_masks
from napari_marrow.data.masks import MaskKind, read_mask
from napari_marrow.data.text import listed

_SENTENCES = {
    "mask-empty": "Empty masks of nuclei: {}. Nothing is learnt from there; draw the nuclei, "
    "or remove the mask to have them found.",
    "mask-by-photograph": "Masks of which the values do not tell what is foreground: {}. The "
    "photograph decides; look at them in the viewer.",
}


def find_odd_masks(collection: Collection, failures: Failures) -> list[Finding]:
    """Return a finding for each thing that is odd about the pixels of masks.

    Fields with a mask that can't be used are added to ``failures``. Of masks that do not fit their
    photograph by their headers there is no finding: the scan names them.
    """
    names: dict[str, list[str]] = defaultdict(list)
    reasons = []
    for field in collection.fields:
        fitting = with_fitting_masks(field).masks
        for kind, path in field.masks.items():
            try:
                odd = _what_is_odd(field, kind)
            except MarrowError as error:
                failures.add(collection.label(field), str(error))
                odd = "mask-unclear" if kind in fitting else "damaged"
                reasons += [str(error)] if kind in fitting else []
            names[odd].append(path.name)
    findings = [
        Finding(kind, text.format(listed(names[kind])), tuple(names[kind]))
        for kind, text in _SENTENCES.items()
        if names[kind]
    ]
    if unclear := names["mask-unclear"]:
        others = f" The same with {listed(unclear[1:])}." if unclear[1:] else ""
        findings.append(Finding("mask-unclear", reasons[0] + others, tuple(unclear)))
    return findings


def _what_is_odd(field: Field, kind: MaskKind) -> str:
    found = read_mask(field.masks[kind], field.size(), kind, field.mask_code)
    if kind == "background":
        return ""
    if marks_most(found) or not found.any():
        used = field.mask(kind)
        if used is not None and (used != found).any():
            return "mask-by-photograph"
    return "mask-empty" if kind == "nucleus" and not found.any() else ""
