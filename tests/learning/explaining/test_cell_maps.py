"""The maps of a cell: what a network sees of it, where the energy is, and what can be believed."""

from dataclasses import replace

import numpy as np
import pytest

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.bundles.bundle import predict_one
from napari_marrow.learning.confidence.error_rate import Confidence
from napari_marrow.learning.explaining.cell_maps import CellMaps, SeenCell, cover_cell, see_cell
from napari_marrow.learning.explaining.heat_maps import Occlusion, over_patches

SIDE = 80
WHITE = np.full(3, 240, np.uint8)


@pytest.fixture
def seen():
    nucleus, cell = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    nucleus[20:40, 20:40], cell[10:50, 10:50] = True, True
    image = np.full((SIDE, SIDE, 3), 100, np.uint8)
    return SeenCell(image, None, (5, -3, 40), nucleus, cell, WHITE, np.array([0.1, 0.9]), 1.0)


def spot(y, x, size=16):
    """A map of a network's resolution with one hot place, and what covering does there."""
    heat = np.zeros((size, size))
    heat[y, x] = 2.0
    return heat


def maps(seen, heat, drawn=(), drops=None):
    drops = heat if drops is None else drops
    return CellMaps.of(("ALL", "MM"), seen, Occlusion(drops, np.array([0.75, 0.25])), heat, drawn)


def test_the_energy_in_nucleus_and_cell_is_beside_their_area(seen):
    found = maps(seen, spot(5, 5), [spot(12, 2)])  # about pixel 27, inside the nucleus
    assert found.of_grad_cam.nucleus == pytest.approx(1, abs=1e-9)
    assert found.of_occlusion.cell == pytest.approx(1, abs=1e-9)
    assert (found.area.nucleus, found.area.cell) == (400 / 6400, 1600 / 6400)
    assert found.grad_cam.max() == 1
    assert found.answer == 1
    answer, _, energy, _ = found.sentences
    assert "MM with 0.90, and 0.25 at least" in answer
    assert "Grad-CAM: 100% of it in the nucleus, which fills 6%" in energy
    outside = maps(seen, spot(14, 14), [spot(2, 2)], spot(6, 6))
    assert outside.of_grad_cam.cell == pytest.approx(0, abs=1e-9)
    assert outside.of_occlusion.nucleus > 0.9


def test_a_map_that_covering_confirms_is_believed(seen):
    heat = spot(11, 4)
    drops = over_patches(np.kron(heat, np.ones((5, 5)))).reshape(16, 16)
    found = maps(seen, heat, [spot(2, 12), spot(13, 13)], drops)
    assert found.agreement > 0.8
    assert found.random_agreement < 0.2
    assert found.believed
    assert found.check_sentence.startswith("Grad-CAM can be believed")


def test_a_map_that_covering_does_not_confirm_is_not(seen):
    found = maps(seen, spot(11, 4), [spot(2, 12)], spot(3, 13))
    assert found.agreement < 0.1
    assert not found.believed
    assert "does not depend on what it marks" in found.check_sentence


def test_a_map_that_tells_no_more_than_a_spot_in_the_middle_is_not_believed(seen):
    rows, columns = np.indices((16, 16))
    drops = 30 - np.hypot(rows - 7.5, columns - 7.5)  # the nearer to the middle, the more
    beside = 30 - np.hypot(rows - 7.5, columns - 9)
    found = maps(seen, beside, [spot(2, 12)], drops)
    assert found.agreement > 0.5
    assert found.spot_agreement == pytest.approx(1, abs=0.01)
    assert not found.believed
    assert "no more than that the middle counts" in found.check_sentence


def test_a_map_that_any_last_layer_gives_is_not_believed(seen):
    heat = spot(11, 4)
    drops = over_patches(np.kron(heat, np.ones((5, 5)))).reshape(16, 16)
    found = maps(seen, heat, [heat, heat], drops)
    assert found.random_agreement == pytest.approx(1)
    assert not found.believed
    assert "the same with another last layer" in found.check_sentence


def test_without_grad_cam_occlusion_is_shown_and_why(seen):
    found = CellMaps.of(
        ("ALL", "MM"), seen, Occlusion(spot(5, 5), np.array([0.8, 0.2])), why_none="It has none."
    )
    assert found.grad_cam is None
    assert not found.believed
    assert found.of_occlusion.nucleus > 0.9
    assert found.sentences[1].startswith("It has none.")
    assert len(found.sentences) == 3
    nothing = CellMaps.of(
        ("ALL", "MM"), seen, Occlusion(spot(5, 5) * -1, np.array([0.8, 0.2])), why_none="None."
    )
    assert "marks nothing" in nothing.sentences[-1]


def test_maps_are_stored_and_read(seen, tmp_path):
    for one in (
        maps(seen, spot(5, 5), [spot(12, 2)]),
        CellMaps.of(
            ("ALL", "MM"), seen, Occlusion(spot(5, 5), np.array([0.8, 0.2])), why_none="None."
        ),
    ):
        one.write(tmp_path / "maps.npz")
        found = CellMaps.read(tmp_path / "maps.npz")
        np.testing.assert_array_equal(found.occlusion, one.occlusion)
        assert (found.grad_cam is None) == (one.grad_cam is None)
        bare = {"occlusion": np.empty(0), "grad_cam": None}
        assert repr(replace(found, **bare)) == repr(replace(one, **bare))


@pytest.fixture
def photograph(draw):
    image, mask = draw("ALL", 1, (96, 128))
    nuclei = np.zeros(mask.shape, np.uint16)
    nuclei[mask] = 7
    nuclei[:, :64][mask[:, :64]] = 3  # two halves, as if they were two cells
    return image, nuclei


def test_a_cell_is_seen_as_it_is_when_it_is_classified(photograph, make_toy, tmp_path):
    image, nuclei = photograph
    confidence = Confidence(temperature=3.0)
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell", confidence=confidence)
    table = predict_one(bundle, image, nuclei).table.set_index("index")
    for index in (3, 7):
        seen = see_cell(bundle, image, nuclei, index)
        found = CellMaps.of(("ALL", "MM"), seen, cover_cell(bundle, seen))
        expected = table.loc[index, ["probability_ALL", "probability_MM"]]
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
        assert found.least <= max(found.probabilities) + 1e-6
        assert seen.image.shape == (32, 32, 3)
        assert seen.nucleus.any()
        assert (seen.nucleus <= seen.cell).all()
        assert seen.cell.sum() > seen.nucleus.sum()  # a rim of cytoplasm, at least
        top, left, side = seen.square
        area = np.count_nonzero(nuclei == index)
        assert side == pytest.approx(2 * np.sqrt(4 * area / np.pi), abs=1)
        middle = np.argwhere(nuclei == index).mean(axis=0)
        np.testing.assert_allclose(middle, [top + side / 2, left + side / 2], atol=1)


def test_what_is_no_network_of_cells_is_one_sentence(photograph, make_toy, tmp_path, toy):
    image, nuclei = photograph
    with pytest.raises(MarrowError, match="classifies whole photographs"):
        see_cell(toy, image, nuclei, 3)
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    with pytest.raises(MarrowError, match="no cell 5"):
        see_cell(bundle, image, nuclei, 5)
