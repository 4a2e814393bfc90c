"""The plugin as napari finds it: its samples, settings and menus."""

import subprocess
import sys

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


def test_the_widget_is_in_the_classify_menu():
    manifest = PluginManager.instance().get_manifest("napari-marrow")
    menus = manifest.contributions.menus
    assert menus["napari/layers/classify"][0].submenu == "marrow_classify"
    assert menus["marrow_classify"][0].command == "napari-marrow.train_dcnn"


def test_no_part_of_the_viewer_imports_tensorflow():
    code = (
        "import napari_marrow.viewer.readers, napari_marrow.viewer.predictions, sys\n"
        "import napari_marrow.viewer.screenshot, napari_marrow.widgets.train_dcnn\n"
        "import napari_marrow.learning.prediction, napari_marrow.widgets.loss_plot\n"
        "print(sorted({'tensorflow', 'keras', 'torch', 'jax'} & set(sys.modules)))"
    )
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
