"""A nucleus that was painted in two places counts as one, and is named."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id
from napari_marrow.viewer.photograph.annotations import set_field_class
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.stack import EditableStack
from napari_marrow.viewer.training.learning import summarize_learning


@pytest.mark.parametrize("how", ["painted in a folder", "erased across", "by number", "diagonal"])
def test_a_nucleus_in_pieces_is_named(snam, how):
    viewer = ViewerModel()
    if how == "painted in a folder":
        data, options, _ = read(str(snam))[0]
        image = viewer.add_layer(Image(data, **options))
        rows = [np.zeros((48, 64), np.uint16) for _ in range(6)]
        for labels in rows:
            labels[4:12, 4:12], labels[4:12, 20:28] = 1, 2
        rows[1][40:44, 4:8] = rows[1][40:44, 20:24] = 3  # two lobes, as they were found
        data = EditableStack([lambda k=k: rows[k] for k in range(6)], (48, 64), np.uint16)
        info = LayerInfo(kind=Kind.NUCLEI, photograph=layer_id(image), segmented=True)
        nuclei = viewer.add_layer(Labels(data, name="n", metadata=info.metadata()))
        nuclei.brush_size = 5
        nuclei.paint((4, 30, 30), 2)
        expected = "nucleus 2 of MM_2 is in 2 pieces"
    else:
        image = viewer.add_layer(Image(np.zeros((48, 64, 3), np.uint8), rgb=True, name="a"))
        labels = np.zeros((48, 64), np.uint32)
        labels[4:12, 4:12], labels[20:40, 20:40] = 5, 3_000_000_000
        nuclei = viewer.add_labels(labels, name="a nuclei")
        if how == "erased across":
            labels[28:31] = 0
        elif how == "by number":
            nuclei.name = "other"
            nuclei.features = {"index": [5, 3_000_000_000], "class": ["ALL", "MM"]}
            labels[0, 60], labels[47, 63] = 3_000_000_000, 3_000_000_000
        else:
            labels[12, 12] = 5
        number = 3 if how == "by number" else 2
        expected = f"nucleus 3000000000 of a is in {number} pieces"
        set_field_class(image, 0, "ALL")
    text = summarize_learning(Photograph.all_of(viewer.layers), "cell").sentence()
    if how == "diagonal":
        assert "pieces" not in text
    else:
        assert expected in text
        assert text.count("pieces") == 1
