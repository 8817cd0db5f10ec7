from __future__ import annotations

import struct
from pathlib import Path

import pytest

from headrace.md.errors import MdError
from headrace.md.xtc import read_frames

BOX = (2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0)


def small_frame(step: int, atoms: int = 2) -> bytes:
    """A frame as GROMACS writes one of up to nine atoms: without compression."""
    head = struct.pack(">iiif9fi", 1995, atoms, step, step * 0.002, *BOX, atoms)
    return head + struct.pack(f">{3 * atoms}f", *range(3 * atoms))


def test_frames_of_few_atoms(tmp_path: Path) -> None:
    path = tmp_path / "small.xtc"
    path.write_bytes(small_frame(0) + small_frame(50))
    size = len(small_frame(0))
    assert [(each.step, each.begin, each.end) for each in read_frames(path)] == [
        (0, 0, size),
        (50, size, 2 * size),
    ]
    assert read_frames(path)[1].time_ps == pytest.approx(0.1)


def test_an_empty_trajectory_has_no_frames(tmp_path: Path) -> None:
    (tmp_path / "empty.xtc").touch()
    assert read_frames(tmp_path / "empty.xtc") == []


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_cut_frame_is_named_by_its_byte(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.xtc"
    content = small_frame(0)
    path.write_bytes(content + content[:-cut])
    with pytest.raises(MdError, match=rf"cut\.xtc: byte {len(content)}: the last frame is cut"):
        read_frames(path)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.xtc"
    path.write_text("not a trajectory, but long enough to be taken for one: " * 3)
    with pytest.raises(MdError, match="no frame of an XTC trajectory begins here"):
        read_frames(path)
    with pytest.raises(MdError, match="No such file"):
        read_frames(tmp_path / "absent.xtc")
