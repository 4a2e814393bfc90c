"""The trainings since the viewer was opened, as the model of a table: one list a viewer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal

from napari_marrow.data.text import counted
from napari_marrow.jobs.train import TrainingResult
from napari_marrow.jobs.watched import WatchedReport
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.scores.words import TOO_FEW, headline
from napari_marrow.learning.settings import CommonSettings, TrainingSettings
from napari_marrow.viewer.per_viewer import per_viewer
from napari_marrow.widgets.components.layout import plain_tooltip
from napari_marrow.widgets.components.training.time_left import duration_text

RunState = Literal["training", "finished", "cancelled", "failed"]
COLUMNS = ("Run", "Accuracy", "Training")
NAME, ACCURACY, TRAINING = range(3)
HELP = (
    "Double-click a name, or press F2, to change it.",
    "Of held-out units, with its 95 % interval, beside chance.",
    "How it ended, after how many epochs and how long.",
)


@dataclass(eq=False)
class Run:
    """One training.

    Attributes
    ----------
    name
        As in the list; a person can change it.
    settings
        Those of the training.
    origin
        What it learns from, such as a folder; "" where that is not known.
    state
        How it ended, or ``training``.
    seconds
        How long it took.
    history
        A row an epoch, so far; of classical models none.
    result
        What it made, once it is finished.
    bundle
        Its model, as long as it is there.
    saved
        Whether a person saved the model.
    problem
        Of a failed one, what is wrong.
    watched
        The last answers for a few images, with these images.
    """

    name: str
    settings: TrainingSettings
    origin: str = ""
    state: RunState = "training"
    seconds: float = 0.0
    history: list[Mapping[str, float]] = field(default_factory=list)
    result: TrainingResult | None = None
    bundle: Path | None = None
    saved: bool = False
    problem: str = ""
    watched: WatchedReport | None = None
    begun_at: float = field(default_factory=time.monotonic)

    @property
    def accuracy(self) -> str:
        """Accuracy, chance and the interval, in narrow lines; "" without a result."""
        if self.result is None:
            return ""
        if self.result.evaluation is None:
            return "not measured"
        name, score = headline(self.result.evaluation)
        few = self.result.evaluation.few_sources
        lines = [f"{score.estimate:.2f}" + (" balanced" if name != "accuracy" else "")]
        lines += [f"chance {score.chance:.2f}"]
        lines += [TOO_FEW if few else f"{score.low:.2f} to {score.high:.2f}"]
        lines += ["confounded"] if self.result.confounding is not None else []
        return "\n".join(lines)

    @property
    def course(self) -> str:
        """How the training went, in narrow lines."""
        state: str = self.state
        if state == "finished" and self.bundle is None:
            state = "replaced" if self.saved else "discarded"
        elif state == "finished" and not self.saved:
            state = "not saved"
        lines = [state, *([counted(len(self.history), "epoch")] if self.history else [])]
        if self.state != "training":
            lines.append(duration_text(self.seconds))
        return "\n".join(lines)

    @property
    def sentences(self) -> list[str]:
        """What a reader must know of the run; what its score can't show comes first."""
        about = f"{self.name}: {self.settings.model}, one prediction per {self.settings.unit}."
        if self.result is not None:
            return [*self.result.verdict, about]
        verb = "is" if self.state == "training" else "was"
        return [about, self.problem or f"It {verb} {self.state}."]

    @property
    def details(self) -> list[str]:
        """What it learnt from, and which of the settings that its model takes are no defaults."""
        common = {x.name for x in fields(CommonSettings)} - {"model", "unit"}  # shown elsewhere
        own = common | MODELS[self.settings.model].option_names
        changed = [
            f"{x.metadata['label']} {_value_text(getattr(self.settings, x.name))}"
            for x in fields(self.settings)
            if x.name in own and getattr(self.settings, x.name) != x.default
        ]
        lines = [f"Data: {self.origin}."] if self.origin else []
        return [*lines, f"Settings: {', '.join(changed) or 'the defaults'}."]


