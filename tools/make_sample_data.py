"""Make the sample data again: 8 simulated ALL and 8 simulated MM fields with their masks.

Run ``python tools/make_sample_data.py``; it writes into ``sample_data``.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from napari_marrow.simulation.phantom import PhantomSettings, draw_field, planned_fields

SETTINGS = PhantomSettings(fields=16, width=640, height=480, acquisitions=3, seed=2019)

README = """\
# Sample data

Sixteen **simulated** bone-marrow fields with their masks, made by the phantom generator of
napari-marrow. They show no patient and come from no photograph. For research, teaching and tests
only, never for diagnosis.

| file | is |
|---|---|
| `ALL/ALL_1.jpg` ... `ALL/ALL_8.jpg` | fields in the manner of acute lymphoblastic leukaemia |
| `MM/MM_1.jpg` ... `MM/MM_8.jpg` | fields in the manner of multiple myeloma |
| `<field>_nucleus_mask.png` | white where a nucleus is, exact |
| `<field>_cyto_mask.png` | white where a white cell's cytoplasm is, exact |

Three stain batches occur in both classes alike (field 1, 4, 7 are of the first, 2, 5, 8 of the
second, 3, 6 of the third), so colour does not tell the class: the cells' build does.

`python tools/make_sample_data.py` makes them again. Licence: BSD-3-Clause, as the project.
"""


def main() -> None:
    """Write all fields, masks and the README."""
    here = Path(__file__).resolve().parents[1] / "sample_data"
    for class_name, index in planned_fields(SETTINGS):
        drawn = draw_field(class_name, index, SETTINGS)
        folder = here / class_name
        folder.mkdir(exist_ok=True)
        image = Image.fromarray(drawn.image)
        image.save(folder / f"{drawn.name}.jpg", quality=92, subsampling=0)
        for kind, labels in (("nucleus", drawn.nuclei), ("cyto", drawn.cytoplasm)):
            mask = Image.fromarray(np.where(labels > 0, 255, 0).astype(np.uint8))
            mask.save(folder / f"{drawn.name}_{kind}_mask.png", optimize=True)
    (here / "README.md").write_text(README, encoding="utf-8")


if __name__ == "__main__":
    main()
