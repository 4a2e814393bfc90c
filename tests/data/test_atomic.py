"""Nothing is half-written: all or nothing, older files stay, and refusals are sentences."""

import errno
import stat

import pytest

from napari_marrow.data.atomic import atomic_file, atomic_files, atomic_folder
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.outputs import NEW_FOLDER, FileKind, FolderKind

pytestmark = pytest.mark.usefixtures("no_leftovers")


OURS = FolderKind("a bundle", lambda path: {"bundle.json": True, "figures/a.png": True})
TEXT = FileKind("a text", lambda path: path.read_text() in ("old", "new"))


class Fault(Exception):
    pass


def fill(path, text="new"):
    """Write through either kind of path."""
    (path / "bundle.json" if path.is_dir() else path).write_text(text)


def broken_off(writing, error):
    """Write, and fail before the end."""
    with writing as part:
        fill(part)
        raise error


def interrupted(writing, meanwhile):
    """Write, while somebody else does something."""
    with writing as part:
        fill(part)
        meanwhile()


@pytest.mark.parametrize("writer", [atomic_file, atomic_folder])
def test_appears_when_complete_and_makes_its_parents(tmp_path, writer):
    out = tmp_path / "a" / "b" / "out.csv"
    with writer(out) as part:
        fill(part)
        assert not out.exists()
        assert part.parent == out.parent
    assert out.exists()
    # As a plain open() or mkdir() would have made it, not only for its owner.
    plain = tmp_path / "plain"
    plain.mkdir() if out.is_dir() else plain.touch()
    assert stat.S_IMODE(out.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize("writer", [atomic_file, atomic_folder])
@pytest.mark.parametrize("error", [Fault, KeyboardInterrupt, FileNotFoundError])
def test_a_fault_leaves_nothing_and_is_passed_on(tmp_path, writer, error):
    out = tmp_path / "out"
    with pytest.raises(error):
        broken_off(writer(out), error)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_leaves_the_older_file(tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("old")
    with pytest.raises(Fault):
        broken_off(atomic_file(out, TEXT), Fault)
    assert out.read_text() == "old"
    with atomic_file(out, TEXT) as part:
        part.write_text("new")
    assert out.read_text() == "new"


def write_files(path, kind):
    """Write one file as :func:`atomic_files` does."""
    with atomic_files(path.parent, {path.name: kind}) as folder:
        fill(folder / path.name)


def write_file(path, kind):
    with atomic_file(path, kind) as part:
        fill(part)


def write_folder(path, kind):
    with atomic_folder(path, OURS) as part:
        fill(part)


@pytest.mark.parametrize("write", [write_file, write_files, write_folder])
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("n_links", [1, 2])
def test_what_a_link_leads_to_gets_the_result(tmp_path, write, relative, n_links):
    there, link = tmp_path / "big" / "store", tmp_path / "outlink"
    write_folder(there, OURS) if write is write_folder else write_file(there, TEXT)
    fill(there, "old")
    target = there.relative_to(tmp_path) if relative else there
    if n_links == 2:
        (tmp_path / "between").symlink_to(target)
        target = tmp_path / "between"
    link.symlink_to(target)
    write(link, TEXT)
    assert link.is_symlink()
    assert not there.is_symlink()
    assert (there / "bundle.json" if there.is_dir() else there).read_text() == "new"


def test_what_a_link_leads_to_is_checked(tmp_path):
    theirs, link = tmp_path / "theirs", tmp_path / "outlink"
    theirs.write_text("years of work")
    link.symlink_to(theirs)
    for write in (write_file, write_files):
        with pytest.raises(MarrowError, match="outlink is there already"):
            write(link, TEXT)
    theirs.unlink()
    (theirs / "mine").mkdir(parents=True)
    with pytest.raises(MarrowError, match="outlink is there already"):
        write_folder(link, OURS)
    assert list(theirs.iterdir()) == [theirs / "mine"]


@pytest.mark.parametrize("write", [write_file, write_files])
@pytest.mark.parametrize("mode", [0o400, 0o444, 0o600, 0o640, 0o666])
@pytest.mark.parametrize("linked", [False, True])
def test_a_replaced_file_keeps_its_mode(tmp_path, write, mode, linked):
    out = there = tmp_path / "out.csv"
    there.write_text("old")
    there.chmod(mode)
    if linked:
        out = tmp_path / "link.csv"
        out.symlink_to(there)
    write(out, TEXT)
    assert there.read_text() == "new"
    assert stat.S_IMODE(there.stat().st_mode) == mode


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o777])
def test_a_replaced_folder_keeps_its_modes(tmp_path, mode):
    out = tmp_path / "model.marrow"
    for text in ("old", "new"):
        with atomic_folder(out, OURS) as part:
            fill(part, text)
            (part / "figures").mkdir()
            (part / "figures" / "a.png").touch()
        if text == "old":
            (out / "figures" / "a.png").chmod(0o400)
            (out / "figures").chmod(0o711)
            out.chmod(mode)
    found = [stat.S_IMODE(p.stat().st_mode) for p in (out, out / "figures", out / "figures/a.png")]
    assert found == [mode, 0o711, 0o400]
    assert (out / "bundle.json").read_text() == "new"


