"""Fields and collections: pixels on demand, JSON there and back, sources from a table."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field, with_groups


@pytest.fixture
def field(tmp_path, draw, write_mask):
    image, mask = draw("ALL", 4)
    Image.fromarray(image).save(tmp_path / "ALL_4.bmp")
    write_mask(tmp_path / "n.bmp", mask, image)
    return Field(tmp_path / "ALL_4.bmp", "ALL_4", "s", "ALL", {"nucleus": tmp_path / "n.bmp"})


def test_pixels_masks_and_labels(tmp_path, field, draw):
    image, mask = draw("ALL", 4)
    np.testing.assert_array_equal(field.open(), image)
    np.testing.assert_array_equal(field.image(), image)
    np.testing.assert_array_equal(field.mask("nucleus"), mask)
    assert field.mask("cytoplasm") is None
    assert field.size() == (48, 64)
    assert field.instances() is None
    labels = (mask * np.arange(64)).astype(np.uint16)
    Image.fromarray(labels).save(tmp_path / "labels.png")
    labelled = Field(field.path, "ALL_4", "s", labels=tmp_path / "labels.png")
    np.testing.assert_array_equal(labelled.instances(), labels)


def test_labels_of_another_size_are_said(tmp_path, field):
    Image.new("L", (3, 2)).save(tmp_path / "labels.png")
    with pytest.raises(MarrowError, match=r"labels\.png.*\(2, 3\).*\(48, 64\)"):
        Field(field.path, "ALL_4", "s", labels=tmp_path / "labels.png").instances()


def test_json_there_and_back(tmp_path, field):
    bare = Field(tmp_path / "x.png", "x", "x", labels=tmp_path / "l.tif", cell_classes={7: "MM"})
    whole = Collection(tmp_path, (field, bare), ("odd",))
    assert Collection.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


def test_classes_and_counts(tmp_path):
    def of(name, cells=None):
        return Field(tmp_path / "x", "x", "x", name, cell_classes=cells or {})

    whole = Collection(tmp_path, (of("MM"), of("ALL"), of("MM"), of(None, {1: "healthy"})))
    assert whole.classes == ("ALL", "MM", "healthy")
    assert whole.counts() == {"ALL": 1, "MM": 2}


def test_label_is_relative_to_the_root(tmp_path):
    whole = Collection(tmp_path, ())
    assert whole.label(Field(tmp_path / "ALL" / "1.bmp", "1", "1")) == "ALL/1.bmp"
    assert whole.label(Field(Path("/elsewhere/1.bmp"), "layer", "1")) == "layer"


@pytest.mark.parametrize("key", ["ALL/ALL_1.bmp", "ALL_1.bmp", "ALL_1"])
def test_groups_by_path_name_or_stem(tmp_path, collection, key):
    rows = [key if f.name == "ALL_1" else f.name for f in collection.fields]
    text = "image,source\n" + "".join(f"{row},patient {k // 2}\n" for k, row in enumerate(rows))
    # Excel writes a byte order mark
    (tmp_path / "groups.csv").write_text(text, encoding="utf-8-sig")
    grouped = with_groups(collection, tmp_path / "groups.csv")
    assert [f.source for f in grouped.fields] == [f"patient {k // 2}" for k in range(6)]
    assert [f.path for f in grouped.fields] == [f.path for f in collection.fields]


@pytest.mark.parametrize("missing", ["", "NA", "nan", " N/A", "None", "unknown", "-"])
def test_a_missing_group_is_no_group(tmp_path, collection, missing):
    rows = [(f.name, "p" if k < 2 else missing) for k, f in enumerate(collection.fields)]
    text = "image,source\n" + "".join(f"{name},{source}\n" for name, source in rows)
    (tmp_path / "groups.csv").write_text(text)
    grouped = with_groups(collection, tmp_path / "groups.csv")
    own = [f.source for f in collection.fields]
    assert [f.source for f in grouped.fields] == ["p", "p", *own[2:]]
    assert len(set(own)) == 6
    (told,) = set(grouped.warnings) - set(collection.warnings)
    assert "groups.csv" in told
    assert "4 photographs" in told


def test_groups_may_give_acquisitions_with_sources_or_without(tmp_path, collection):
    own = [f.source for f in collection.fields]
    for columns in ("image,acquisition,source", "image,acquisition"):
        rows = [(f.name, ["Leica", "n/a"][k % 2], f"p{k}") for k, f in enumerate(collection.fields)]
        text = "".join(",".join(row[: columns.count(",") + 1]) + "\n" for row in rows)
        (tmp_path / "groups.csv").write_text(f"{columns}\n{text}")
        grouped = with_groups(collection, tmp_path / "groups.csv")
        assert [f.acquisition for f in grouped.fields] == ["Leica", ""] * 3
        expected = [f"p{k}" for k in range(6)] if "source" in columns else own
        assert [f.source for f in grouped.fields] == expected
        assert grouped.warnings == collection.warnings


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"image,acquisition\nALL_1,Leica\n", r"no row for ALL/ALL_2\.bmp"),
        (b"image,source\nALL_1,p\n", r"no row for ALL/ALL_2\.bmp"),
        (b"", "columns image and source"),
        (b"x,y\nALL_1,p\n", "columns image and source.*x, y"),
        (b"image,source\nALL_1,\n", "columns image and source"),
        (None, "not there"),
    ],
)
def test_bad_groups_are_one_sentence(tmp_path, collection, content, says):
    path = tmp_path / "groups.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MarrowError, match=says) as error:
        with_groups(collection, path)
    assert str(path) in str(error.value)
