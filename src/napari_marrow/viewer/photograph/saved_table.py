"""Give open layers the classes and sources of a table that was saved meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from napari.layers import Image, Layer

from napari_marrow.data.fields import Field
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.photograph.annotations import set_field_class


def take_saved(layer: Image, saved: Mapping[Path, Field], layers: Sequence[Layer]) -> bool:
    """Give a layer the classes and sources of fields that a person saved as a table.

    Parameters
    ----------
    layer
        A photograph or stack, or what was made of one.
    saved
        The fields by their path, as they are in the table.
    layers
        As :func:`set_field_class` takes them.

    Returns
    -------
    bool
        Whether something changed.
    """
    info = LayerInfo.of(layer)
    known = [saved.get(f.path, f) for f in info.fields]
    fields = tuple(
        replace(f, class_name=new.class_name, source=new.source)
        for f, new in zip(info.fields, known, strict=True)
    )
    products = tuple(
        replace(x, source=new.source) if (new := saved.get(Path(x.photograph))) else x
        for x in info.products
    )
    if (fields, products) == (info.fields, info.products):
        return False
    replace(info, fields=fields, products=products).set_on(layer)
    for row, (before, after) in enumerate(zip(info.fields, fields, strict=True)):
        if before.class_name != after.class_name and not info.is_product:
            set_field_class(layer, row, after.class_name, layers)
    return True
