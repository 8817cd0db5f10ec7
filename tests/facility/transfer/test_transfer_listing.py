"""ls, stat, mkdir and delete."""

from __future__ import annotations

import os
from typing import Any

import pytest

from headrace.facility.transfer import TransferError


def names(document: dict[str, Any]) -> list[str]:
    return [entry["name"] for entry in document["DATA"]]


@pytest.fixture
def filled(bench: Any) -> Any:
    bench.write(
        {"b.txt": "22", "a.txt": "333", "c.log": "1", "z/x": "", ".hid": ""}, bench.destination
    )
    for position, name in enumerate(("a.txt", "b.txt", "c.log")):
        os.utime(bench.destination / name, (1_700_000_000 + position,) * 2)
    return bench


def test_a_listing_has_the_services_shape(filled: Any) -> None:
    document = filled.ls("/~/")
    assert document["DATA_TYPE"] == "file_list"
    assert document["path"] == "/"
    assert document["endpoint"] == "dst"
    assert (document["length"], document["total"]) == (5, 5)
    assert names(document) == ["z", ".hid", "a.txt", "b.txt", "c.log"]
    entry = document["DATA"][2]
    assert entry["DATA_TYPE"] == "file"
    assert (entry["type"], entry["size"]) == ("file", 3)
    assert entry["last_modified"] == "2023-11-14 22:13:20+00:00"
    assert entry["permissions"] == "0644"
    assert entry["link_target"] is None
    assert filled.ls("z")["path"] == "/z/"
    assert filled.ls() == document


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"limit": 2}, ["z", ".hid"]),
        ({"limit": 2, "offset": 3}, ["b.txt", "c.log"]),
        ({"offset": 9}, []),
        ({"orderby": "name", "show_hidden": False}, ["a.txt", "b.txt", "c.log", "z"]),
        ({"orderby": "size DESC,name", "filter": "type:file"}, ["a.txt", "b.txt", "c.log", ".hid"]),
        ({"orderby": ["last_modified"], "filter": "name:~?.*"}, ["a.txt", "b.txt", "c.log"]),
        ({"filter": "name:~*.txt"}, ["a.txt", "b.txt"]),
        ({"filter": "name:!~*.txt/type:file"}, [".hid", "c.log"]),
        ({"filter": "name:a.txt,z"}, ["z", "a.txt"]),
        ({"filter": "size:>=2/type:file"}, ["a.txt", "b.txt"]),
        (
            {"filter": "last_modified:<2023-11-14 22:13:22/last_modified:>2023-11-14T22:13:20"},
            ["b.txt"],
        ),
    ],
)
def test_pages_orders_and_filters(
    filled: Any, options: dict[str, Any], expected: list[str]
) -> None:
    assert names(filled.ls("/", **options)) == expected


@pytest.mark.parametrize(
    "options",
    [
        {"limit": -1},
        {"limit": "2"},
        {"offset": True},
        {"orderby": "colour"},
        {"orderby": "name UP"},
        {"filter": "name"},
        {"filter": "colour:red"},
        {"filter": "size:>large"},
        {"filter": "last_modified:<yesterday"},
    ],
)
def test_listings_of_another_form(filled: Any, options: dict[str, Any]) -> None:
    with pytest.raises(TransferError) as caught:
        filled.ls("/", **options)
    assert caught.value.code == "ClientError.BadRequest"
    assert next(iter(options)) in str(caught.value)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/none", "ClientError.NotFound"),
        ("/a.txt", "ExternalError.DirListingFailed.NotDirectory"),
        ("/link", "PermissionDenied"),
        ("/circle", "PermissionDenied"),
    ],
)
def test_what_cannot_be_listed(filled: Any, path: str, code: str) -> None:
    (filled.destination / "link").symlink_to(filled.outside)
    (filled.destination / "circle").symlink_to("circle")
    with pytest.raises(TransferError) as caught:
        filled.ls(path)
    assert caught.value.code == code


