"""The classes of a project in the tables and colours of layers of annotations.

The project's list of classes is what counts. A label keeps its class as long as that is in the
list, and no other class gets its number: what is painted is never another class all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Labels

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import Change, ClassColour
from napari_marrow.data.project.project import Project
from napari_marrow.report.colours import free_colour
from napari_marrow.viewer.annotating.class_list import with_classes, with_names
from napari_marrow.viewer.photograph.annotations import label_classes, set_painted_classes

ONLY_NAMES = (
    "The table of a layer of cells can give a class another name, or name a new one; the list in "
    "the widget Annotate cells removes classes."
)


@dataclass(frozen=True)
class TableEdit:
    """What a person changed in the table of features of a layer of annotations.

    Attributes
    ----------
    renamed
        New names of classes by the old ones.
    new
        Names of further classes.
    other
        Whether something else was changed, which is set back.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    new: tuple[str, ...] = ()
    other: bool = False


class LayerClasses:
    """Keeps the classes of a project and those of its layers of annotations the same.

    Parameters
    ----------
    project
        Its list of classes is what counts.
    layers
        Returns the layers of annotations that are open.
    changed
        Called when the list changed, after it is shown.
    say
        Called with a sentence for the person.
    """

    def __init__(
        self,
        project: Project,
        layers: Callable[[], Iterable[Labels]],
        changed: Callable[[], object],
        say: Callable[[str], None],
    ):
        self._project, self._layers, self._changed, self._say = project, layers, changed, say
        self._labels = WeakKeyDictionary[Labels, dict[int, str]]()
        self._colours = WeakKeyDictionary[Labels, dict[str, str]]()  # as they are shown
        self._former = WeakKeyDictionary[Labels, dict[str, int]]()  # all labels that names had

    def of(self, layer: Labels) -> Mapping[int, str]:
        """Return the class of each label; others have none, whatever the table says."""
        return self._labels.get(layer, {})

    def set(self, classes: Sequence[ClassColour], renamed: Mapping[str, str]) -> None:
        """Change the list of classes, and names that cells have by the old ones; a step of undo."""
        changes = [
            Change(place, x, replace(x, class_name=renamed[x.class_name]))
            for place, x in self._project.annotations.cells.items()
            if x.class_name in renamed
        ]
        self._project.record("classes", changes, classes=classes)
        for layer, labels in self._labels.items():
            self._labels[layer] = {k: renamed.get(name, name) for k, name in labels.items()}
        self.show()
        self._changed()

    def take(self, layer: Labels, _: object = None) -> None:
        """Let the project's classes follow the table of a layer of annotations, which was edited.

        A class that got another name there has it for all cells; a new one is added.
        """
        if (edit := self._edit_of(layer)) is None:
            return
        try:
            known = self._project.annotations.classes
            classes = with_classes(with_names(known, edit.renamed), edit.new)
            if classes != known:
                self.set(classes, edit.renamed)
            if edit.other:
                self._say(ONLY_NAMES)
        except MarrowError as error:
            self._say(str(error))
        self.show()

    def _edit_of(self, layer: Labels) -> TableEdit | None:
        """Return what was edited in the table of a layer since it was shown; None if nothing.

        All classes of a layer that was not shown before are its own, and kept.
        """
        known, table = self._labels.get(layer), _table(layer)
        names = {x.name for x in self._project.annotations.classes}
        if known is None:
            self._labels[layer] = table
            return TableEdit(new=tuple(x for x in dict.fromkeys(table.values()) if x not in names))
        if table == known:
            return None
        renamed = {name: table[k] for k, name in known.items() if table.get(k, name) != name}
        added = [name for k, name in table.items() if k not in known]
        new = tuple(x for x in dict.fromkeys(added) if x not in names)
        return TableEdit(renamed, new, len(new) < len(added) or not known.keys() <= table.keys())

    def show(self) -> None:
        """Show the classes of the project, and those that cells still have, in their colours."""
        now = self._project.annotations
        colours = {x.name: x.colour for x in now.classes}
        for name in now.counts:
            colours.setdefault(name, free_colour(name, colours.values()))
        for layer in self._layers():
            labels = self._numbered(layer, colours)
            same = self._labels.get(layer) == labels == _table(layer)
            if same and self._colours.get(layer) == colours:
                continue
            self._labels[layer], self._colours[layer] = labels, colours
            set_painted_classes(layer, labels, colours)

    def select(self, name: str) -> None:
        """Let strokes give a class from now on."""
        for layer in self._layers():
            for label in (k for k, x in self.of(layer).items() if x == name):
                layer.selected_label = label

    def _numbered(self, layer: Labels, names: Iterable[str]) -> dict[int, str]:
        """Return a class by label for all names."""
        before = self._labels.get(layer, {})
        former = self._former.setdefault(layer, {})
        former |= {name: k for k, name in before.items()}
        labels = {k: name for k, name in before.items() if name in {*names}}
        for name in (x for x in names if x not in labels.values()):
            k = former.get(name, 0)
            if not k or k in labels:
                painted = layer.data.max(initial=0) if isinstance(layer.data, np.ndarray) else 0
                k = max(0, int(painted), *former.values(), *labels) + 1
            labels[k], former[name] = name, k
        return dict(sorted(labels.items()))


def _table(layer: Labels) -> dict[int, str]:
    """Return the classes in a layer's table; none where a person took away what tells them."""
    try:
        found = {k: name.strip() for k, name in label_classes(layer).items()}
    except (LookupError, ValueError):  # no column "index", or no numbers in it
        return {}
    return {k: name for k, name in found.items() if name}
