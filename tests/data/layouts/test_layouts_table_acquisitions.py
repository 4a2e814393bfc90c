"""Which column of a table tells the acquisition of a photograph, and that it stays in one saved."""

import dataclasses

import pytest

from napari_marrow.data.layouts import SAVED, scan, write_table

N = 12


@pytest.fixture
def folder(put):
    return put(*(f"{k}.png" for k in range(N)))


def acquisitions(folder, header, row):
    """Return what a table of the photographs 0 to 11 gives, and the number of their sources."""
    rows = [",".join(map(str, row(k))) for k in range(N)]
    (folder / "t.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    found = scan(folder)
    assert sorted({f.class_name for f in found.fields}) == ["A", "B"]
    by_name = {int(f.path.stem): f.acquisition for f in found.fields}
    return [by_name[k] for k in range(N)], len({f.source for f in found.fields})


@pytest.mark.parametrize(
    "name",
    [
        "acquisition", "Acquisition ID", "microscope", "Mikroskop", "scanner_name", "Camera",
        "laboratory", "lab", "site", "centre", "Stain batch", "staining", "batch_no",
    ],
)  # fmt: skip
def test_acquisitions_whatever_their_column_is_called(folder, name):
    got, n_sources = acquisitions(
        folder, f"image,class,{name}", lambda k: (f"{k}.png", "AB"[k % 2], f"x {k // 4}")
    )
    assert got == [f"x {k // 4}" for k in range(N)]
    assert n_sources == N  # each photograph stays one of its own


def test_the_source_beside_it_is_the_patient(folder):
    got, n_sources = acquisitions(
        folder, "image,patient,scanner,class", lambda k: (k, f"P{k // 2}", k // 6, "AB"[k % 2])
    )
    assert got == [str(k // 6) for k in range(N)]
    assert n_sources == N // 2


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        # one of the very name counts; others that tell nothing together, or apart, do not
        ("image,acquisition,class", lambda k: "Leica", "Leica"),
        ("image,microscope,class", lambda k: "Leica", ""),
        ("image,lab_no,class", lambda k: 2300 + k, ""),
        ("image,acquisition,class", lambda k: ["n/a", "unknown", "", "-"][k % 4], ""),
    ],
)
def test_a_column_that_tells_nothing(folder, header, row, expected):
    got, n_sources = acquisitions(folder, header, lambda k: (f"{k}.png", row(k), "AB"[k % 2]))
    assert got == [expected] * N
    assert n_sources == N


def test_the_preferred_of_several_counts(folder):
    got, _ = acquisitions(
        folder, "image,lab,microscope,class", lambda k: (k, k % 3, f"M{k // 6}", "AB"[k % 2])
    )
    assert got == [f"M{k // 6}" for k in range(N)]
    got, _ = acquisitions(
        folder, "image,microscope,lab,class", lambda k: (k, "same", f"L{k // 6}", "AB"[k % 2])
    )
    assert got == [f"L{k // 6}" for k in range(N)]


def test_a_saved_table_keeps_acquisitions(folder):
    acquisitions(folder, "image,scanner,class", lambda k: (k, f"S{k // 6}", "AB"[k % 2]))
    found = scan(folder)
    half = dataclasses.replace(found, fields=found.fields[::2], left_out=found.fields[1::2])
    for whole in (half, found):
        write_table(whole, folder / SAVED)
        again = scan(folder)
        known = {f.path: f.acquisition for f in again.all_fields}
        assert known == {f.path: f.acquisition for f in found.fields}
        assert len(again.left_out) == len(whole.left_out) == (0 if whole is found else N // 2)
        without = tuple(dataclasses.replace(f, acquisition="") for f in found.fields)
    write_table(dataclasses.replace(found, fields=without), folder / SAVED)
    assert (folder / SAVED).read_text().splitlines()[0] == '"image","class","source"'


def test_a_table_of_acquisitions_alone_is_named_with_groups(put):
    root = put("ALL/a.png", "ALL/b.png", "MM/c.png")
    (root / "t.csv").write_text("image,acquisition\na.png,x\nb.png,x\nc.png,y\n")
    assert any("t.csv" in w and "--groups" in w for w in scan(root).warnings)


@pytest.mark.parametrize(("labs", "n_sources"), [(("a", "b"), N), (("a", "a"), 2), (None, 2)])
def test_folders_that_are_the_acquisitions_are_no_patients(put, labs, n_sources):
    """As docs/another-microscope.md lays out cells of a new place; other folders are patients."""
    folder = put(*(f"lab-{'ab'[k % 2]}/{k}.png" for k in range(N)))
    rows = [f"lab-{'ab'[k % 2]}/{k}.png,{'AB'[k // 6]}" for k in range(N)]
    header = "image,class" if labs is None else "image,class,acquisition"
    rows = [row if labs is None else f"{row},{labs[k % 2]}" for k, row in enumerate(rows)]
    (folder / "t.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    found = scan(folder)
    assert {f.acquisition for f in found.fields} == ({*labs} if labs else {""})
    assert len({f.source for f in found.fields}) == n_sources
