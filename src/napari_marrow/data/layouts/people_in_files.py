"""Patients and slides that the names of files spell: the sources where no folder tells them."""

from __future__ import annotations

import re
from dataclasses import replace

from napari_marrow.data.fields import Field
from napari_marrow.data.layouts.names import is_class_word, original_of_name
from napari_marrow.data.text import counted, folded, listed

_IN_NAME = r"(?:^|[\W_])(?P<word>{})[\W_]*(?P<number>\d+)(?!\d)"
_PATIENT_IN_NAME = re.compile(
    _IN_NAME.format(
        "patient(?:in)?|pat|paciente?|pac|subj(?:ect)?|case|cas|fall|proband(?:in)?|person"
        "|donor|spender(?:in)?|participant|volunteer|individual"
    ),
    re.IGNORECASE,
)
_SLIDE_IN_NAME = re.compile(
    _IN_NAME.format(
        "slide|wsi|smear|biopsy|aspirate|specimen|probe|pr(?:ä|ae)parat|ausstrich|objekttr(?:ä|ae)ger"
    ),
    re.IGNORECASE,
)
# P02, S1, ID007; BM-1001, 2023-1001, H23-1001: the year, and the number of the case in it
_P_CODE = re.compile(
    r"(?:(?P<word>[^\W\d_]+)[\W_]+)??(?P<code>(?:pt?|s|id|mrn)[\W_]?\d+|[a-z]{0,2}(?:(?:19|20)?\d\d)?-\d{3,})(?=[\W_])",
    re.IGNORECASE,
)


def sources_of_file_names(
    fields: tuple[Field, ...], ours: list[Field]
) -> tuple[tuple[Field, ...], list[str]]:
    """Give photographs one source whose names spell the same patient or slide, and say so.

    ``Patient1_0`` and ``patient_01-3`` do. So do codes such as ``P02_0``, also behind the class
    (``ALL_P02_0``), if all are named so and each code is of one class alone; else they are only
    reported.
    """
    stems = {f.path: original_of_name(f.path).rpartition("/")[2] for f in ours}
    codes = {f.path: code for f in ours if (code := _code(stems[f.path], f.class_name))}
    codes = codes if len(codes) == len(ours) else {}
    found = {path: match for path, stem in stems.items() if (match := _spelt_person(stem))}
    sources = {path: f"{m['word'].casefold()} {int(m['number'])}" for path, m in found.items()}
    with_class = {(f.class_name, codes[f.path]) for f in ours if f.path in codes}
    if not sources and len(with_class) == len(set(codes.values())):
        sources = codes
    keys = set(sources.values())
    if len(keys) > len({f.class_name for f in ours} - {None}) and len(keys) > 1:
        shared = len(keys) < len({stems[path] for path in sources})
        if not shared:
            return fields, []
        return tuple(replace(f, source=sources.get(f.path, f.source)) for f in fields), [
            f"By their names, {counted(len(sources), 'photograph')} are of {len(keys)} patients, "
            f"slides or the like: {listed(list(dict.fromkeys(sources.values())))}. All of one are "
            "one source. If that is wrong, give the sources in a table or with --groups."
        ]
    maybe = sorted(set(codes.values()) or keys)
    if maybe and len(maybe) < len({stems[path] for path in codes or found}):
        return fields, [
            f"The names of the files may tell patients or slides ({listed(maybe)}), and each "
            "photograph is a source of its own: if they do, give the sources in a table or with "
            "--groups."
        ]
    return fields, []


def _code(stem: str, class_name: str | None) -> str:
    """Return the code of a patient with which a stem begins, perhaps behind its class.

    >>> [_code(stem, "sick") for stem in ("P02_0", "ALL_P02_0", "sick-P02-0", "img_s1_0")]
    ['P02', 'P02', 'P02', '']
    """
    match = _P_CODE.match(stem)
    word = match and match["word"]
    is_own = not word or is_class_word(word) or folded(word) == folded(class_name or "")
    return match["code"] if match and is_own else ""


def _spelt_person(stem: str) -> re.Match[str] | None:
    """Return the patient, or else the slide, that a stem has a word and a number for."""
    return _PATIENT_IN_NAME.search(stem) or _SLIDE_IN_NAME.search(stem)
