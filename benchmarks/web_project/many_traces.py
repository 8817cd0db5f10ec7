"""A data run of many traces whose pages are measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[2]))  # fits as those of a fit are in tests/support

from headrace.datarun.synthetic import SyntheticRun, write_run
from tests.support.datarun.fitted_segments import fitted_segment

NAME: Final = "run0001"
SEGMENTS: Final = 8
_HITS_OF_EVENT: Final = 2.5
_SAMPLES: Final = 100


class ManyTraces:
    """A data run that was processed: segments in a project's ``data``, fits in its ``scratch``.

    Args:
        root: the project.
        traces: how many, about.
    """

    def __init__(self, root: Path, traces: int) -> None:
        events = round(traces / _HITS_OF_EVENT / SEGMENTS)
        shape = {"channels": 16, "hits": _HITS_OF_EVENT, "samples": _SAMPLES}
        run = SyntheticRun(run=1, segments=SEGMENTS, events=events, **shape)
        staging = root / "scratch" / "data_run" / NAME
        for folder in ("raw", "fitted"):
            (staging / folder).mkdir(parents=True)
        for source in write_run(root / "data" / "runs", run):
            (staging / "raw" / source.name).hardlink_to(source)
            target = staging / "fitted" / f"{source.stem}-fitted.evt"
            fitted_segment(source, target)
            facts = {"seconds": 2.0, "fit_seconds": 1.5, "hits": traces // SEGMENTS}
            record = target.with_name(f"{target.name}.done.json")
            record.write_text(json.dumps({"facts": facts, "inputs": {}, "output": "x"}))
