"""Photographs that share a source by their names, where their files do not show it.

Products of a photograph, and its cut-outs in a folder beside its own.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts.class_names import VIEW, class_and_view, is_view, tells_class
from napari_marrow.data.layouts.names import (
    class_of_folder_name,
    may_show_same_pictures,
    original_of_name,
    source_of_name,
)
from napari_marrow.data.text import first_few, folded, listed

MIN_SHARED_NAME_SHARE = 0.8
"""Share of a folder's names that must be in the other, for both to show the same pictures."""
MIN_GENERATED_ORIGINALS = 5
"""Originals of which a folder has copies, for names to be taken for those of Keras."""
_GENERATED = re.compile(r"(?P<prefix>.*)_(?P<index>\d{1,5})_(?P<hash>\d{1,8})")

# Operations of augmentation and what their names are followed by: "rot_20", "h_flip", "contrast1.5"
_SEPARATOR = re.compile(r"(?:[^\w)]|_)+")
_SIDE = (
    r"(?:[hvxy]|hv|vh|lr|ud|tb|hor\w*?|vert\w*?|left|right|up|down|both|c?cw|(?:(?:anti|counter)[\W_]*)?clockwise"
    r"|random|rand|border|cent(?:er|re)|width|height|grid|median|motion)"
)
_OPERATION = (
    r"(?:rot(?:at(?:e|ed|ion|ing))?|r(?=\d)|angle|flip(?:ped)?[hvxy]?|(?:fliplr|flipud)|mirror(?:ed)?|transposed?"
    r"|aug(?:mented|mentation|ment)?|transform(?:ed)?|crop(?:ped)?|scaled?|resized?|zoom(?:ed)?"
    r"|shear(?:ed)?|skew(?:ed)?|shift(?:ed)?|translat(?:e|ed|ion)|warp(?:ed)?|affine|perspective|tilt(?:ed)?"
    r"|elastic|(?:grid)?distort(?:ed|ion)?|deform(?:ed|ation)?|stretch(?:ed)?"
    r"|bright(?:ness|er|en(?:ed)?)?|dark(?:er|en(?:ed)?)?|contrast|colou?r(?:jitter)?|jitter(?:ed)?|saturat(?:e|ed|ion)"
    r"|hue|gamma|hsv|clahe|equali[sz]ed?|invert(?:ed)?|gr[ae]y(?:scale)?|solari[sz]ed?|posteri[sz]ed?"
    r"|gauss(?:ian)?|blur(?:red)?|nois[ey]|salt|pepper|speckle|sharp(?:en(?:ed)?|ness)?|cutout|dropout|eras(?:e|ed|ing)|sepia|pad(?:ded|ding)?|hist(?:ogram)?[\W_]*eq(?:uali[sz]ed)?)"
)
# What a picture that is there was made into, too: "small", "copy", "224x224"; or which way it lies
_VERSION = (
    rf"(?:{VIEW}|hor|ver|hist|original|orig|cop(?:y|ie|ia)|kopie|of|de|di|von|edit(?:ed)?|enhanced?|normali[sz]ed?"
    r"|macenko|reinhard|vahadane|(?:jpe?g|png|tiff?|bmp)|(?:re)?compress(?:ed)?|small|large|\d+x\d+|\d+deg(?:rees?)?|q\d+)"
)
_NUMBER = r"(?:[\W_]*\d+(?:deg(?:rees?)?|px|pct|x\d*)?)*"
_OPERATIONS = re.compile(
    rf"(?:{_SIDE}[\W_]*)*{_OPERATION}{_NUMBER}"
    rf"(?:[\W_]*(?:{_OPERATION}|{_SIDE}){_NUMBER})*[\W_]*",
    re.IGNORECASE,
)
_VERSIONS = re.compile(
    rf"(?:{_SIDE}[\W_]*)*(?:{_OPERATION}|{_VERSION}){_NUMBER}"
    rf"(?:[\W_]*(?:{_OPERATION}|{_VERSION}|{_SIDE}){_NUMBER})*[\W_]*",
    re.IGNORECASE,
)
MAX_NUMBERED_COPIES = 5
"""Pictures of one name with a number after it, ``x (2)``; more are not copies, but a series."""
# Of Keras with the picture's name before, and of Windows and browsers: "ALL1_0_1037", "ALL1 (2)".
_NUMBERED = re.compile(r"(?P<original>.+?)(?:_\d{1,5}_\d{1,8}|(?P<number> ?\(\d+\)))")


