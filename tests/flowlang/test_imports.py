"""Import of the flow language: it needs no client of Globus, and no service of ours."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import json, sys
import headrace.flowlang, headrace.flowlang.runs, headrace.flowlang.drawing
for name in headrace.flowlang.__all__:
    getattr(headrace.flowlang, name)
print(json.dumps(sorted(sys.modules)))
"""


def test_the_flow_language_imports_no_client_of_globus() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=120
    )
    modules = json.loads(done.stdout)
    roots = {name.partition(".")[0] for name in modules}
    assert not roots & {"globus_sdk", "globus_compute_sdk", "globus_compute_endpoint", "parsl"}
    ours = {name.split(".")[1] for name in modules if name.startswith("headrace.")}
    assert ours <= {"_internal", "errors", "flowlang"}
