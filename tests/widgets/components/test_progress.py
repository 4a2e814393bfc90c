"""Progress where it can be seen."""

import pytest
from napari.utils import progress
from qtpy.QtWidgets import QWidget

from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.layout import fill_column
from napari_marrow.widgets.components.progress import ProgressBars


@pytest.fixture
def panel(make_napari_viewer, qtbot):
    """A dock widget with bars in a window that is shown, and no bar of napari's before."""
    viewer = make_napari_viewer(show=True)
    panel = DockWidget(viewer, 200)
    panel.bars = ProgressBars(panel)
    fill_column(panel, panel.bars.own)
    panel.dock = viewer.window.add_dock_widget(panel, name="panel")
    qtbot.waitUntil(lambda: panel.is_seen)
    assert not progress._all_instances
    yield panel
    panel.bars.close()


def test_napari_shows_progress_only_while_the_widget_does_not(panel, qtbot):
    panel.bars.show(0.25)
    assert panel.bars.own.isVisible()
    assert panel.bars.own.value() == 250
    assert not progress._all_instances
    panel.dock.hide()
    panel.bars.show(0.5)
    (bar,) = progress._all_instances
    assert bar.n == 500
    panel.dock.show()
    qtbot.waitUntil(lambda: panel.is_seen)
    panel.bars.show(0.75)
    assert panel.bars.own.value() == 750
    assert not progress._all_instances


def test_behind_another_tab_napari_shows_progress(panel, qtbot):
    window = panel.dock.parent()
    other = panel.viewer.window.add_dock_widget(QWidget(), name="other")
    window.tabifyDockWidget(panel.dock, other)
    qtbot.wait(100)  # a dock widget that is shown comes to the front by itself
    other.raise_()
    qtbot.waitUntil(lambda: not panel.is_seen)
    panel.bars.show(0.5)
    (bar,) = progress._all_instances
    assert bar.n == 500
    panel.bars.close()
    assert not progress._all_instances