def test_an_older_bundle_is_replaced_only_when_the_new_one_is_complete(tmp_path):
    out = tmp_path / "model.marrow"
    with atomic_folder(out, OURS) as part:
        fill(part, "old")
        (part / "figures").mkdir()
        (part / "figures" / "a.png").touch()
    with pytest.raises(Fault):
        broken_off(atomic_folder(out, OURS), Fault)
    assert (out / "bundle.json").read_text() == "old"
    with atomic_folder(out, OURS) as part:
        fill(part, "new")
    assert [p.name for p in out.iterdir()] == ["bundle.json"]
    assert (out / "bundle.json").read_text() == "new"


def test_what_is_not_ours_is_never_deleted(tmp_path):
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter.txt").write_text("years of work")
    (out / "bundle.json").write_text("mine")
    for kind in (OURS, NEW_FOLDER):
        for force in (False, True):
            with (
                pytest.raises(MarrowError, match="thesis is there already"),
                atomic_folder(out, kind, (), force),
            ):
                pytest.fail("the block must not run")
    assert (out / "chapter.txt").read_text() == "years of work"
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(MarrowError, match="file is there already"),
        atomic_folder(tmp_path / "file"),
    ):
        pytest.fail("the block must not run")
    (tmp_path / "empty").mkdir()
    with atomic_folder(tmp_path / "empty") as part:
        fill(part)
    assert (tmp_path / "empty" / "bundle.json").is_file()


@pytest.mark.parametrize("kind", [OURS, NEW_FOLDER])
@pytest.mark.parametrize("there", ["nothing", "empty", "an older one", "a file", "an earlier name"])
def test_what_appears_during_the_work_stays_and_so_does_the_work(tmp_path, kind, there):
    out, kept = tmp_path / "model.marrow", tmp_path / "model-2.marrow"
    if there in ("empty", "an older one"):
        out.mkdir()
    if there == "an older one" and kind is OURS:
        fill(out, "old")
    if there == "an earlier name":
        kept.mkdir()
        kept = tmp_path / "model-3.marrow"
    theirs = out if there == "a file" else out / "notes.txt"

    def meanwhile():
        theirs.parent.mkdir(exist_ok=True)
        theirs.write_text("years of work")

    with pytest.raises(MarrowError, match=rf"model\.marrow is there already.*{kept.name}"):
        interrupted(atomic_folder(out, kind), meanwhile)
    assert theirs.read_text() == "years of work"
    assert (kept / "bundle.json").read_text() == "new"


def test_an_input_that_moves_there_during_the_work_stays(tmp_path):
    out, photograph = tmp_path / "model.marrow", tmp_path / "ALL_1.bmp"
    photograph.write_text("pixels")

    def meanwhile():
        out.mkdir()
        photograph.rename(out / "ALL_1.bmp")

    with pytest.raises(MarrowError, match=r"model\.marrow would replace .*ALL_1\.bmp"):
        interrupted(atomic_folder(out, OURS, iter([out / "ALL_1.bmp"])), meanwhile)
    assert (out / "ALL_1.bmp").read_text() == "pixels"


