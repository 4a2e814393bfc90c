"""Every feature has words of its own, as forms and reports show them."""

import numpy as np
import pytest

from napari_marrow.measure.extract import KEYS, features
from napari_marrow.measure.settings import FAMILIES, FeatureSettings
from napari_marrow.measure.words import describe_feature


@pytest.mark.parametrize("unit", ["cell", "field"])
def test_every_feature_has_words_and_no_two_have_the_same(unit):
    image = np.full((60, 60, 3), 230, np.uint8)
    image[20:40, 20:40] = 90, 40, 130
    nuclei = np.zeros((60, 60), np.uint8)
    nuclei[20:40, 20:40] = 1
    settings = FeatureSettings(families=FAMILIES, unit=unit)
    names = [x for x in features(image, {"nucleus": nuclei}, settings) if x not in KEYS]
    words = {name: describe_feature(name) for name in names}
    assert len({*words.values()}) == len(words)
    assert not [text for text in words.values() if "_" in text]


def test_what_is_not_known_keeps_its_name():
    assert describe_feature("nucleus_temperature") == "nucleus_temperature"
