"""Every file of the published bmpsuite, as docs/bmp.md lists it: g right, q right or refused."""

import os
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import image_size, open_image, read_image

NAMES = """
g/pal1 g/pal1bg g/pal1wb g/pal4 g/pal4rle g/pal8-0 g/pal8 g/pal8nonsquare g/pal8os2 g/pal8rle
g/pal8topdown g/pal8v4 g/pal8v5 g/pal8w124 g/pal8w125 g/pal8w126 g/rgb16-565 g/rgb16-565pal g/rgb16
g/rgb24 g/rgb24pal g/rgb32 g/rgb32bf
q/pal1p1 q/pal2 q/pal4rletrns q/pal8offs q/pal8os2sp q/pal8os2v2-16 q/pal8os2v2 q/pal8oversizepal
q/pal8rletrns q/rgb16-231 q/rgb24jpeg q/rgb24largepal q/rgb24lprof q/rgb24png q/rgb24prof
q/rgb32-111110 q/rgb32bf-xbgr q/rgb32fakealpha q/rgb32h52 q/rgba16-4444 q/rgba32 q/rgba32abf
q/rgba32h56
b/badbitcount b/badbitssize b/baddens1 b/baddens2 b/badfilesize b/badheadersize b/badpalettesize
b/badplanes b/badrle b/badwidth b/pal8badindex b/reallybig b/rletopdown b/shortfile
""".split()  # noqa: SIM905
MAPPED = {"g/rgb24", "g/rgb24pal", "g/rgb32", "q/rgb24largepal", "q/rgb24lprof", "q/rgb24prof"}
MAPPED |= {"q/rgb32fakealpha"}
# what Pillow does not read, and what is damaged
REFUSED = """
g/rgb32bf q/pal2 q/pal8os2v2-16 q/pal8oversizepal q/rgb16-231 q/rgb24jpeg q/rgb24png
q/rgb32-111110 q/rgba16-4444 q/rgba32abf b/badbitcount b/badheadersize b/badpalettesize
b/badwidth b/reallybig b/shortfile
""".split()  # noqa: SIM905


@pytest.mark.real
def test_every_file_of_the_suite_is_listed(real_data):
    found = {f"{p.parent.name}/{p.stem}" for p in (real_data / "bmpsuite").glob("[gqb]/*.bmp")}
    assert found == set(NAMES)


@pytest.mark.real
@pytest.mark.parametrize("name", NAMES)
def test_file_of_the_suite(real_data, name):
    path = real_data / f"bmpsuite/{name}.bmp"
    tracemalloc.start()
    try:
        if name in REFUSED:
            for read in (open_image, read_image):
                with pytest.raises(MarrowError, match=path.name) as error:
                    read(path)
                assert "\n" not in str(error.value)
            return
        opened, found = open_image(path), read_image(path)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 10 * 2**20
    assert (not opened.flags.owndata and not opened.flags.writeable) == (name in MAPPED)
    np.testing.assert_array_equal(opened, found)
    assert image_size(path) == found.shape[:2]
    np.testing.assert_array_equal(found, Image.open(path).convert("RGB"))


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "reference"),
    [
        *((f"g/{n}", n) for n in ("pal1", "pal1bg", "pal4", "pal8", "pal8w124", "pal8w125")),
        *((f"g/{n}", n) for n in ("pal8w126", "rgb16", "rgb16-565", "rgb24")),
        *((f"g/{n}", "pal8") for n in ("pal8-0", "pal8os2", "pal8rle", "pal8topdown", "pal8v4")),
        *((f"g/{n}", "rgb24") for n in ("rgb24pal", "rgb32")),
        ("g/pal4rle", "pal4"),
    ],
)
def test_good_files_against_the_reference_pictures(real_data, name, reference):
    """Of the suite's own makers, so that it is not Pillow's word alone."""
    expected = Image.open(real_data / f"bmpsuite/html/{reference}.png").convert("RGB")
    found = read_image(real_data / f"bmpsuite/{name}.bmp").astype(int)
    # the references of palettes and 565 are rounded the other way in places
    np.testing.assert_allclose(found, np.asarray(expected, int), atol=1)


@pytest.mark.real
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")
def test_the_suite_leaves_no_file_open(real_data):
    before = len(os.listdir("/proc/self/fd"))
    for name in NAMES:
        try:
            open_image(real_data / f"bmpsuite/{name}.bmp")
        except MarrowError:
            assert name in REFUSED
    assert len(os.listdir("/proc/self/fd")) == before
