"""Sources of open layers, against those of a scan of the folder that the photographs are in."""

from collections import defaultdict

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from PIL import Image

from napari_marrow.data.layouts import scan, write_table
from napari_marrow.imaging.settings import AugmentSettings
from napari_marrow.learning.splits import split_by_source
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.make.augmented import augment_photograph, augmented_layers
from napari_marrow.viewer.make.stains import recoloured_layer
from napari_marrow.viewer.photograph.annotations import set_chosen, set_field_class
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.session import write_session

NAMES = {
    "table": [f"{c}/{c}_{k}.png" for c in ("ALL", "MM") for k in range(1, 7)],
    "patients": [f"patient {p}/{c}/{k}.png" for p in "1234" for c in ("ALL", "MM") for k in "12"],
    "patients below": [
        f"{c}/{c} case {p}/{k}.png" for c in ("ALL", "MM") for p in "123" for k in "12"
    ],
    "c-nmc": [
        f"fold_{k % 2}/{c}/UID_{p}_{k}_1_{c}.png"
        for c, people in (("all", (11, 12, 13)), ("hem", ("H1", "H2", "H3")))
        for p in people
        for k in (1, 2)
    ],
    "augmented": [
        f"{c}/{c}_{k}{w}.png" for c in ("ALL", "MM") for k in "123" for w in ("", "_contrast1.5")
    ],
    "names": [f"{c}/{c}_{k}.png" for c in ("ALL", "MM") for k in "1234"],
}


@pytest.fixture(params=[x for x in NAMES if x != "names"])
def folder(request, tmp_path, draw):
    root = make(tmp_path / "set", draw, NAMES[request.param])
    if request.param == "table":
        rows = [f"{x},{x[:3].strip('/')},patient {k // 2}" for k, x in enumerate(NAMES["table"])]
        (root / "fields.csv").write_text("\n".join(["image,class,source", *rows]))
    return root


def make(root, draw, names, first=0):
    for k, name in enumerate(names, first):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw("ALL" if "ALL" in name else "MM", k)[0]).save(path)
    return root


def opened(*paths):
    viewer = ViewerModel()
    for path in paths:
        several = path if isinstance(path, list) else [path]
        for data in read([str(x) for x in several]):
            viewer.add_layer(Layer.create(*data))
    return viewer


def session(viewer, folder):
    folder.mkdir(exist_ok=True)
    return write_session(Photograph.chosen_of(viewer.layers), folder, "field")[0].fields


def split_in(fields):
    """Return the pictures that are learnt from; the source's name decides nothing but the group."""
    fields = sorted(fields, key=lambda f: f.path)
    first = {f.source: k for k, f in reversed([*enumerate(fields)])}
    sources = np.array([first[f.source] for f in fields])
    found = split_by_source(np.array([f.class_name for f in fields]), sources, 0.25, 0.2, 0)
    return [
        {fields[k].path for k in rows} for rows in (found.train, found.validation, found.heldout)
    ]


def groups(fields):
    found = defaultdict(set)
    for f in fields:
        found[f.source].add(f.path)
    return sorted(map(sorted, found.values()))


@pytest.mark.parametrize("way", ["folder", "one by one", "at once", "folder and file"])
def test_open_layers_have_the_sources_of_their_folder(folder, tmp_path, way):
    expected = scan(folder).fields
    paths = [f.path for f in expected]
    ways = {
        "folder": [folder],
        "one by one": paths,
        "at once": [paths],
        "folder and file": [folder, paths[0]],
    }
    viewer = opened(*ways[way])
    for layer in viewer.layers:
        for row, f in enumerate(Photograph.of(layer, viewer.layers).files):
            [own] = [x for x in expected if x.path == f.path]
            set_field_class(layer, row, own.class_name)  # some layouts have it from the folder
    found = session(viewer, tmp_path / "session")
    assert groups(found) == groups(expected)
    assert split_in(found) == split_in(expected)
    if way == "folder":
        assert [f.source for f in found] == [f.source for f in expected]


def test_a_table_that_is_opened_gives_its_sources(tmp_path, draw):
    root = make(tmp_path / "set", draw, NAMES["table"])
    rows = [f"{x},{x[:3].strip('/')},patient {k // 2}" for k, x in enumerate(NAMES["table"])]
    (root / "mine.csv").write_text("\n".join(["image,class,source", *rows]))
    found = session(opened(root / "mine.csv"), tmp_path / "session")
    assert [f.source for f in found] == [f"patient {k // 2}" for k in range(12)]


@pytest.mark.parametrize("kind", ["names", "patients", "table"])
@pytest.mark.parametrize("at_once", [False, True])
def test_sources_of_two_folders_stay_apart(tmp_path, draw, kind, at_once):
    roots = [make(tmp_path / x, draw, NAMES[kind], 99 * k) for k, x in enumerate(("a/x", "b/y"))]
    for root in roots if kind == "table" else []:
        found = scan(root)
        write_table(found, root / "fields.csv")
    each = [groups(scan(root).fields) for root in roots]
    found = session(opened(list(roots)) if at_once else opened(*roots), tmp_path / "session")
    assert groups(found) == sorted(each[0] + each[1])


def test_products_stay_with_the_patient_of_their_photograph(tmp_path, draw):
    root = make(tmp_path / "set", draw, NAMES["patients"])
    viewer = opened(root)
    layer = viewer.layers[0]

    def augment(photograph):
        made = augment_photograph(photograph, AugmentSettings(("rotate90",), originals=False))
        return augmented_layers(photograph, made)[0]

    def stain(photograph):
        pixels = np.asarray(photograph.data) // (2 + len(made))
        return recoloured_layer(photograph, pixels, "reinhard")

    patients = [f.source for f in scan(root).fields]
    made: list[Layer] = []
    for make_layer, number in ((augment, 0), (stain, 0), (stain, 1), (augment, 2)):
        of = [layer, *made][number]
        made.append(viewer.add_layer(make_layer(Photograph.of(of, viewer.layers))))
        set_chosen(made[-1], range(len(patients)), True)
    assert [f.source for f in session(viewer, tmp_path / "a")] == patients * 5
    viewer.layers.remove(layer)
    assert [f.source for f in session(viewer, tmp_path / "b")] == patients * 4


def test_a_copy_without_a_file_joins_the_patient_it_shows(tmp_path, draw):
    root = make(tmp_path / "set", draw, NAMES["patients"])
    viewer = opened(root)
    pixels = np.asarray(viewer.layers[0].data[0])
    copy = viewer.add_image(pixels, rgb=True, name="patient 1")
    other = viewer.add_image(255 - pixels, rgb=True, name="patient 2")
    for layer in (copy, other):
        set_field_class(layer, 0, "ALL")
        set_chosen(layer, [0], True)
    *rest, first, second = session(viewer, tmp_path / "session")
    assert first.source == rest[0].source
    assert second.source not in {f.source for f in rest}
