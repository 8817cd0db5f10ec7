"""Event files to ROOT trees and Parquet tables."""

from headrace.datarun.convert.columns import EventColumns, event_columns
from headrace.datarun.convert.converter import ConvertOptions, ConvertSummary, convert, run_facts

__all__ = [
    "ConvertOptions",
    "ConvertSummary",
    "EventColumns",
    "convert",
    "event_columns",
    "run_facts",
]
