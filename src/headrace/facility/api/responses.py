"""Answers as JSON that every reader can read, whatever an older release has stored."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.responses import JSONResponse as _JSONResponse

from headrace._internal.json_check import escaped

# Made once: json.dumps makes a new encoder at every call that says how it wants things written.
_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class JSONResponse(_JSONResponse):
    """An answer in JSON; what JSON cannot say is served escaped."""

    def render(self, content: Any) -> bytes:
        """Write the content as strict JSON in UTF-8."""
        try:
            return _strict(content)
        except (ValueError, RecursionError):
            return _strict(escaped(content))


def _strict(content: Any) -> bytes:
    return _encode(content).encode("utf-8")