def test_stat(filled: Any) -> None:
    (filled.destination / "link").symlink_to("/etc")
    os.mkfifo(filled.destination / "pipe")
    assert filled.stat("/a.txt")["size"] == 3
    assert filled.stat("/z/")["type"] == "dir"
    assert filled.stat("/")["type"] == "dir"
    assert filled.stat("/pipe")["type"] == "pipe"
    assert filled.stat("/link")["link_target"] == "/etc"
    for path in ("/none", "/none/x"):
        with pytest.raises(TransferError) as caught:
            filled.stat(path)
        assert caught.value.code == "ClientError.NotFound"


def test_a_link_is_told_as_what_it_leads_to(filled: Any) -> None:
    (filled.destination / "inside").symlink_to("z")
    (filled.destination / "text").symlink_to(filled.destination / "a.txt")
    (filled.destination / "away").symlink_to(filled.outside / "secret")
    (filled.destination / "nowhere").symlink_to("nothing")
    told = {entry["name"]: entry for entry in filled.ls("/")["DATA"]}
    assert told["inside"]["type"] == "dir"
    assert (told["text"]["type"], told["text"]["size"]) == ("file", 3)
    assert told["text"]["link_target"] == str(filled.destination / "a.txt")
    for name in ("away", "nowhere"):
        assert told[name]["type"] == "invalid_symlink"
    assert told["away"]["size"] != len("secret") or told["away"]["link_size"] == len("secret")
    assert [entry["name"] for entry in filled.ls("/inside")["DATA"]] == [
        entry["name"] for entry in filled.ls("/z")["DATA"]
    ]


def test_mkdir(bench: Any) -> None:
    assert bench.mkdir("/a")["code"] == "DirectoryCreated"
    assert bench.mkdir("/a/b/")["DATA_TYPE"] == "mkdir_result"
    assert bench.tree() == {"a": None, "a/b": None}
    for path, code in {
        "/a": "ExternalError.MkdirFailed.Exists",
        "/": "ExternalError.MkdirFailed.Exists",
        "/x/y": "ClientError.NotFound",
    }.items():
        with pytest.raises(TransferError) as caught:
            bench.mkdir(path)
        assert caught.value.code == code


def test_delete(filled: Any) -> None:
    filled.write({"d/e/f": "x", "d/g": "y"}, filled.destination)
    (filled.destination / "d/link").symlink_to(filled.outside)
    with pytest.raises(TransferError) as caught:
        filled.delete("/d")
    assert caught.value.code == "ClientError.IsDirectory"
    document = filled.delete("/d", "/a.txt", recursive=True, label="tidy")
    assert (document["type"], document["status"]) == ("DELETE", "SUCCEEDED")
    assert (document["files"], document["directories"]) == (4, 2)
    assert document["label"] == "tidy"
    assert sorted(filled.tree()) == [".hid", "b.txt", "c.log", "z", "z/x"]
    assert (filled.outside / "secret").read_text() == "secret"


def test_deleting_what_is_not_there(filled: Any) -> None:
    for path in ("/none", "/none/x"):
        with pytest.raises(TransferError) as caught:
            filled.delete(path)
        assert caught.value.code == "ClientError.NotFound"
        filled.delete(path, ignore_missing=True)
        filled.delete(path, resumed=True)


def test_deleting_a_link_leaves_what_it_points_to(bench: Any) -> None:
    (bench.destination / "link").symlink_to(bench.outside)
    bench.delete("/link", recursive=True)
    assert bench.tree() == {}
    assert bench.tree(bench.outside) == {"secret": b"secret"}


def test_a_delete_can_be_stopped(bench: Any) -> None:
    bench.write({f"d/{n}": "" for n in range(20)}, bench.destination)
    asked = iter(range(100))
    bench.should_stop = lambda: next(asked) > 5
    with pytest.raises(TransferError) as caught:
        bench.delete("/d", recursive=True)
    assert caught.value.code == "Canceled"
    assert 0 < len(bench.tree()) < 20
