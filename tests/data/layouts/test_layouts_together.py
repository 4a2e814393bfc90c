from pathlib import Path

import pytest

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts import put_together


def part(root, *fields, tables=()):
    """A collection of fields, each as its path below the root, class and source."""
    made = (Field(Path(root) / path, path, source, name) for path, name, source in fields)
    return Collection(Path(root), tuple(made), tables=tuple(map(Path, tables)))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([part("/s", ("a.png", "ALL", "patient 1"))], ["patient 1"]),
        (  # photographs of one table, opened one by one
            [
                part("/s/ALL", ("1.png", "ALL", "Gray"), tables=["/s/fields.csv"]),
                part("/s/MM", ("1.png", "MM", "Gray"), tables=["/s/fields.csv"]),
            ],
            ["Gray", "Gray"],
        ),
        (  # a name of two tables
            [
                part("/s/a", ("1.png", "ALL", "Gray"), tables=["/s/a/fields.csv"]),
                part("/s/b", ("1.png", "MM", "Gray"), tables=["/s/b/fields.csv"]),
            ],
            ["a/Gray", "b/Gray"],
        ),
        (
            [part("/s/ALL", ("1.png", "ALL", "1")), part("/s/MM", ("1.png", "MM", "1"))],
            ["ALL/1", "MM/1"],
        ),
        (  # folders of patients, opened one by one
            [part(f"/s/case {k}/ALL", *((f"{x}.png", "ALL", x) for x in "ab")) for k in (1, 2)],
            ["case 1", "case 1", "case 2", "case 2"],
        ),
        (  # copies by their names
            [
                part("/s", ("ALL_1.png", "ALL", "ALL_1")),
                part("/s", ("ALL_1_contrast1.5.png", "ALL", "ALL_1_contrast1.5")),
            ],
            ["ALL_1", "ALL_1"],
        ),
        (  # the photograph that both have joins what each has as one source
            [
                part("/s", ("x/1.png", "ALL", "Gray"), ("x/2.png", "ALL", "Gray")),
                part("/s/x", ("2.png", "ALL", "2"), ("3.png", "ALL", "3")),
            ],
            ["x/1", "x/1", "x/1", "x/3"],
        ),
    ],
)
def test_sources_of_several_scans(parts, expected):
    assert [f.source for f in put_together(parts).fields] == expected
