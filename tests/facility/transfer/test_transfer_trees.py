"""Directories: recursion, rules, sync levels, what is surplus."""

from __future__ import annotations

import fnmatch
import os
import resource
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.facility.transfer import TransferError
from headrace.facility.transfer.collection import OpenDirectory
from tests.support.examples import examples

TREE = {
    "run/a.txt": "a",
    "run/b.log": "b",
    "run/sub/c.txt": "c",
    "run/sub/deep/d.log": "d",
    "run/tmp/e.txt": "e",
    "run/empty": None,
}


def test_a_tree_arrives_whole_with_its_empty_directories(bench: Any) -> None:
    bench.write(TREE)
    document = bench.transfer(("/run/", "/out/", True))
    assert bench.tree(bench.destination / "out") == bench.tree(bench.source / "run")
    assert (document["files"], document["directories"]) == (5, 5)
    assert bench.transfer(("/run", "/detected"))["files"] == 5


def test_links_and_special_files_are_left_out_and_counted(bench: Any) -> None:
    bench.write({"d/f": "x"})
    (bench.source / "d/out").symlink_to(bench.outside)
    (bench.source / "d/in").symlink_to("f")
    os.mkfifo(bench.source / "d/fifo")
    document = bench.transfer(("/d", "/d", True))
    assert bench.tree() == {"d": None, "d/f": b"x"}
    assert (document["symlinks_ignored"], document["special_files_ignored"]) == (2, 1)


def test_hard_links_become_files_of_their_own(bench: Any) -> None:
    bench.write({"d/f": "x"})
    os.link(bench.source / "d/f", bench.source / "d/g")
    bench.transfer(("/d", "/d", True))
    assert bench.tree(bench.destination / "d") == {"f": b"x", "g": b"x"}
    assert (bench.destination / "d/f").stat().st_nlink == 1


def test_many_items_go_in_their_order(bench: Any) -> None:
    bench.write({"a": "1", "b": "2", "d/c": "3"})
    document = bench.transfer(("/a", "/x"), ("/b", "/x"), ("/d", "/e"), ("/a", "/e/c"))
    assert bench.tree() == {"x": b"2", "e": None, "e/c": b"1"}
    assert document["files_transferred"] == 4


def test_deep_trees_need_no_more_open_files_than_shallow_ones(bench: Any) -> None:
    depth = 400
    bench.write({"d/" * depth + "leaf": "x"})
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(200, before[0]), before[1]))
    try:
        document = bench.transfer()
        assert (document["files"], document["directories"]) == (1, depth + 1)
        assert bench.delete("/d", recursive=True)["directories"] == depth
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert bench.tree() == {}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], {"a.txt", "b.log", "sub/c.txt", "sub/deep/d.log", "tmp/e.txt"}),
        ([("exclude", "*.log", "file")], {"a.txt", "sub/c.txt", "tmp/e.txt"}),
        ([("exclude", "tmp", "dir")], {"a.txt", "b.log", "sub/c.txt", "sub/deep/d.log"}),
        (
            [("exclude", "tmp", "file")],
            {"a.txt", "b.log", "sub/c.txt", "sub/deep/d.log", "tmp/e.txt"},
        ),
        (
            [("exclude", "tmp", None), ("exclude", "b.*", None)],
            {"a.txt", "sub/c.txt", "sub/deep/d.log"},
        ),
        (
            [("include", "*.txt", "file"), ("exclude", "*", "file")],
            {"a.txt", "sub/c.txt", "tmp/e.txt"},
        ),
        (
            [("exclude", "*", "file"), ("include", "*.txt", "file")],
            set(),
        ),
        ([("include", "*.txt", "file"), ("exclude", "*", None)], {"a.txt"}),
        ([("exclude", "[!a].txt", "file")], {"a.txt", "b.log", "sub/deep/d.log"}),
        (
            [("exclude", "?.LOG", "file")],
            {"a.txt", "b.log", "sub/c.txt", "sub/deep/d.log", "tmp/e.txt"},
        ),
    ],
)
def test_the_first_rule_that_matches_decides(
    bench: Any, rules: list[tuple[str, str, str | None]], expected: set[str]
) -> None:
    bench.write(TREE)
    given_rules = [{"method": method, "name": name, "type": type_} for method, name, type_ in rules]
    document = bench.transfer(("/run", "/", True), filter_rules=given_rules)
    assert {name for name, data in bench.tree().items() if data is not None} == expected
    assert document["files"] == len(expected)


