"""Data runs: event files, hits, trace fits, ROOT files and histograms.

A compute node needs this package alone; it imports nothing of the orchestration. Its parts have
public APIs of their own, so that a program loads only what it uses::

    headrace.datarun.events     event files: index, hits, traces, extensions, writing
    headrace.datarun.extension  what a fit appends to a hit
    headrace.datarun.fit        one pulse and two fitted to every trace of the listed channels
    headrace.datarun.synthetic  runs that were never measured, for demonstrations and tests
    headrace.datarun.convert    event files to ROOT trees and Parquet
    headrace.datarun.analysis   histograms of a run by a user's class, merged over segments
"""

from headrace.datarun.errors import DataRunError, EventFileError

__all__ = ["DataRunError", "EventFileError"]
