"""The same data give the same bytes, whenever and wherever they are written."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.datarun.analysis import analyze_run
from headrace.datarun.convert import convert
from tests.support.datarun.fitted_segments import fitted_segment


class Later(datetime):
    """A clock that is some years ahead."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime.now(tz) + timedelta(days=1000)


def digests(place: Path) -> dict[str, str]:
    return {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }


def test_the_hour_and_the_place_leave_no_trace(
    segments: tuple[Path, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    for attempt in ("first", "second"):
        place = tmp_path / attempt
        place.mkdir()
        for path in segments:
            fitted = fitted_segment(path, place / f"{path.stem}-fitted.evt")
            convert(fitted, place / f"{path.stem}.root", parquet=place / f"{path.stem}.parquet")
        analyze_run([place], place / "analyzed")
        found.append(digests(place))
        for module in ("_cascade", "_cascadetree"):
            clock = type("clock", (), {"datetime": Later})
            monkeypatch.setattr(f"uproot.writing.{module}.datetime", clock)
    first, second = found
    assert first == second
    names = {Path(name).suffix for name in first}
    assert names == {".evt", ".root", ".parquet", ".json", ".png"}
    assert not [name for name in first if Path(name).name.startswith(".")]
