"""Masks of a collection that mark nothing, can't be read, or are read by their photograph."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np

from napari_marrow.audit.findings import Finding
from napari_marrow.data.doubtful_masks import marks_most, nested_levels
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection, Field, with_fitting_masks
from napari_marrow.data.images import decode
from napari_marrow.data.masks import MaskKind, read_mask
from napari_marrow.data.text import listed

_SENTENCES = {
    "mask-empty": "Empty masks of nuclei: {}. Nothing is learnt from there; draw the nuclei, "
    "or remove the mask to have them found.",
    "mask-by-photograph": "Masks of which the values do not tell what is foreground: {}. The "
    "photograph decides; look at them in the viewer.",
    "mask-in-levels": "Masks of one kind by their names, with several levels, one inside another: "
    "{}. All levels are read as one, as if cytoplasm were nucleus; save them with 255 for the one "
    "kind and 0 for the rest.",
}


def find_odd_masks(collection: Collection, failures: Failures) -> list[Finding]:
    """Return a finding for each thing that is odd about the pixels of masks.

    Fields with a mask that can't be used are added to ``failures``. Of masks that do not fit their
    photograph by their headers there is no finding: the scan names them.
    """
    names: dict[str, list[str]] = defaultdict(list)
    shown: dict[str, list[str]] = defaultdict(list)
    reasons: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for field in (f for f in collection.fields if f.masks):  # the others' headers are not read
        fitting = with_fitting_masks(field).masks
        for kind, path in field.masks.items():
            try:
                odd, values = _what_is_odd(field, kind)
            except MarrowError as error:
                failures.add(collection.label(field), str(error))
                odd, values = "mask-unclear" if kind in fitting else "damaged", []
                if kind in fitting:
                    what = str(error).removeprefix(str(path))
                    reasons[re.split("[:;,]", what)[0]].append((path.name, str(error)))
            names[odd].append(path.name)
            shown[odd].append(f"{path.name} ({listed(values)})" if values else path.name)
    findings = [
        Finding(kind, text.format(listed(shown[kind])), tuple(names[kind]))
        for kind, text in _SENTENCES.items()
        if names[kind]
    ]
    for same in reasons.values():
        unclear = tuple(name for name, _ in same)
        others = f" The same with {listed(unclear[1:])}." if unclear[1:] else ""
        findings.append(Finding("mask-unclear", same[0][1] + others, unclear))
    return findings


def _what_is_odd(field: Field, kind: MaskKind) -> tuple[str, list[str]]:
    """Return the kind of finding about a mask, or nothing, and the values it has if it tells."""
    found = read_mask(field.masks[kind], field.size(), kind, field.mask_code)
    if kind == "background":
        return "", []
    if marks_most(found) or not found.any():
        used = field.mask(kind)
        if used is not None and (used != found).any():
            return "mask-by-photograph", []
    if not found.any():
        return "mask-empty" if kind == "nucleus" else "", []
    if field.mask_code != "white" or kind == "cell" or found.all():
        return "", []
    array = decode(field.masks[kind])
    has_alpha = array.ndim == 3 and array.shape[-1] in (2, 4)
    levels = nested_levels(np.squeeze(array[..., :-1] if has_alpha else array), found)
    return "mask-in-levels" if levels else "", levels
