"""Fixed colours, told apart also by colour-blind eyes."""

import pytest
from PIL import ImageColor

from napari_marrow.report.colours import UNCERTAIN, class_colours, rgb


def test_all_and_mm_always_have_theirs():
    for classes in (["ALL", "MM"], ["MM", "ALL"], ["x", "MM", "ALL", "y"]):
        colours = class_colours(classes)
        assert (colours["ALL"], colours["MM"]) == ("#E69F00", "#009E73")  # Okabe and Ito
        assert list(colours) == classes


def test_up_to_seven_classes_differ_and_more_are_no_crash():
    names = ["ALL", "MM", *"abcde"]
    colours = class_colours(names)
    assert len(set(colours.values())) == 7
    assert UNCERTAIN not in colours.values()
    assert len(class_colours([*names, *"fghij"])) == 12


@pytest.mark.parametrize("colour", ["#E69F00", "#009E73", "#BBBBBB"])
def test_rgb_is_pillows(colour):
    assert rgb(colour) == ImageColor.getrgb(colour)
