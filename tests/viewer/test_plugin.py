"""The plugin as napari finds it: its samples, settings and menus."""

import subprocess
import sys

import pytest
from npe2 import PluginManager, PluginManifest


def test_the_samples_open_by_name(make_napari_viewer_proxy, qtbot):
    viewer = make_napari_viewer_proxy()
    viewer.open_sample("napari-marrow", "mm")
    assert [layer.name for layer in viewer.layers] == ["MM_1", "MM_1 cytoplasm", "MM_1 nuclei"]
    overlay = viewer.canvas.overlays.text
    qtbot.waitUntil(lambda: overlay.text == "MM_1   class MM", timeout=5000)


def test_the_settings_reach_napari(plugin_settings, npe2pm):
    from napari.settings import get_plugin_settings

    npe2pm.register(PluginManifest.from_distribution("napari-marrow"))
    settings = get_plugin_settings("napari-marrow")
    assert settings.viewing.caption is True
    assert settings.training.warm_start is True


def test_the_widgets_are_in_the_classify_menu():
    manifest = PluginManager.instance().get_manifest("napari-marrow")
    menus = manifest.contributions.menus
    assert menus["napari/layers/classify"][0].submenu == "marrow_classify"
    commands = [item.command for item in menus["marrow_classify"]]
    names = ("dataset", "augment", "segment", "stain", "chi_square", "annotate", "gallery")
    names += ("train_dcnn", "evaluate")
    assert commands == [f"napari-marrow.{x}" for x in names]


def test_no_part_of_the_viewer_imports_tensorflow():
    code = (
        "import napari_marrow.viewer.io.readers, napari_marrow.viewer.make.predictions, sys\n"
        "import napari_marrow.viewer.io.screenshot, napari_marrow.widgets.train_dcnn\n"
        "import napari_marrow.learning.bundles.network_predictor\n"
        "import napari_marrow.learning.bundles.classical_predictor\n"
        "import napari_marrow.widgets.components.training.plot\n"
        "import napari_marrow.widgets.augment, napari_marrow.widgets.segment\n"
        "import napari_marrow.widgets.stain, napari_marrow.widgets.components.score_view\n"
        "import napari_marrow.widgets.chi_square, napari_marrow.jobs.features\n"
        "import napari_marrow.widgets.evaluate, napari_marrow.widgets.annotate\n"
        "import napari_marrow.widgets.gallery\n"
        "print(sorted({'tensorflow', 'keras', 'torch', 'jax'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["chi_square", "evaluate", "annotate", "gallery"])
def test_these_widgets_import_nothing_slow(name):
    slow = "{'sklearn', 'scipy.stats', 'pandas', 'matplotlib'}"
    code = f"import napari_marrow.widgets.{name}, sys; print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_folder_opens_at_its_first_field_and_the_caption_follows(
    make_napari_viewer_proxy, snam, qtbot
):
    viewer = make_napari_viewer_proxy()
    viewer.open(str(snam), plugin="napari-marrow")
    assert viewer.dims.current_step[0] == 0
    overlay = viewer.canvas.overlays.text
    qtbot.waitUntil(lambda: overlay.text == "ALL_1   class ALL", timeout=5000)
    viewer.dims.set_current_step(0, 4)
    assert overlay.text == "MM_2   class MM"
    # A second opening leaves the slider where the user has put it.
    viewer.open(str(snam), plugin="napari-marrow")
    assert viewer.dims.current_step[0] == 4


def test_other_viewers_are_left_alone(make_napari_viewer, snam, qtbot):
    import numpy as np

    other, opening = make_napari_viewer(), make_napari_viewer()
    opening.open(str(snam), plugin="napari-marrow")
    other.add_image(np.zeros((9, 50, 50), np.uint8))
    assert opening.dims.current_step[0] == 0
    assert other.dims.current_step[0] == 4  # napari's own middle
    text = opening.canvas.overlays.text
    qtbot.waitUntil(lambda: text.text == "ALL_1   class ALL", timeout=5000)
    assert other.canvas.overlays.text.text == ""


def test_endings_in_capitals_are_ours_too(npe2pm):
    npe2pm.register(PluginManifest.from_distribution("napari-marrow"))
    for name in ("a.BMP", "a.JPG", "a.PNG", "a.TIFF", "a.jpeg"):
        readers = npe2pm.iter_compatible_readers([name])
        assert [r.command for r in readers] == ["napari-marrow.get_reader"]