def join_twins(collection: Collection) -> Collection:
    """Give photographs of the same name in ``Original/ALL`` and ``Segmented/ALL`` one source.

    Otherwise a cell could be learnt from cut out, and judged as it was. So for any two folders
    beside each other that hold the same class folders with the same names of files, and for
    ``ALL/original`` and ``ALL/segmented``, ``ALL`` and ``ALL_segmented``.
    """
    root, warnings, pairs = collection.root, [], []
    kinds = [_views(collection), _views_of_classes(collection)]
    pairs_of_views = (itertools.combinations(views.items(), 2) for views in kinds)
    for (first, own), (second, others) in itertools.chain.from_iterable(pairs_of_views):
        names = own.keys() & others.keys()
        twins = [[own[name].source, others[name].source] for name in names]
        few = len(names) < MIN_SHARED_NAME_SHARE * min(len(own), len(others))
        if first.parent != second.parent or few or all(a == b for a, b in twins):
            continue
        pairs += twins
        examples = [(view, fields[min(names)].path.parent) for view, fields in
                    ((first, own), (second, others))]  # fmt: skip
        folders = [v if place.is_relative_to(v) else place for v, place in examples]
        more = "" if folders == [first, second] else " and so on"
        shown = " and ".join(p.relative_to(root).as_posix() for p in folders)
        warnings.append(
            f"{shown}{more} hold {len(names)} photographs of the same names, taken for the same "
            "pictures: both of a "
            "name are one source. Scan one of these folders alone, or, if the pictures differ, say "
            "their sources in a table or with --groups."
        )
    fields = replace_sources(collection.fields, sorted(pairs))
    return replace(collection, fields=fields, warnings=(*collection.warnings, *warnings))


def join_generated(collection: Collection) -> Collection:
    """Give photographs one source that Keras made from one, as ``PREFIX_INDEX_HASH``.

    So names look in a folder where many share an index with others, and the last numbers do not
    run: those of patients and their pictures do.
    """
    folders: dict[tuple[Path, str], dict[str, list[tuple[int, str]]]] = {}
    for f in collection.fields:
        if match := _GENERATED.fullmatch(f.path.stem):
            series = folders.setdefault((f.path.parent, match["prefix"]), {})
            series.setdefault(match["index"], []).append((int(match["hash"]), f.source))
    groups, examples = [], []
    for (folder, prefix), series in folders.items():
        n_copies = sum(len(pictures) - 1 for pictures in series.values())
        runs = sum(
            1
            for pictures in series.values()
            for (a, _), (b, _) in itertools.pairwise(sorted(pictures))
            if b == a + 1
        )
        if (
            len(series) >= MIN_GENERATED_ORIGINALS
            and n_copies >= len(series)
            and runs < n_copies / 4
        ):
            groups += [[source for _, source in sorted(own)] for own in series.values()]
            examples.append(f"{folder.name}/{prefix}_INDEX_HASH")
    if not groups or all(len(set(group)) == 1 for group in groups):
        return collection
    warning = (
        f"By their names, as Keras gives them, photographs were made from {len(groups)} others "
        f"({listed(examples, 3)}): those of one index are one source. If they are different "
        "pictures, give each a source of its own in a table or with --groups."
    )
    fields = replace_sources(collection.fields, groups)
    return replace(collection, fields=fields, warnings=(*collection.warnings, warning))


def join_products(collection: Collection) -> Collection:
    """Give what tools of augmentation made the source of its picture, by the names of both.

    The picture must be there. Without it, products count as one source where several share what
    their names have besides the operations, with a number, as in ``s1_rot_20`` and ``s1_crop``.
    """
    own = {f.path.with_name(f.path.stem): f.source for f in collection.fields}
    groups: list[list[str]] = []
    numbered = Counter(
        f.path.with_name(match["original"])
        for f in collection.fields
        if (match := _NUMBERED.fullmatch(f.path.stem)) and match["number"]
    )
    alone: dict[Path, list[Field]] = defaultdict(list)
    for f in collection.fields:
        stem = f.path.stem
        found = [f.path.with_name(name) for name in _possible_originals(stem)]
        found = [path for path in found if numbered[path] <= MAX_NUMBERED_COPIES]
        original = next((path for path in found if path in own and own[path] != f.source), None)
        if original is not None:
            groups.append([own[original], f.source])
        elif found and not any(path in own for path in found):
            names = [
                name
                for name in _products_of(stem, _OPERATIONS)
                if stem.startswith(name) or not name[0].isdecimal()
            ]
            name = min(names, key=len, default="")
            if re.search(r"\d", name) and folded(name) != folded(f.class_name or ""):
                alone[f.path.with_name(name)].append(f)
    shared = {path: fs for path, fs in alone.items() if len({f.source for f in fs}) > 1}
    groups += [[f.source for f in fs] for fs in shared.values()]
    examples = [
        f"{listed([f.path.name for f in fs], 3)} ({p.name})" for p, fs in sorted(shared.items())
    ]
    fields = replace_sources(collection.fields, groups)
    warnings = (*collection.warnings, *_missing_originals(examples))
    return replace(collection, fields=fields, warnings=warnings)


