"""What in tables is no class: results that look like truth, and words for what nobody knows."""

import pytest

from napari_marrow.data.layouts import scan


def classes(found):
    return {f.path.stem: f.class_name for f in found.fields}


@pytest.mark.parametrize(
    "name",
    [
        "sample_submission.csv", "SampleSubmission.csv", "submission-format.csv",
        "submission (3).txt", "my submissions.tsv", "test_predictions.csv", "predicted.csv",
        "labels/sample_submission.csv",
    ],
)  # fmt: skip
@pytest.mark.parametrize("truth", ["train_labels.csv", None])
def test_a_submission_is_no_truth(put, name, truth):
    folder = put(*(f"train/{k}.png" for k in range(4)), *(f"test/{k}.png" for k in range(4, 8)))
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("id,label\n" + "".join(f"{k},A\n" for k in range(4, 8)))
    if truth:
        (folder / truth).write_text(
            "id,label\n" + "".join(f"{k},{'AB'[k % 2]}\n" for k in range(4))
        )
    found = scan(folder)
    expected = {str(k): "AB"[k % 2] if truth and k < 4 else None for k in range(8)}
    assert classes(found) == expected
    [said] = [w for w in found.warnings if name.rpartition("/")[2] in w]
    assert "predict" in said
    if "/" not in name:
        assert scan(folder / name).classes == ("A",)  # named itself, it is used


@pytest.mark.parametrize("name", ["submitted by Adams.csv", "unpredictable.csv", "labels.csv"])
def test_another_name_with_such_letters_is_a_table_of_classes(put, name):
    folder = put("1.png", "2.png")
    (folder / name).write_text("id,label\n1,A\n2,B\n")
    assert classes(scan(folder)) == {"1": "A", "2": "B"}


@pytest.mark.parametrize(
    "text",
    [
        "unbekannt", "Unklar", "inconnu", "Inconnue", "desconocido", "desconocida", "k.A.", "k. A.",
        "keine Angabe", "nicht bekannt", "unbestimmt", "not sure", "to be determined", "n.d.",
        "sconosciuto", "Unbekannt ",
    ],
)  # fmt: skip
def test_words_for_what_is_not_known_are_no_class_and_no_source(put, text):
    folder = put(*(f"{k}.png" for k in range(6)))
    labels, patients = ("ALL", "MM", text), ("p", "q", text)
    rows = [f"{k}.png;{labels[k % 3]};{patients[k // 2]}" for k in range(6)]
    (folder / "t.csv").write_text("\n".join(["Bild;Klasse;Patient", *rows]))
    found = scan(folder)
    assert [f.class_name for f in found.fields] == ["ALL", "MM", None] * 2
    assert [f.source for f in found.fields] == ["p", "p", "q", "q", "4", "5"]
    assert any("no class to 2" in w and text.strip() in w for w in found.warnings)


def test_the_folders_of_nnu_net_are_no_classes(put):
    """Its training pictures are told from those to be predicted by the folder."""
    folder = put("imagesTr/a_0000.png", "imagesTr/b_0000.png", "imagesTs/c_0000.png")
    assert scan(folder).classes == ()
    put("labelsTr/a.png", "labelsTs/c.png")
    assert scan(folder).classes == ()
    put("AML/imagesTr/a.png", "CLL/imagesTs/b.png")
    assert set(scan(folder).classes) == {"AML", "CLL"}
