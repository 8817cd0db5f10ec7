"""Links that are the item, or lie on the way to it, are followed inside the collection only."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from headrace.facility.transfer import TransferError


def fill(bench: Any) -> None:
    bench.write({"disk/runs/001/data": "hits", "disk/runs/001/more/log": "ok", "f": "x"})


@pytest.mark.parametrize(
    "target", ["disk/runs", "./disk/./runs/", "ABSOLUTE", "../source/disk/runs", "hop/runs"]
)
def test_a_link_on_the_way_is_followed(bench: Any, target: str) -> None:
    fill(bench)
    (bench.source / "hop").symlink_to(bench.source / "disk")
    (bench.source / "incoming").symlink_to(
        target.replace("ABSOLUTE", str(bench.source / "disk/runs"))
    )
    bench.transfer(("/incoming/001/", "/in/001/", True))
    assert bench.tree() == {
        "in": None,
        "in/001": None,
        "in/001/data": b"hits",
        "in/001/more": None,
        "in/001/more/log": b"ok",
    }
    bench.transfer(("/incoming/001/data", "/one"))
    assert bench.tree()["one"] == b"hits"


def test_a_link_that_is_the_item_is_followed(bench: Any) -> None:
    fill(bench)
    (bench.source / "latest").symlink_to("disk/runs/001")
    (bench.source / "file").symlink_to("disk/runs/001/data")
    bench.transfer(("/latest/", "/copy/", True))
    bench.transfer(("/file", "/data"))
    assert bench.tree()["copy/data"] == b"hits"
    assert bench.tree()["data"] == b"hits"
    assert not (bench.destination / "data").is_symlink()


def test_a_collection_whose_root_is_reached_by_a_link(bench: Any) -> None:
    fill(bench)
    (bench.base / "alias").symlink_to(bench.source)
    (bench.source / "incoming").symlink_to(bench.base / "alias/disk/runs")
    bench.transfer(("/incoming/001", "/copy", True))
    assert bench.tree()["copy/data"] == b"hits"


def test_a_destination_behind_a_link(bench: Any) -> None:
    fill(bench)
    bench.write({"scratch/here": None}, bench.destination)
    (bench.destination / "in").symlink_to("scratch/here")
    bench.transfer(("/disk/runs/001/", "/in/001/", True))
    bench.transfer(("/disk/runs/001/", "/in/", True), delete_destination_extra=True)
    assert (bench.destination / "in").is_symlink()
    assert sorted(bench.tree(bench.destination / "scratch/here")) == ["data", "more", "more/log"]


@pytest.mark.parametrize(
    ("source", "destination"),
    [("/out/secret", "/f"), ("/up/outside/secret", "/f"), ("/f", "/out/f"), ("/f", "/hop/out/f")],
)
def test_a_link_that_leads_out_is_refused_in_one_line(
    bench: Any, source: str, destination: str
) -> None:
    bench.write({"f": "x"})
    for root in (bench.source, bench.destination):
        (root / "out").symlink_to("../outside")
        (root / "up").symlink_to("..")
        (root / "hop").symlink_to(".")
    before = bench.tree(bench.outside)
    with pytest.raises(TransferError, match="leads out of the collection") as caught:
        bench.transfer((source, destination))
    assert "\n" not in str(caught.value)
    assert bench.tree(bench.outside) == before


def test_a_directory_does_not_go_into_itself_through_a_link(bench: Any) -> None:
    fill(bench)
    bench.collections["dst"] = bench.collections["src"]
    (bench.source / "alias").symlink_to("disk/runs")
    with pytest.raises(TransferError, match="lies in it"):
        bench.transfer(("/disk", "/alias/copy", True))


def test_a_link_that_turns_back_and_forth_never_leads_out(bench: Any) -> None:
    """Whoever may write in a collection may swap its links at any moment."""
    fill(bench)
    bench.write({"d/secret": "harmless"})
    link, other = bench.source / "link", bench.source / "other"
    link.symlink_to("d")
    stop = threading.Event()

    def swap() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            other.symlink_to(bench.outside if number % 2 else "d")
            other.replace(link)

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen: set[str] = set()
    try:
        for number in range(300):
            try:
                bench.transfer(("/link/secret", f"/{number}"))
                seen.add("copied")
            except TransferError as error:
                seen.add("refused" if "link" in str(error) else str(error))
    finally:
        stop.set()
        swapper.join()
    assert set(bench.tree().values()) <= {b"harmless"}
    assert seen <= {"copied", "refused"}


def test_links_inside_a_tree_are_left_out(bench: Any) -> None:
    fill(bench)
    (bench.source / "disk/inner").symlink_to("runs")
    (bench.source / "alias").symlink_to("disk")
    document = bench.transfer(("/alias/", "/copy/", True))
    assert document["symlinks_ignored"] == 1
    assert not os.path.lexists(Path(bench.destination, "copy/inner"))
