"""Columns of the tables of ``headrace data``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.cli.termio.tables import Field

if TYPE_CHECKING:
    from headrace.seismic.measurement.inspection_result import InspectedRecord

RECORD_FIELDS = (
    Field("", key="event"),
    Field("side", lambda record: record.side, key="side"),
    Field("file", lambda record: record.file, key="file"),
    Field("id", lambda record: record.id, key="id"),
    Field("format", lambda record: record.format, key="format"),
    Field("quantity", lambda record: _quantity(record), key="quantity"),
    Field("", key="unit"),
    Field("pieces", lambda record: record.pieces if record.id else "", key="pieces"),
    Field("start", lambda record: record.start.replace("+00:00", "Z"), key="start"),
    Field("length (s)", lambda record: _number(record.seconds), key="seconds"),
    Field("dt (s)", lambda record: _number(record.dt), key="dt"),
    Field("peak", lambda record: "" if record.peak is None else f"{record.peak:.3g}", key="peak"),
    Field("", key="used"),
    Field("used", lambda record: _use(record), key="use"),
)


def _quantity(record: InspectedRecord) -> str:
    quantity = f"{record.quantity} ({record.quantity_from})" if record.quantity else ""
    return ", ".join(word for word in (quantity, record.unit) if word)


def _use(record: InspectedRecord) -> str:
    if record.problems:
        return f"no: problem {', '.join(map(str, record.problems))}"
    return record.use if record.used else f"no: {record.use}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
