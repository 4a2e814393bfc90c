"""Give open layers the classes, sources and ticks of a table that was saved meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from napari.layers import Image, Layer

from napari_marrow.data.fields import Collection, Field
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.photograph.annotations import keep_inherited_classes, set_field_class
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.records import Product

Known = TypeVar("Known", Field, Product)


def take_saved(saved: Collection, table: Path, layers: Sequence[Layer]) -> list[str]:
    """Give all layers of the files of a saved table, and products of these, what it says.

    A field that the table leaves out loses its tick, and has it again when it is used again.

    Parameters
    ----------
    saved
        As it is in the table.
    table
        The file.
    layers
        All that are open.

    Returns
    -------
    list of str
        Names of the layers of which a class, a source or a tick is another now.
    """
    before = _states(layers)
    fields = {f.path.resolve(): f for f in saved.all_fields}
    unused = {f.path.resolve() for f in saved.left_out}
    for layer in [x for x in layers if isinstance(x, Image)]:
        _take(layer, fields, unused, table)
    keep_inherited_classes(layers)
    return [layer.name for layer, state in _states(layers).items() if state != before[layer]]


def other_classes(saved: Collection, layers: Sequence[Layer]) -> list[str]:
    """Return the fields of a saved table that a person gave another class in the viewer."""
    classes = {f.path.resolve(): f.class_name for f in saved.fields}
    shown = [
        (f, x.classes[row]) for x in Photograph.open_in(layers) for row, f in enumerate(x.files)
    ]
    other = [(f, own) for f, own in shown if classes.get(f.path.resolve(), own) != own]
    return [*dict.fromkeys(f"{f.name} ({own or 'no class'})" for f, own in other)]


def _states(layers: Sequence[Layer]) -> dict[Image, tuple[object, ...]]:
    """Return class, source and tick of each slice of the photographs."""
    return {
        x.layer: (x.classes, x.chosen, [x.field(row).source for row in range(len(x))])
        for x in Photograph.open_in(layers)
    }


def _take(layer: Image, saved: Mapping[Path, Field], unused: set[Path], table: Path) -> None:
    info = LayerInfo.of(layer)
    paths = [Path(x.photograph) for x in info.products] or [f.path for f in info.fields]
    rows = {row: path.resolve() for row, path in enumerate(paths) if path.is_absolute()}
    rows = {row: path for row, path in rows.items() if path in saved}
    if not rows:
        return
    new = {row: saved[path] for row, path in rows.items()}
    known = info.products or info.fields
    classes = {k: f.class_name for k, f in new.items() if known[k].class_name != f.class_name}
    chosen, left_out = dict(info.chosen), dict(info.left_out)
    for row, path in rows.items():
        if path in unused and chosen.get(row) is not False:
            left_out.setdefault(row, chosen.get(row))
            chosen[row] = False
        elif path not in unused and row in left_out:
            earlier = left_out.pop(row)
            if chosen.pop(row, None) or earlier is not None:  # ticked meanwhile, or before
                chosen[row] = True
    replace(
        info,
        fields=_with_saved(info.fields, new),
        products=_with_saved(info.products, new),
        class_tables=tuple(dict.fromkeys((*info.class_tables, table))),
        made_of_classes={**info.made_of_classes, **(classes if info.is_product else {})},
        chosen=chosen,
        left_out=left_out,
    ).set_on(layer)
    for row, name in {} if info.is_product else classes.items():
        set_field_class(layer, row, name)


def _with_saved(known: tuple[Known, ...], saved: Mapping[int, Field]) -> tuple[Known, ...]:
    return tuple(
        x if (f := saved.get(row)) is None else replace(x, class_name=f.class_name, source=f.source)
        for row, x in enumerate(known)
    )