def _value_text(value: object) -> str:
    """Return a value of an option as the form shows it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return " + ".join(map(str, value)) if isinstance(value, tuple) else str(value)


class Runs(QAbstractTableModel):
    """The runs of a viewer in a table of three columns, a few lines a row."""

    edited = Signal()
    """A run was added, or is another now."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []
        self._current: Path | None = None
        self.save_folder = Path.cwd()  # where the last model was saved

    def begin(self, settings: TrainingSettings, origin: str = "") -> Run:
        """Add a training that begins now, named by its model."""
        run = Run(f"{settings.model} {len(self.runs) + 1}", settings, origin)
        count = len(self.runs)
        self.beginInsertRows(QModelIndex(), count, count)
        self.runs.append(run)
        self.endInsertRows()
        self.edited.emit()
        return run

    def end(self, run: Run, state: RunState, problem: str = "") -> None:
        """Note how a training ended."""
        run.state, run.problem = state, problem
        run.seconds = time.monotonic() - run.begun_at
        self.update()

    def show_course(self, run: Run) -> None:
        """Show how many epochs a run has now."""
        cell = self.index(self.runs.index(run), TRAINING)
        self.dataChanged.emit(cell, cell)

    def update(self) -> None:
        """Show all runs as they are now."""
        if self.runs:
            last = self.index(len(self.runs) - 1, len(COLUMNS) - 1)
            self.dataChanged.emit(self.index(0, 0), last)
        self.edited.emit()

    @property
    def current(self) -> Path | None:
        """The current model: trained here, or loaded."""
        return self._current

    def set_current(self, bundle: Path | None) -> None:
        """Mark the run whose model is the current one; None for no run."""
        self._current = bundle
        self.update()

    def set_saved(self, before: Path, after: Path) -> None:
        """Note that a person saved a model: a copy of it is at another path.

        A run whose model was there has none any more.
        """
        self.save_folder = after.absolute().parent
        if (replaced := self.of_bundle(after)) is not None and replaced.bundle != before:
            replaced.bundle = None
        for run in self.runs:
            if run.bundle == before:
                run.bundle, run.saved = after, True
        if self._current == before:
            self._current = after
        self.update()

    def of_bundle(self, path: Path) -> Run | None:
        """Return the run whose model is at a path, however it is spelled."""
        for run in self.runs:
            if run.bundle is not None and run.bundle.resolve() == path.resolve():
                return run
        return None

    @property
    def unsaved(self) -> list[Run]:
        """The runs whose model is there, and is not saved."""
        return [x for x in self.runs if x.bundle is not None and not x.saved]

    def discard(self) -> None:
        """Give up the models that are not saved; their scores and curves stay."""
        for run in self.unsaved:
            run.bundle = None
        self.update()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 - as in Qt
        """Return the number of runs."""
        return 0 if parent.isValid() else len(self.runs)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 - as in Qt
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return the title of a column, or its tooltip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        texts = {Qt.ItemDataRole.DisplayRole: COLUMNS, Qt.ItemDataRole.ToolTipRole: HELP}
        return texts[role][section] if role in texts else None  # type: ignore[index]

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the texts of a cell; the name alone to edit it."""
        run = self.runs[index.row()]
        if role == Qt.ItemDataRole.EditRole:
            return run.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip("\n".join([*run.sentences, *run.details]))
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        mark = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE} " if self.is_current(run) else ""
        name = f"{mark}{run.name}\n{run.settings.model}, {run.settings.unit}"
        return (name, run.accuracy, run.course)[index.column()]

    def is_current(self, run: Run) -> bool:
        """Whether the model of a run is the current one."""
        return run.bundle is not None and run.bundle == self._current

    def setData(
        self, index: QModelIndex, value: object, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """Give a run another name, in one line."""
        name = " ".join(str(value).split())
        if role != Qt.ItemDataRole.EditRole or not name:
            return False
        self.runs[index.row()].name = name
        self.update()
        return True

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Return that names can be edited."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == NAME else flags


runs_of = per_viewer(lambda viewer: Runs())
"""Called with a viewer: its runs, also when the widget was closed and opened again."""
