"""Modules whose tests need a package are skipped without it, and import it only in their tests."""

from __future__ import annotations

import sys

import pytest

from tests.support.optional_packages import skip_without


def test_a_module_is_skipped_where_its_package_is_missing() -> None:
    with pytest.raises(pytest.skip.Exception, match="needs the extra `inversion`"):
        skip_without("no_such_package", "inversion")


def test_a_package_that_is_there_is_not_imported(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path_factory.mktemp("packages")
    (place / "heavy_to_import.py").write_text("")
    monkeypatch.syspath_prepend(place)
    skip_without("heavy_to_import", "inversion")
    assert "heavy_to_import" not in sys.modules
