"""Tables in JSON and YAML: a list of objects, one for each member."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from headrace._internal.yaml_aliases import check_aliases
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.members.rows import RowTable, columns_of_records, rows_of_records

_LISTS: Final = ("members", "member")
"""Names under which the list may stand in an object."""

_TOO_DEEP: Final = "nested too deep"


def open_json(path: Path) -> RowTable:
    """Read a table in JSON: a list of objects, or an object whose ``members`` is one.

    Raises:
        CampaignError: the file cannot be read, is not JSON, or holds no such list.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_object)
    except OSError as error:
        raise CampaignError(f"{path}: cannot read the table: {error.strerror}") from error
    except RecursionError as error:
        raise CampaignError(f"{path}: not valid JSON: {_TOO_DEEP}") from error
    except ValueError as error:
        raise CampaignError(f"{path}: not valid JSON: {error}") from error
    records = _list_in(path, values)
    places = (f"member {number}" for number in range(1, len(records) + 1))
    columns = columns_of_records(records)
    return RowTable(str(path), columns, rows_of_records(zip(places, records, strict=True), columns))


def open_yaml(path: Path) -> RowTable:
    """Read a table in YAML: a list of mappings, or a mapping whose ``members`` is one.

    Raises:
        CampaignError: PyYAML is not installed, the file cannot be read, is not YAML, or holds no
            such list.
    """
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise CampaignError(
            f"{path}: tables in YAML need PyYAML, which is not installed: "
            "`pip install 'headrace[tables]'`, or write it as CSV, TOML or JSON"
        ) from error
    # The loader in C reads ten times as fast, and is not built everywhere.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = _yaml_lines(yaml.compose(file, Loader=loader))
            file.seek(0)
            values = yaml.load(file, Loader=loader)  # noqa: S506 - a safe loader
            check_aliases(values)
    except OSError as error:
        raise CampaignError(f"{path}: cannot read the table: {error.strerror}") from error
    except RecursionError as error:
        raise CampaignError(f"{path}: not valid YAML: {_TOO_DEEP}") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise CampaignError(f"{path}: not valid YAML: {reason}") from error
    records = _list_in(path, values)
    places = [f"line {line}" for line in lines]
    if len(places) != len(records):
        places = [f"member {number}" for number in range(1, len(records) + 1)]
    columns = columns_of_records(records)
    return RowTable(str(path), columns, rows_of_records(zip(places, records, strict=True), columns))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has {twice!r} twice")
    return found


def _list_in(path: Path, values: Any) -> list[Any]:
    if isinstance(values, dict):
        for name in _LISTS:
            if isinstance(values.get(name), list):
                return list(values[name])
    if isinstance(values, list):
        return values
    raise CampaignError(
        f"{path}: holds no list of members: write a list of objects, or an object with `members`"
    )


def _yaml_lines(root: Any) -> Iterator[int]:
    """Return the lines, counted from 1, at which the list's items begin."""
    pairs = getattr(root, "value", None)
    if isinstance(pairs, list) and pairs and isinstance(pairs[0], tuple):
        for key, value in pairs:
            if getattr(key, "value", None) in _LISTS:
                pairs = getattr(value, "value", None)
                break
    items = pairs if isinstance(pairs, list) else []
    return iter([one.start_mark.line + 1 for one in items if hasattr(one, "start_mark")])
