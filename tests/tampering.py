"""What tests of altered bundles share: seal one anew, and expect a sentence."""

import json

import numpy as np
import pytest

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.bundles import sealed
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.bundles.sealed import sha256

IMAGE = np.full((40, 50, 3), 200, np.uint8)


def seal(path, **changes):
    """Write the description anew, with the hashes of what is in the folder now."""
    content = json.loads((path / "bundle.json").read_text()) | changes
    content["files"] = changes.get("files") or {
        name: sha256(path / name) for name in content["files"]
    }
    content["seal"] = sealed.seal(content)
    (path / "bundle.json").write_text(json.dumps(content))


def refused(path, match):
    with pytest.raises(MarrowError, match=match) as error:
        load_bundle(path).predictor.predict(IMAGE)
    assert "\n" not in str(error.value)
