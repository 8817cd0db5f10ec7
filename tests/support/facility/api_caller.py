"""Calls of a facility's API without any client of Globus."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from typing import Any

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


class Caller:
    """Calls the facility's API, and keeps the statuses it answers with."""

    def __init__(self, facility: Any) -> None:
        self._address = facility.address
        self.statuses: Counter[int] = Counter()

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"{self._address.url}{path}",
            method=method,
            data=json.dumps(body if body is not None else {}).encode() if method != "GET" else None,
            headers={
                "Authorization": f"Bearer {self._address.token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                status, document = answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            status, document = error.code, json.loads(error.read())
        self.statuses[status] += 1
        return status, document
