"""Where models are saved: nothing is replaced unasked, nothing is put into another bundle."""

import shutil
from pathlib import Path

import pytest
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_marrow.data.errors import MarrowError
from napari_marrow.widgets.components.training.saving import free_path, save_bundle

PLUGIN, WIDGET = "napari-marrow", "Train DCNN"
ANSWERS = QMessageBox.StandardButton


@pytest.fixture
def widget(make_napari_viewer_proxy, monkeypatch):
    """A Train DCNN widget."""
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    _, made = make_napari_viewer_proxy().window.add_plugin_dock_widget(PLUGIN, WIDGET)
    yield made
    made.client.shutdown()
    made.runs.discard()


@pytest.fixture
def dialogs(monkeypatch):
    """What the dialogs suggested and asked, and the answers to come."""
    seen, names, answers = [], [], []

    def get_name(_parent, _title, suggested):
        seen.append(Path(suggested))
        return names.pop(0), ""

    def question(_parent, _title, text, *_):
        seen.append(text)
        return answers.pop(0)

    monkeypatch.setattr(QFileDialog, "getSaveFileName", get_name)
    monkeypatch.setattr(QMessageBox, "question", question)
    return seen, names, answers


def click_save(widget, qtbot):
    widget.model.save_button.click()
    qtbot.waitUntil(lambda: not widget.model.saving.busy, timeout=20_000)


def test_a_person_is_asked_before_another_model_is_replaced(
    widget, finish_run, dialogs, qtbot, tmp_path
):
    seen, names, answers = dialogs
    first = finish_run(widget)
    names[:] = [str(tmp_path / "mymodel")]
    click_save(widget, qtbot)
    before = (tmp_path / "mymodel.marrow" / "bundle.json").stat()
    second = finish_run(widget)
    # As typed the first time; the dialog looks for a name without the suffix.
    names[:], answers[:] = [str(tmp_path / "mymodel")] * 2, [ANSWERS.No, ANSWERS.Yes]
    click_save(widget, qtbot)
    assert "mymodel.marrow is there already" in seen[-1]
    assert first.name in seen[-1]
    assert (tmp_path / "mymodel.marrow" / "bundle.json").stat() == before
    assert widget.runs.unsaved == [second]
    click_save(widget, qtbot)
    assert second.bundle == tmp_path / "mymodel.marrow"
    assert (tmp_path / "mymodel.marrow" / "bundle.json").stat() != before
    assert first.bundle is None
    assert first.course.startswith("replaced")
    assert [x for x in widget.runs.runs if widget.runs.is_current(x)] == [second]


def test_what_is_suggested_is_free_and_beside_the_last_model(
    widget, finish_run, dialogs, qtbot, tmp_path
):
    seen, names, _ = dialogs
    run = finish_run(widget)
    names[:] = [str(tmp_path / "dcnn 1"), ""]
    click_save(widget, qtbot)
    assert seen[0] == Path.cwd() / "dcnn 1.marrow"
    click_save(widget, qtbot)
    assert seen[1] == tmp_path / "dcnn 1 2.marrow"
    assert run.bundle == tmp_path / "dcnn 1.marrow"
    widget.model.load(run.bundle)
    names[:] = [str(run.bundle)]
    click_save(widget, qtbot)  # onto itself: nothing to ask
    assert len(seen) == 3


def test_a_bundle_is_not_put_into_a_bundle(toy, tmp_path):
    outer = save_bundle(toy.path, tmp_path / "outer")
    before = sorted(outer.rglob("*"))
    for inner in (outer / "model", outer / "figures" / "model"):
        with pytest.raises(MarrowError, match=r"model\.marrow would be inside .*outer\.marrow"):
            save_bundle(toy.path, inner)
    assert sorted(outer.rglob("*")) == before


@pytest.mark.parametrize("letter", ["a", "\N{GREEK SMALL LETTER MU}", "\N{MICROSCOPE}"])
def test_a_suggested_name_is_as_long_as_a_file_name_can_be(tmp_path, toy, letter):
    for _ in range(2):
        path = free_path(tmp_path, letter * 300)
        assert set(path.stem.split()[0]) == {letter}
        assert save_bundle(toy.path, path).is_dir()
    assert len(list(tmp_path.glob("*.marrow"))) >= 2


def test_what_can_not_be_copied_is_one_sentence(tmp_path, toy):
    with pytest.raises(MarrowError, match="aaa"):
        save_bundle(toy.path, tmp_path / ("a" * 300))
    copy = tmp_path / "copy.marrow"
    shutil.copytree(toy.path, copy)
    (copy / "figures").mkdir(exist_ok=True)
    (copy / "figures" / "loss.png").symlink_to(tmp_path / "nothing")
    with pytest.raises(MarrowError, match=r"copy\.marrow"):
        save_bundle(copy, tmp_path / "other")
    assert not (tmp_path / "other.marrow").exists()
