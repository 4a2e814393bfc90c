import numpy as np
from skimage.measure import label

from napari_marrow.viewer.io.sample_data import all_field, both_classes, mm_field


def names(layers):
    return {options["name"]: data for data, options, _ in layers}


def test_each_sample_has_its_masks():
    for make, stem in ((all_field, "ALL_1"), (mm_field, "MM_1")):
        layers = names(make())
        assert set(layers) == {stem, f"{stem} nuclei", f"{stem} cytoplasm"}
        nuclei = layers[f"{stem} nuclei"]
        # Touching nuclei come apart: never fewer instances than connected pieces.
        assert nuclei.max() >= label(nuclei > 0).max() - 1 >= 5


def test_both_classes_are_one_stack():
    layers = names(both_classes())
    image = next(data for name, data in layers.items() if "nuclei" not in name)
    assert image.shape == (16, 480, 640, 3)
    assert np.asarray(image[0]).std() > 10
