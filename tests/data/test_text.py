"""Names in sentences."""

import pytest

from napari_marrow.audit.findings import join_names
from napari_marrow.data.text import listed


@pytest.mark.parametrize("join", [listed, join_names])
@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Bauer, ALL/1.png", "Bauer, ALL/2.png"], ["'Bauer, ALL/1.png'", "'Bauer, ALL/2.png'"]),
        (["a,b.png", "c.png"], ["'a,b.png'", "c.png"]),
        (["'x, y' (3)", "z, 1"], ["'x, y' (3)", "'z, 1'"]),
        (["1.png", "2 and 3.png"], ["1.png", "2 and 3.png"]),
    ],
)
def test_a_name_with_a_comma_is_quoted_in_a_list(join, names, expected):
    mark = ", " if join is listed else " and "
    assert join(names) == mark.join(expected)
    assert join(names * 4).startswith(", ".join(expected * 2))
    assert join(names * 4).endswith(" and 3 more")
