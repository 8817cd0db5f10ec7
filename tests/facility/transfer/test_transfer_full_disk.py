"""A full disk, on a small one made for the purpose."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.facility.transfer import Collection, TransferError


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a tmpfs")
    disk = tmp_path / "small disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a tmpfs is not permitted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_one_clear_line_and_leaves_nothing_in_part(
    bench: Any, small_disk: Path
) -> None:
    big = b"b" * (3 << 20)
    bench.write({"d/a": "small", "d/big": big})
    bench.collections["dst"] = Collection("dst", "hpc", small_disk)
    (small_disk / "d").mkdir()
    (small_disk / "d/big").write_text("old")
    source = bench.tree(bench.source)
    with pytest.raises(TransferError) as caught:
        bench.transfer(("/d", "/d", True), task="t")
    message = str(caught.value)
    assert caught.value.code == "EndpointError.NoSpace"
    assert "\n" not in message
    for word in ("'hpc'", "'/d/big'", str(len(big))):
        assert word in message
    assert bench.tree(small_disk) == {"d": None, "d/a": b"small", "d/big": b"old"}
    assert bench.tree(bench.source) == source
    assert bench.documents[-1]["status"] == "FAILED"
    assert bench.documents[-1]["fatal_error"]["code"] == "EndpointError.NoSpace"
    (bench.source / "d/big").write_bytes(b"b" * 1000)
    bench.transfer(("/d", "/d", True), task="t")
    assert bench.tree(small_disk) == bench.tree(bench.source)


@pytest.mark.parametrize("problem", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_quota_and_a_disk_that_notices_late(
    bench: Any, monkeypatch: pytest.MonkeyPatch, problem: int, call: str
) -> None:
    bench.write({"f": b"x" * 5000})
    real = getattr(os, call)

    def fail(fd: int, *arguments: Any) -> Any:
        if "source" not in str(Path(f"/proc/self/fd/{fd}").readlink()):
            raise OSError(problem, os.strerror(problem))
        return real(fd, *arguments)

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(TransferError) as caught:
        bench.transfer(("/f", "/f"))
    assert caught.value.code == "EndpointError.NoSpace"
    assert "5000" in str(caught.value)
    assert bench.tree() == {}


def test_a_disk_with_errors(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write({"f": b"x" * 5000})

    def fail(*_: Any) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "readv", fail)
    with pytest.raises(TransferError, match="check the disk") as caught:
        bench.transfer(("/f", "/f"))
    assert caught.value.code == "EndpointError"
    assert "'workstation'" in str(caught.value)
    assert bench.tree() == {}