def test_a_rule_without_a_method_excludes(bench: Any) -> None:
    bench.write(TREE)
    bench.transfer(("/run", "/", True), filter_rules=[{"name": "*"}])
    assert bench.tree() == {}


OLD, NOW, NEW = 1_000_000_000, 1_000_000_001, 1_000_000_002


@pytest.mark.parametrize(
    ("level", "copied"),
    [
        (None, {"missing", "same", "same_size", "other_size", "older", "newer"}),
        (0, {"missing"}),
        ("exists", {"missing"}),
        (1, {"missing", "other_size"}),
        (2, {"missing", "other_size", "older"}),
        ("mtime", {"missing", "other_size", "older"}),
        (3, {"missing", "same_size", "other_size", "older", "newer"}),
    ],
)
def test_sync_levels(bench: Any, level: int | str | None, copied: set[str]) -> None:
    """Each file is named after how the destination's differs from the source's."""
    there = {
        "same": ("source", NOW),
        "same_size": ("SOURCE", NOW),
        "other_size": ("longer than", NOW),
        "older": ("SOURCE", OLD),
        "newer": ("SOURCE", NEW),
    }
    for name in ("missing", *there):
        bench.write({name: "source"})
        os.utime(bench.source / name, (NOW, NOW))
    for name, (content, time) in there.items():
        bench.write({name: content}, bench.destination)
        os.utime(bench.destination / name, (time, time))
    inodes = {name: (bench.destination / name).stat().st_ino for name in there}
    document = bench.transfer(sync_level=level)
    changed = {"missing"} | {
        name for name in there if (bench.destination / name).stat().st_ino != inodes[name]
    }
    assert changed == copied
    assert document["files_transferred"] == len(copied)
    assert document["files_skipped"] == 6 - len(copied)
    assert bench.transfer(sync_level=level if level != 0 else 1)["files"] == 6


def test_a_second_transfer_by_checksum_copies_nothing(bench: Any) -> None:
    bench.write(TREE)
    bench.transfer(sync_level=3)
    document = bench.transfer(sync_level=3)
    assert (document["files_transferred"], document["files_skipped"]) == (0, 5)
    assert document["bytes_transferred"] == 0
    assert document["bytes_checksummed"] == 5


def test_surplus_stays_unless_it_is_to_go(bench: Any) -> None:
    bench.write(TREE)
    bench.write({"extra": "x", "sub/extra/y": "x", "sub": None}, bench.destination)
    (bench.destination / "sub/link").symlink_to(bench.outside)
    bench.transfer(("/run", "/", True))
    assert "sub/extra/y" in bench.tree()
    document = bench.transfer(("/run", "/", True), delete_destination_extra=True)
    assert bench.tree() == bench.tree(bench.source / "run")
    assert document["items_deleted"] == 4
    assert (bench.outside / "secret").read_text() == "secret"


def test_surplus_that_rules_exclude_stays_with_its_directories(bench: Any) -> None:
    bench.write({"d/a.txt": "a", "d/x.log": "source"})
    bench.write(
        {"d/old.txt": "o", "d/keep.log": "k", "d/extra/keep.log": "k", "d/extra/o": "o"},
        bench.destination,
    )
    bench.transfer(
        ("/d", "/d", True),
        delete_destination_extra=True,
        filter_rules=[{"method": "exclude", "name": "*.log", "type": "file"}],
    )
    files = {name for name, data in bench.tree(bench.destination / "d").items() if data is not None}
    assert files == {"a.txt", "keep.log", "extra/keep.log"}


def test_what_has_another_type_is_replaced_only_when_surplus_goes(bench: Any) -> None:
    bench.write({"d/file": "f", "d/dir/x": "x", "d/dirlink/x": "x"})
    bench.write({"d/file/old": "o", "d/dir": "file"}, bench.destination)
    (bench.destination / "d/dirlink").symlink_to(bench.outside)
    with pytest.raises(TransferError):
        bench.transfer(("/d", "/d", True))
    bench.transfer(("/d", "/d", True), delete_destination_extra=True)
    assert bench.tree() == bench.tree(bench.source)
    assert bench.tree(bench.outside) == {"secret": b"secret"}


@pytest.mark.parametrize(
    ("source", "destination", "extra"),
    [
        ("/d", "/d", False),
        ("/d", "/d/into/itself", False),
        ("/", "/copy", False),
        ("/d/sub", "/d", True),
        ("/d/sub", "/", True),
    ],
)
def test_directories_within_each_other_are_refused(
    bench: Any, source: str, destination: str, extra: bool
) -> None:
    bench.write({"d/sub/f": "x"})
    before = bench.tree(bench.source)
    with pytest.raises(TransferError, match="destination"):
        bench.transfer(
            (source, destination, True), destination_endpoint="src", delete_destination_extra=extra
        )
    assert bench.tree(bench.source) == before


