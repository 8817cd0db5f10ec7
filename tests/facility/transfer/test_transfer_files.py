"""One file, and what can happen to it."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.facility.transfer import TransferError

MEBI = 1 << 20


def test_a_file_arrives_with_its_time_and_the_umasks_permissions(bench: Any) -> None:
    bench.write({"a/in.txt": "hello"})
    (bench.source / "a/in.txt").chmod(0o600)
    os.utime(bench.source / "a/in.txt", ns=(1, 1_600_000_000_123_456_789))
    umask = os.umask(0o027)
    try:
        document = bench.transfer(("/a/in.txt", "/new/dir/out.txt"))
    finally:
        os.umask(umask)
    out = bench.destination / "new/dir/out.txt"
    assert bench.tree() == {"new": None, "new/dir": None, "new/dir/out.txt": b"hello"}
    assert out.stat().st_mtime_ns == 1_600_000_000_123_456_789
    assert out.stat().st_mode & 0o777 == 0o640
    assert (out.parent.stat().st_mode & 0o777) == 0o750
    assert document["DATA_TYPE"] == "task"
    assert document["status"] == "SUCCEEDED"
    assert (document["files"], document["files_transferred"]) == (1, 1)
    assert (document["bytes_transferred"], document["bytes_checksummed"]) == (5, 5)
    assert document["source_endpoint_display_name"] == "workstation"


def test_the_time_is_not_kept_when_that_is_not_wanted(bench: Any) -> None:
    bench.write({"f": "x"})
    os.utime(bench.source / "f", (1, 1))
    bench.transfer(("/f", "/f"), preserve_timestamp=False)
    assert (bench.destination / "f").stat().st_mtime > 1_000_000


@pytest.mark.parametrize("size", [0, 1, MEBI - 1, MEBI, MEBI + 1, 3 * MEBI + 17])
@pytest.mark.parametrize("verify", [True, False])
def test_every_size(bench: Any, size: int, verify: bool) -> None:
    content = os.urandom(size)
    bench.write({"f": content})
    document = bench.transfer(("/f", "/f"), verify_checksum=verify)
    assert bench.tree() == {"f": content}
    assert document["bytes_checksummed"] == (size if verify else 0)


def test_a_replaced_file_keeps_its_permissions_and_its_other_names_keep_its_content(
    bench: Any,
) -> None:
    bench.write({"f": "new"})
    bench.write({"f": "old"}, bench.destination)
    (bench.destination / "f").chmod(0o750)
    os.link(bench.destination / "f", bench.outside / "linked")
    bench.transfer(("/f", "/f"))
    assert (bench.destination / "f").read_text() == "new"
    assert (bench.destination / "f").stat().st_mode & 0o777 == 0o750
    assert (bench.outside / "linked").read_text() == "old"


def test_a_link_at_the_destination_is_replaced_not_followed(bench: Any) -> None:
    bench.write({"f": "new"})
    (bench.destination / "f").symlink_to(bench.outside / "secret")
    bench.transfer(("/f", "/f"))
    assert bench.tree() == {"f": b"new"}
    assert (bench.outside / "secret").read_text() == "secret"


@pytest.mark.parametrize(
    "name", ["é 漢字 😀", "a\nb\r\tc", "x" * 255, "; rm -rf ~", "$(id)", "~", "-rf"]
)
def test_odd_names(bench: Any, name: str) -> None:
    bench.write({f"d/{name}": "x"})
    bench.transfer((f"/d/{name}", f"/{name}" if name != "~" else "/d/~"), ("/d", "/e", True))
    assert (bench.destination / "e" / name).read_text() == "x"


def test_names_that_are_no_utf8_are_shown_so_that_they_can_be_found_again(bench: Any) -> None:
    (bench.source / os.fsdecode(b"caf\xe9")).write_bytes(b"x")
    bench.transfer(("/", "/", True))
    shown = bench.ls()["DATA"][0]["name"]
    assert shown == "\ufffdcafé"
    assert bench.stat(f"/{shown}")["size"] == 1
    bench.delete(f"/{shown}")
    assert bench.tree() == {}


def test_an_external_checksum_is_compared(bench: Any) -> None:
    bench.write({"f": "content"})
    item = {
        "source_path": "/f",
        "destination_path": "/f",
        "external_checksum": hashlib.sha256(b"content").hexdigest().upper(),
        "checksum_algorithm": "SHA-256",
    }
    bench.transfer(DATA=[item])
    assert bench.tree() == {"f": b"content"}
    (bench.destination / "f").unlink()
    with pytest.raises(TransferError) as caught:
        bench.transfer(DATA=[{**item, "external_checksum": "00", "checksum_algorithm": None}])
    assert caught.value.code == "ExternalError.ChecksumMismatch"
    assert bench.tree() == {}


@pytest.mark.parametrize(
    ("source", "destination", "recursive", "code"),
    [
        ("/none", "/f", False, "ClientError.NotFound"),
        ("/none/f", "/f", None, "ClientError.NotFound"),
        ("/f", "/d", True, "ExternalError.DirListingFailed.NotDirectory"),
        ("/d", "/d", False, "ClientError.IsDirectory"),
        ("/f", "/dir", False, "ClientError.IsDirectory"),
        ("/f", "/new/", None, "ClientError.IsDirectory"),
        ("/f", "/", None, "ClientError.IsDirectory"),
        ("/f", "/file/f", None, "ExternalError.DirListingFailed.NotDirectory"),
        ("/d", "/file", True, "ExternalError.DirListingFailed.NotDirectory"),
        ("/f/f", "/f", None, "ExternalError.DirListingFailed.NotDirectory"),
        ("/fifo", "/f", None, "PermissionDenied"),
        ("/socket", "/f", None, "PermissionDenied"),
        ("/out", "/f", None, "PermissionDenied"),
        ("/loop", "/f", None, "PermissionDenied"),
        ("/dangling", "/f", None, "ClientError.NotFound"),
        ("/dirlink/none", "/f", None, "ClientError.NotFound"),
        ("/f", "/dirlink/f", None, "PermissionDenied"),
    ],
)
def test_what_is_refused(
    bench: Any, source: str, destination: str, recursive: bool | None, code: str
) -> None:
    bench.write({"f": "x", "d/g": "y"})
    bench.write({"dir/old": "z", "file": "z"}, bench.destination)
    os.mkfifo(bench.source / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(bench.source)  # the path of a socket must be short
    try:
        listener.bind("socket")
    finally:
        os.chdir(here)
        listener.close()
    (bench.source / "out").symlink_to(bench.outside / "secret")
    (bench.source / "dangling").symlink_to("nothing")
    (bench.source / "loop").symlink_to("loop")
    (bench.source / "dirlink").symlink_to("d")
    (bench.destination / "dirlink").symlink_to(bench.outside)
    before = bench.tree()
    with pytest.raises(TransferError) as caught:
        bench.transfer((source, destination, recursive))
    assert caught.value.code == code
    message = str(caught.value)
    assert "\n" not in message
    assert "'workstation'" in message or "'hpc'" in message
    assert bench.tree() == before
    assert bench.documents[-1]["status"] == "FAILED" if bench.documents else True


def test_a_file_is_not_its_own_destination(bench: Any) -> None:
    bench.write({"f": "x"})
    with pytest.raises(TransferError, match="its own destination"):
        bench.transfer(("/f", "/f"), destination_endpoint="src")


@pytest.mark.parametrize("which", ["src", "dst"])
def test_a_missing_root_is_one_clear_line(bench: Any, which: str) -> None:
    bench.write({"f": "x"})
    root = bench.collections[which].root
    root.rename(root.with_name("elsewhere"))
    with pytest.raises(TransferError) as caught:
        bench.transfer(("/f", "/f"))
    message = str(caught.value)
    assert caught.value.code == "EndpointError.RootMissing"
    assert bench.collections[which].name in message
    assert str(root) in message
    assert "headrace.toml" in message
    assert "\n" not in message
    assert not root.exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"DATA": []}, "DATA"),
        ({"DATA": [{"source_path": "/f"}]}, "destination_path"),
        ({"DATA": ["/f"]}, "DATA[0]"),
        ({"source_endpoint": "nowhere"}, "nowhere"),
        ({"destination_endpoint": None}, "destination_endpoint"),
        ({"sync_level": 4}, "sync_level"),
        ({"sync_level": True}, "sync_level"),
        ({"verify_checksum": "yes"}, "verify_checksum"),
        ({"filter_rules": [{"name": "*", "method": "drop"}]}, "filter_rules[0].method"),
        ({"filter_rules": [{"name": "*", "type": "link"}]}, "filter_rules[0].type"),
        ({"filter_rules": [{"method": "include"}]}, "filter_rules[0].name"),
        ({"filter_rules": {"name": "*"}}, "filter_rules"),
    ],
)
def test_bodies_of_another_form(bench: Any, change: dict[str, Any], named: str) -> None:
    with pytest.raises(TransferError) as caught:
        bench.transfer(("/f", "/f"), **change)
    assert named in str(caught.value)


def after_chunks(count: int, action: Callable[[], object]) -> Callable[[], bool]:
    """Makes a should_stop that does something once, at its count-th question."""
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        if asked == count:
            action()
        return False

    return should_stop


def test_a_file_that_changes_once_is_copied_again(bench: Any) -> None:
    bench.write({"f": b"a" * 4 * MEBI})
    new = b"b" * 5 * MEBI
    bench.should_stop = after_chunks(5, lambda: (bench.source / "f").write_bytes(new))
    document = bench.transfer(("/f", "/f"))
    assert bench.tree() == {"f": new}
    assert document["faults"] == 1
    assert document["bytes_transferred"] == len(new)


def test_a_file_that_keeps_changing_is_a_clear_error(bench: Any) -> None:
    bench.write({"f": b"a" * 4 * MEBI})

    def append() -> bool:
        with (bench.source / "f").open("ab") as file:
            file.write(b"more")
        return False

    bench.should_stop = append
    with pytest.raises(TransferError, match="changed while it was copied") as caught:
        bench.transfer(("/f", "/f"))
    assert caught.value.code == "ExternalError.FileChanged"
    assert bench.tree() == {}
    assert bench.documents[-1]["faults"] == 2


def test_a_damaged_copy_is_noticed_and_made_again(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write({"f": b"a" * 1000})
    real, damaged = os.fsync, []

    def damage(fd: int) -> None:
        real(fd)
        if not damaged and os.fstat(fd).st_size == 1000:
            damaged.append(os.pwrite(fd, b"X", 500))

    monkeypatch.setattr(os, "fsync", damage)
    document = bench.transfer(("/f", "/f"))
    assert damaged
    assert bench.tree() == {"f": b"a" * 1000}
    assert document["faults"] == 1


def test_stopping_leaves_nothing_in_part(bench: Any) -> None:
    bench.write({"a": "x", "b": b"b" * 8 * MEBI, "c": "y"})
    asked = iter(range(10_000))
    bench.should_stop = lambda: next(asked) > 14
    with pytest.raises(TransferError) as caught:
        bench.transfer()
    assert caught.value.code == "Canceled"
    assert set(bench.tree()) <= {"a"}


def test_stopping_for_a_while_keeps_what_is_copied(bench: Any) -> None:
    content = os.urandom(8 * MEBI)
    bench.write({"a": "x", "b": content, "c": "y"})
    asked = iter(range(10_000))
    bench.should_stop = lambda: next(asked) > 14
    with pytest.raises(TransferError):
        bench.transfer(task="t", will_resume=lambda: True)
    part = next(
        path for path in bench.tree() if path.startswith(".headrace-") and bench.tree()[path]
    )
    assert part.endswith(".part")
    sizes = [len(data or b"") for name, data in bench.tree().items() if name.startswith(".headr")]
    assert max(sizes) >= MEBI
    assert bench.ls()["total"] == 1
    bench.should_stop = lambda: False
    document = bench.transfer(task="t")
    assert bench.tree() == {"a": b"x", "b": content, "c": b"y"}
    assert (document["files_transferred"], document["faults"]) == (3, 0)


def test_a_part_that_does_not_fit_is_not_trusted(bench: Any) -> None:
    content = os.urandom(8 * MEBI)
    bench.write({"b": content})
    asked = iter(range(10_000))
    bench.should_stop = lambda: next(asked) > 6
    with pytest.raises(TransferError):
        bench.transfer(("/b", "/b"), task="t", will_resume=lambda: True)
    parts = sorted(bench.destination.glob(".headrace-*"), key=lambda path: path.stat().st_size)
    with parts[-1].open("r+b") as file:
        file.write(b"damage")
    bench.should_stop = lambda: False
    document = bench.transfer(("/b", "/b"), task="t")
    assert bench.tree() == {"b": content}
    assert document["faults"] == 1


def test_a_planted_part_is_not_written_through(bench: Any) -> None:
    content = os.urandom(3 * MEBI)
    bench.write({"b": content})
    asked = iter(range(10_000))
    bench.should_stop = lambda: next(asked) > 5
    with pytest.raises(TransferError):
        bench.transfer(("/b", "/b"), task="t", will_resume=lambda: True)
    bench.should_stop = lambda: False
    for part in bench.destination.glob(".headrace-*"):
        part.unlink()
        part.symlink_to(bench.outside / "secret")
    bench.transfer(("/b", "/b"), task="t")
    assert bench.tree() == {"b": content}
    assert (bench.outside / "secret").read_text() == "secret"


def test_progress_comes_and_ends_with_the_last_document(bench: Any) -> None:
    bench.write({f"f{n}": "x" for n in range(50)})
    document = bench.transfer()
    assert bench.documents[0]["status"] == "ACTIVE"
    assert bench.documents[-1] == document
    assert document["subtasks_pending"] == 0
    assert document["subtasks_total"] == document["subtasks_succeeded"] == 51
