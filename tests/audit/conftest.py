"""Phantom photographs to audit, and the findings about them by kind."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from napari_marrow.audit.audit import audit
from napari_marrow.data.layouts import scan
from napari_marrow.simulation.phantom import PhantomSettings, draw_field, planned_fields

SMALL = PhantomSettings(fields=20, width=192, height=144)


@pytest.fixture(scope="session")
def drawn():
    """Phantom fields, each drawn once: by class, number and whether class goes with stain.

    Look, don't touch.
    """
    cache = {}

    def field(class_name, index, confounded=False):
        key = class_name, index, confounded
        if key not in cache:
            cache[key] = draw_field(class_name, index, replace(SMALL, confounded=confounded))
        return cache[key]

    return field


@pytest.fixture
def put(tmp_path, drawn):
    """A function that writes a phantom photograph and returns its file."""

    def put(name, class_name="ALL", index=1, change=None, **options):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = drawn(class_name, index).image
        pixels = image if change is None else change(image)
        Image.fromarray(np.ascontiguousarray(pixels)).save(path, **options)
        return path

    return put


@pytest.fixture
def found(tmp_path):
    """A function that audits what was put: the findings by kind."""

    def found():
        kinds = {}
        for finding in audit(scan(tmp_path / "in")).findings:
            kinds.setdefault(finding.kind, []).append(finding)
        kinds.pop("too-few", None)
        return kinds

    return found


@pytest.fixture(scope="session")
def batches(tmp_path_factory, drawn):
    """A function that gives 20 fields, written once: their collection and true stain batches."""
    written = {}

    def batches(confounded):
        if confounded not in written:
            root, truth = tmp_path_factory.mktemp("batches"), {}
            for class_name, index in planned_fields(SMALL):
                (root / class_name).mkdir(exist_ok=True)
                label = f"{class_name}/{class_name}_{index}.bmp"
                field = drawn(class_name, index, confounded)
                Image.fromarray(field.image).save(root / label)
                truth[label] = field.acquisition
            written[confounded] = scan(root), truth
        return written[confounded]

    return batches
