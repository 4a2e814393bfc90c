"""Names are whole, however narrow the dock is."""

import pytest

from napari_marrow.measure.settings import MEASURED
from napari_marrow.widgets.components.check_list import CheckList


@pytest.mark.parametrize(("width", "n_columns"), [(170, 1), (500, 2)])
def test_no_name_is_cut_off(qtbot, width, n_columns):
    box = CheckList(MEASURED, ("morphology",))
    qtbot.addWidget(box)
    box.resize(width, box.height())
    box.show()
    qtbot.waitExposed(box)
    places = [box.visualItemRect(box.item(k)) for k in range(box.count())]
    assert len({place.left() for place in places}) == n_columns
    assert max(place.right() for place in places) <= box.viewport().width()
    assert max(place.bottom() for place in places) <= box.viewport().height()