def test_nesting_is_seen_through_the_roots_of_two_collections(bench: Any, new_bench: Any) -> None:
    inner = new_bench(bench.source / "inner")
    bench.collections["dst"] = inner.collections["dst"]
    bench.write({"f": "x"})
    with pytest.raises(TransferError, match="destination"):
        bench.transfer(("/", "/", True))


def test_temporary_files_of_others_are_neither_copied_nor_removed(bench: Any) -> None:
    other = ".headrace-01234567-0123456789abcdef.part"
    bench.write({"d/f": "x", f"d/{other}": "theirs"})
    bench.write({f"d/{other}": "mine"}, bench.destination)
    bench.transfer(("/d", "/d", True), delete_destination_extra=True)
    assert bench.tree(bench.destination / "d") == {"f": b"x", other: b"mine"}


def test_source_errors_can_be_passed_over(bench: Any) -> None:
    bench.write({"d/a": "a", "d/b": "b", "d/c": "c"})
    real = bench.source / "d/b"

    def vanish() -> bool:
        if (bench.destination / "d/a").exists():
            real.unlink(missing_ok=True)
        return False

    bench.should_stop = vanish
    document = bench.transfer(("/d", "/d", True), ("/none", "/none"), skip_source_errors=True)
    assert bench.tree(bench.destination / "d") == {"a": b"a", "c": b"c"}
    assert document["subtasks_skipped_errors"] == 2
    bench.write({"d/b": "b"})
    (bench.destination / "d/a").unlink()
    with pytest.raises(TransferError) as caught:
        bench.transfer(("/d", "/d", True))
    assert caught.value.code == "ClientError.NotFound"
    assert "'/d/b'" in str(caught.value)


def test_names_are_flushed_where_the_source_cannot_be_read_to_its_end(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write({"d/a": "a", "d/b": "b"})
    real_lstat, real_flush = OpenDirectory.lstat, OpenDirectory.flush
    flushed: list[tuple[int, int]] = []
    top = (bench.source / "d").stat()

    def lstat(self: OpenDirectory, name: str) -> os.stat_result | None:
        if name == "b" and self.identity() == (top.st_dev, top.st_ino):
            raise TransferError("PermissionDenied", "the directory cannot be read any more")
        return real_lstat(self, name)

    def flush(self: OpenDirectory) -> None:
        flushed.append(self.identity())
        real_flush(self)

    monkeypatch.setattr(OpenDirectory, "lstat", lstat)
    monkeypatch.setattr(OpenDirectory, "flush", flush)
    document = bench.transfer(("/d", "/d", True), skip_source_errors=True)
    assert document["subtasks_skipped_errors"] == 1
    status = (bench.destination / "d").stat()
    assert (status.st_dev, status.st_ino) in flushed


NAMES = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda name: name not in (".", "..") and not name.startswith("\ufffd"))
TREES = st.recursive(
    st.binary(max_size=2000),
    lambda children: st.dictionaries(NAMES, children, max_size=4),
    max_leaves=12,
)


def grow(where: Path, tree: Any) -> None:
    if isinstance(tree, bytes):
        where.write_bytes(tree)
        return
    where.mkdir(exist_ok=True)
    for name, below in tree.items():
        grow(where / name, below)


@examples(60)
@given(
    source=st.dictionaries(NAMES, TREES, max_size=5),
    destination=st.dictionaries(NAMES, TREES, max_size=5),
    pattern=st.one_of(st.none(), st.sampled_from(["*a*", "?", "[!a-z]*"])),
)
def test_any_tree_becomes_the_source(
    new_bench: Any, source: Any, destination: Any, pattern: str | None
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        bench = new_bench(Path(directory))
        grow(bench.source, source)
        grow(bench.destination, destination)
        rules = [] if pattern is None else [{"method": "exclude", "name": pattern}]
        if rules:
            bench.destination.rename(bench.base / "old")
            bench.destination.mkdir()
        bench.transfer(delete_destination_extra=True, filter_rules=rules)
        expected = {
            name: data
            for name, data in bench.tree(bench.source).items()
            if pattern is None
            or not any(fnmatch.fnmatchcase(part, pattern) for part in name.split("/"))
        }
        assert bench.tree() == expected