def test_a_folder_in_the_place_of_a_file_is_said_at_once(tmp_path):
    with pytest.raises(MarrowError, match="is a folder"), atomic_file(tmp_path):
        pytest.fail("the block must not run")


def test_when_the_swap_fails_the_older_folder_is_put_back(tmp_path, monkeypatch):
    out = tmp_path / "model.marrow"
    with atomic_folder(out, OURS) as part:
        fill(part, "old")
    original, calls = type(out).rename, []

    def rename(self, target):
        calls.append(self)
        if len(calls) == 2:  # the first moved the old one away
            raise OSError(errno.EIO, "Input/output error", str(self))
        return original(self, target)

    monkeypatch.setattr(type(out), "rename", rename)
    with (
        pytest.raises(MarrowError, match="Input/output"),
        atomic_folder(out, OURS) as part,
    ):
        fill(part, "new")
    assert len(calls) == 3
    assert (out / "bundle.json").read_text() == "old"


@pytest.mark.parametrize("writer", [atomic_file, atomic_folder])
@pytest.mark.parametrize("depth", ["file/out", "file/a/out"])
def test_below_a_file(tmp_path, writer, depth):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(MarrowError, match=r"out can't be written: part of that path is a file"),
        writer(tmp_path / depth),
    ):
        pytest.fail("the block must not run")
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize(
    ("writer", "maker"), [(atomic_file, "mkstemp"), (atomic_folder, "mkdtemp")]
)
def test_no_permission_is_said_before_the_work(tmp_path, monkeypatch, writer, maker):
    def refuse(dir, prefix, **_):
        raise PermissionError(13, "Permission denied", str(dir / f"{prefix}x1"))

    monkeypatch.setattr(f"napari_marrow.data.atomic.tempfile.{maker}", refuse)
    with pytest.raises(MarrowError, match="gives no permission") as error, writer(tmp_path / "o"):
        pytest.fail("the block must not run")
    assert str(tmp_path / "o") in str(error.value)


@pytest.mark.parametrize("writer", [atomic_file, atomic_folder])
@pytest.mark.parametrize(
    ("name", "number", "says"),
    [
        (None, errno.ENOSPC, "No space left"),  # a write to an open file carries no name
        ("part", errno.ENOSPC, "No space left"),
        ("part", errno.EACCES, "no permission"),
    ],
)
def test_refusals_while_writing_become_sentences(tmp_path, writer, name, number, says):
    import os

    with pytest.raises(MarrowError, match=f"out can't be written: .*{says}"):  # noqa: SIM117
        with writer(tmp_path / "out") as part:
            raise OSError(number, os.strerror(number), name and str(part))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(13, "Permission denied", "/elsewhere/ALL_1.bmp"),
        FileNotFoundError(2, "No such file or directory", "/elsewhere/ALL_1.bmp"),
        BrokenPipeError(32, "Broken pipe"),
        TimeoutError("slow"),
        OSError("cannot write mode F as PNG"),
        OSError(errno.EBADF, "Bad file descriptor", 7),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_of_something_else_are_not_blamed_on_the_output(tmp_path, error):
    with pytest.raises(type(error)) as raised, atomic_file(tmp_path / "out.csv"):
        raise error
    assert raised.value is error


def test_a_photograph_beside_the_output_is_not_the_output(tmp_path):
    error = PermissionError(13, "Permission denied", str(tmp_path / "ALL" / "ALL_1.bmp"))
    with pytest.raises(PermissionError), atomic_folder(tmp_path / "model.marrow"):
        raise error


@pytest.mark.parametrize("writer", [atomic_file, atomic_folder])
def test_a_name_the_system_refuses_is_a_sentence(tmp_path, writer):
    out = tmp_path / ("a" * 300)
    with pytest.raises(MarrowError, match="can't be written"), writer(out):
        pytest.fail("the block must not run")
