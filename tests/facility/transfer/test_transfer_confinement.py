"""No path leads out of a collection."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.facility.transfer import TransferError
from tests.support.examples import examples


@pytest.mark.parametrize(
    "path",
    [
        "/..",
        "..",
        "/a/../../outside/secret",
        "/a/..",
        "/~/../x",
        "/a\0b",
        "",
        "/" + "x" * 256,
        "/" + "x" * 5000,
        "/" + "é" * 130,
        "/\ud800",
        "/\udcff/a",
    ],
)
def test_paths_that_are_refused_everywhere(bench: Any, path: str) -> None:
    bench.write({"f": "x", "a/b": "y"})
    bench.write({"a/b": "y"}, bench.destination)
    operations = (
        lambda: bench.ls(path),
        lambda: bench.stat(path),
        lambda: bench.mkdir(path),
        lambda: bench.delete(path, recursive=True, ignore_missing=True),
        lambda: bench.transfer((path, "/x")),
        lambda: bench.transfer(("/f", path)),
    )
    for operation in operations:
        with pytest.raises(TransferError) as caught:
            operation()
        assert caught.value.code == "ClientError.InvalidPath"
        message = str(caught.value)
        assert message.isprintable()
        assert len(message) < 500
    assert bench.tree() == {"a": None, "a/b": b"y"}


@pytest.mark.parametrize("path", ["/", "/~/", "/~", "~", "~/", ".", "//", "/./", "/~//."])
def test_ways_to_write_the_root(bench: Any, path: str) -> None:
    bench.write({"f": "x"}, bench.destination)
    assert [entry["name"] for entry in bench.ls(path)["DATA"]] == ["f"]
    with pytest.raises(TransferError, match="root"):
        bench.delete(path, recursive=True)


@pytest.mark.parametrize("path", ["//etc", "/~root", "/%2e%2e", "/etc/passwd", "etc"])
def test_paths_that_only_look_like_a_way_out(bench: Any, path: str) -> None:
    with pytest.raises(TransferError) as caught:
        bench.stat(path)
    assert caught.value.code == "ClientError.NotFound"
    (bench.destination / path.strip("/").split("/")[0]).mkdir()
    bench.write({"f": "x"})
    bench.transfer(("/f", f"{path}/f"))
    assert [data for data in bench.tree().values() if data] == [b"x"]


def test_a_sibling_with_the_roots_name_in_front_is_outside(bench: Any) -> None:
    sibling = bench.base / "destinations"
    sibling.mkdir()
    (bench.destination / "link").symlink_to("../destinations")
    for operation in (bench.ls, bench.mkdir, lambda path: bench.stat(path + "/x")):
        with pytest.raises(TransferError):
            operation("/link")
    assert bench.stat("/link")["type"] == "invalid_symlink"


@pytest.mark.parametrize("what", ["last", "middle"])
def test_a_link_swapped_in_between_check_and_open(
    bench: Any, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Whatever is checked, the name is swapped for a link right before every open."""
    bench.write({"dir/secret": "harmless", "dir/other": "x"})
    real_open, real_stat = os.open, os.stat
    target = bench.source / ("dir" if what == "middle" else "dir/secret")
    aside = bench.base / "aside"
    points_to = bench.outside if what == "middle" else bench.outside / "secret"
    swapped = []

    def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == target.name and not swapped and "armed" in armed:
            target.rename(aside)
            target.symlink_to(points_to)
            swapped.append(path)
        return real_open(path, flags, mode, dir_fd=dir_fd)

    armed: list[str] = []

    def stat_(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
        if path == target.name:
            armed.append("armed")
        return real_stat(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", open_)
    monkeypatch.setattr(os, "stat", stat_)
    with contextlib.suppress(TransferError):
        bench.transfer(("/dir", "/dir", True) if what == "middle" else ("/dir/secret", "/out"))
    monkeypatch.undo()
    assert swapped
    assert b"secret" not in bench.tree().values()


def test_a_destination_directory_swapped_for_a_link(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write({"d/sub/f": "x"})
    bench.write({"d/sub": None}, bench.destination)
    real_open = os.open
    victim = bench.destination / "d/sub"

    def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "sub" and not victim.is_symlink():
            victim.rename(bench.base / "aside")
            victim.symlink_to(bench.outside)
        return real_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", open_)
    with pytest.raises(TransferError):
        bench.transfer(("/d", "/d", True))
    monkeypatch.undo()
    assert bench.tree(bench.outside) == {"secret": b"secret"}


COMPONENTS = st.one_of(
    st.sampled_from(
        [
            *("..", ".", "", "~", "~root", "a", "b", "in", "out", "up", "abs", "loop", "fifo"),
            *("file", "round", "over", "chain", "whole"),
        ]
    ),
    st.sampled_from(["%2e%2e", "outside", "secret", "source", "etc", "\0", "x" * 256, "..\\"]),
    st.text(max_size=8),
)
PATHS = st.lists(COMPONENTS, max_size=6).map("/".join)


@examples(150, derandomize=True)
@given(first=PATHS, second=PATHS, absolute=st.booleans(), extra=st.booleans())
def test_no_path_touches_what_is_outside(
    new_bench: Any, first: str, second: str, absolute: bool, extra: bool
) -> None:
    if absolute:
        first, second = "/" + first, "/" + second
    with tempfile.TemporaryDirectory() as directory:
        bench = new_bench(Path(directory))
        for root in (bench.source, bench.destination):
            bench.write({"a/b/file": "inside", "b/a": "inside", "file": "inside"}, root)
            (root / "in").symlink_to("a")
            (root / "out").symlink_to("../outside")
            (root / "a/up").symlink_to("..")
            (root / "abs").symlink_to(bench.outside)
            (root / "loop").symlink_to("loop")
            (root / "round").symlink_to(f"../{root.name}/a")
            (root / "over").symlink_to(f"a/../../{root.name}/../outside")
            (root / "chain").symlink_to("round/up/out")
            (root / "whole").symlink_to(root)
            os.mkfifo(root / "fifo")
        outside, source = bench.tree(bench.outside), bench.tree(bench.source)
        told: list[str] = []
        for operation in (
            lambda: bench.ls(first),
            lambda: bench.stat(first),
            lambda: bench.mkdir(first),
            lambda: bench.transfer((first, second), delete_destination_extra=extra),
            lambda: bench.transfer((first, second, True), delete_destination_extra=extra),
            lambda: bench.transfer((second, first, False)),
            lambda: bench.delete(first, recursive=True),
            lambda: bench.delete(second, recursive=True),
        ):
            try:
                document = operation()
            except TransferError as error:
                told.append(str(error))
            else:
                names = [entry.get("name") for entry in document.get("DATA", [])]
                assert "secret" not in names or "secret" in (first + second)
        assert bench.tree(bench.outside) == outside
        assert bench.tree(bench.source) == source
        assert b"secret" not in bench.tree().values()
        assert all(message.isprintable() for message in told)
        left = sorted(path.name for path in Path(directory).iterdir())
        assert left == ["destination", "outside", "source"]