def _possible_originals(stem: str) -> list[str]:
    """Return the stems that a picture may have been made from, the longest first."""
    match = _NUMBERED.fullmatch(stem)
    names = _products_of(stem, _VERSIONS)
    if match:
        names += [match["original"], *_products_of(match["original"], _VERSIONS)]
    return sorted(dict.fromkeys(names), key=len, reverse=True)


def _products_of(stem: str, made: re.Pattern[str]) -> list[str]:
    """Return a stem without the words before and after it that tell how it was made.

    >>> _products_of("ALL_1__rot_-20", _OPERATIONS), _products_of("ALL_1_small", _VERSIONS)
    (['ALL_1'], ['ALL_1'])
    >>> _products_of("augmented_ALL_1_7", _OPERATIONS), _products_of("ALL_1_small", _OPERATIONS)
    (['ALL_1_7', 'ALL_1'], [])
    """
    breaks = list(_SEPARATOR.finditer(stem))
    found = []
    for gap in breaks:
        if made.fullmatch(stem[gap.end() :]):
            found.append(stem[: gap.start()])
        if made.fullmatch(stem[: gap.start()]):
            rest = stem[gap.end() :]
            found += [rest, re.sub(r"[\W_]+\d+$", "", rest)]
    found = [name for name in dict.fromkeys(found) if name]
    return list(dict.fromkeys([*found, *(n for name in found for n in _products_of(name, made))]))


def _views(collection: Collection) -> dict[Path, dict[tuple[str, str], Field]]:
    """Return the fields by class folder and name, of each folder that may show the same cells."""
    views: dict[Path, dict[tuple[str, str], Field]] = defaultdict(dict)
    for f in collection.fields:
        folder, top = f.path.parent, f.path.parent.parent
        below = top != collection.root and top.is_relative_to(collection.root)
        own = f.class_name and f.class_name == class_of_folder_name(folder.name)
        alone = f.source == source_of_name(f.path.relative_to(collection.root))  # no patient's
        if below and own and alone and may_show_same_pictures(top.name):
            views[top][folder.name, f.path.stem] = f
    return views


def _views_of_classes(collection: Collection) -> dict[Path, dict[tuple[str, str], Field]]:
    """Return the fields by class and name, of each way to show them that folders name.

    Those of ``ALL/segmented`` are at ``CLASS segmented``, and so are those of ``ALL_segmented``;
    those of ``ALL`` are at ``CLASS``.
    """
    views: dict[Path, dict[tuple[str, str], Field]] = defaultdict(dict)
    for f in collection.fields:
        folder = f.path.parent
        if folder == collection.root or not f.class_name:
            continue
        place, view = folder, ""
        if is_view(folder.name):
            place, view = folder.parent, folder.name
        elif both := class_and_view(folder.name):
            view = both[1]
        if tells_class(place.name, f.class_name) and place != collection.root:
            label = f"CLASS {view}".strip()
            views[place.parent / label][folded(f.class_name), f.path.stem] = f
    return views


def replace_sources(fields: Iterable[Field], groups: list[list[str]]) -> tuple[Field, ...]:
    """Give all sources of a group the name of its first; groups that share one become one."""
    first: dict[str, str] = {}
    for group in groups:
        olds = {first.get(source, source) for source in group}
        new = first.get(group[0], group[0])
        if any(source in first for source in group):  # few are, and this looks at all
            first |= {source: new for source in first if first[source] in olds}
        first |= dict.fromkeys([*group, *olds], new)
    return tuple(replace(f, source=first.get(f.source, f.source)) for f in fields)


def warn_of_missing_originals(root: Path, fields: Iterable[Field]) -> list[str]:
    """Return a warning of photographs that count as made from one that is not there.

    They may be its products, kept without it, which must not stand on both sides of a split. Or
    they are different pictures with such names, and few sources are left: only a person can tell.
    """
    fields = list(fields)
    own = {f.path.relative_to(root).with_suffix("").as_posix() for f in fields}
    products: dict[str, list[str]] = defaultdict(list)
    for f in fields:
        if f.source == original_of_name(f.path.relative_to(root)) and f.source not in own:
            products[f.source].append(f.path.name)
    groups = [f"{listed(names, 3)} ({source})" for source, names in products.items()
              if len(names) > 1]  # fmt: skip
    return _missing_originals(groups)


def _missing_originals(groups: list[str]) -> list[str]:
    if not groups:
        return []
    return [
        "By the ends of their names these are made from one photograph, which is not there, and "
        f"count as one source: {'; '.join(first_few(groups))}. If they are different pictures, "
        "rename them, or give each a source of its own in a table or with --groups."
    ]
