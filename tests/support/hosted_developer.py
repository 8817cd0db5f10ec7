"""A developer who uses the hosted services' interfaces at a facility."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from headrace.facility import find_address

FLOW = {
    "StartAt": "Say",
    "States": {
        "Say": {
            "Type": "Action",
            "ActionUrl": "https://actions.globus.org/hello_world",
            "Parameters": {"echo_string.$": "$.word"},
            "ResultPath": "$.said",
            "End": True,
        }
    },
}


SCHEMA = {
    "type": "object",
    "required": ["word"],
    "properties": {"word": {"type": "string"}},
    "additionalProperties": False,
}


class Developer:
    """A clone of a project, deployed to a service that is a facility elsewhere."""

    def __init__(self, root: Path, service: Path, home: Path) -> None:
        self.root = root
        address = find_address(service)
        assert address is not None
        self.token = address.token
        client = json.loads((service / ".headrace/compute_client.json").read_text())
        self.secret = client["client_secret"]
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("GLOBUS", "HEADRACE_"))},
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "GLOBUS_CLIENT_ID": client["client_id"],
            "GLOBUS_CLIENT_SECRET": self.secret,
            **{
                f"GLOBUS_SDK_SERVICE_URL_{name}": f"{address.url}/"
                for name in ("AUTH", "FLOWS", "COMPUTE", "TRANSFER")
            },
            "HEADRACE_AT": "globus",
        }

    def __call__(self, *arguments: str, code: int = 0, **more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "headrace.cli", *arguments],
            cwd=self.root,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def document(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "-F", "json"))
