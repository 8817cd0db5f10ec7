"""Action provider that brings data sets back from a tape library, by a directory of requests."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from headrace.action_providers import ACTIVE, FAILED, SUCCEEDED, ActionProvider, ActionStatus


class TapeRecallProvider(ActionProvider):
    """Writes a request; the site's robot reads it, and writes an answer beside it."""

    url = "https://actions.example.org/tape/recall"
    title = "Tape recall"
    input_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            "data_set": {"type": "string", "minLength": 1},
            "copies": {"type": "integer", "minimum": 1},
        },
        "required": ["data_set"],
        "additionalProperties": False,
    }
    result_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {"path": {"type": "string"}, "bytes": {"type": "integer"}},
        "required": ["path", "bytes"],
        "additionalProperties": False,
    }
    takes_long = True
    poll_seconds = 0.1

    def run(self, action_id: str, body: dict[str, Any]) -> ActionStatus:
        request = self.directory / f"{action_id}.request"
        if not request.exists():  # after a restart it may be there
            unfinished = request.with_suffix(".tmp")
            unfinished.write_text(json.dumps(body))
            unfinished.rename(request)
        return self.status(action_id)

    def status(self, action_id: str) -> ActionStatus:
        answer = self.directory / f"{action_id}.answer"
        if not answer.exists():
            return ActionStatus(ACTIVE, {"description": "waiting for the tape robot"})
        details = json.loads(answer.read_text())
        if "error" in details:
            return ActionStatus(FAILED, {"code": "NotOnTape", "description": details["error"]})
        return ActionStatus(SUCCEEDED, details)

    def cancel(self, action_id: str) -> None:
        (self.directory / f"{action_id}.request").unlink(missing_ok=True)

    def release(self, action_id: str) -> None:
        for suffix in ("request", "answer"):
            (self.directory / f"{action_id}.{suffix}").unlink(missing_ok=True)

    @classmethod
    def example_result(cls, body: dict[str, Any]) -> dict[str, Any]:
        return {"path": f"/recalled/{body['data_set']}/", "bytes": 1_000_000}
