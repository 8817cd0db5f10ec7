"""Resources that a job asks for."""

from __future__ import annotations

import pytest

from headrace.compute.scheduler import walltime_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 5400.0),
        ("07:30", 450.0),
        ("01:00:00", 3600.0),
        ("2-12", 216_000.0),
        ("1-00:30", 88_200.0),
        ("1-01:00:01", 90_001.0),
        ("UNLIMITED", float("inf")),
        ("soon", None),
        ("1:2:3:4", None),
    ],
)
def test_time_limits(text: str, seconds: float | None) -> None:
    assert walltime_seconds(text) == seconds
