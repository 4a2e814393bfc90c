"""What follows a viewer is attached to the one that gets the layers, also of several."""

import numpy as np
import pytest

from napari_marrow.viewer.per_viewer import open_viewers


@pytest.fixture
def viewers(make_napari_viewer):
    """Two viewers; the second is the current one."""
    return make_napari_viewer(), make_napari_viewer()


def test_all_open_viewers_are_known(viewers):
    assert set(open_viewers()) >= set(viewers)  # perhaps one that was closed just now


@pytest.mark.parametrize("which", [0, 1])
def test_a_folder_is_followed_in_the_viewer_that_opens_it(viewers, which, snam, qtbot):
    viewer = viewers[which]
    viewer.open(str(snam), plugin="napari-marrow")
    nuclei = viewer.layers["PKG - SN-AM nuclei"]
    assert viewer.dims.current_step[0] == 0
    assert nuclei._slice.image.raw.max() == 1  # the mask
    qtbot.waitUntil(lambda: nuclei._slice.image.raw.max() > 1, timeout=20000)
    qtbot.waitUntil(lambda: len(nuclei.features) > 0, timeout=20000)
    qtbot.waitUntil(lambda: viewer.canvas.overlays.text.visible, timeout=20000)
    viewer.dims.ndisplay = 3
    assert viewer.dims.ndisplay == 2


def test_another_viewer_keeps_its_slider(viewers, snam):
    first, second = viewers
    first.open(str(snam), plugin="napari-marrow")
    second.add_image(np.zeros((5, 6, 7)))
    assert second.dims.current_step[0] == 2  # napari shows the middle one
    second.dims.ndisplay = 3
    assert second.dims.ndisplay == 3
