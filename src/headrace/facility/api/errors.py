"""Errors in the shape of the Flows service."""

from __future__ import annotations

import uuid
from typing import Any

from headrace._internal.json_check import InvalidValue
from headrace.facility.api.responses import JSONResponse


class APIError(Exception):
    """A request that is answered with an error.

    Attributes:
        status: HTTP status.
        code: such as ``NOT_FOUND``.
        detail: a text, or a list of ``{"loc", "msg", "type"}``.
        message: one line for all of ``detail``.
    """

    def __init__(self, status: int, code: str, detail: Any, message: str | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.message = message

    @property
    def line(self) -> str:
        """The error in one line."""
        return self.message or str(self.detail)

    def response(self, *, flat: bool = False) -> JSONResponse:
        """Return the error in the services' format.

        Args:
            flat: whether code and message stand outside too, where the Compute SDK reads them.
        """
        error: dict[str, Any] = {"code": self.code, "detail": self.detail}
        if self.message:
            error["message"] = self.message
        body = {"error": error, "debug_id": str(uuid.uuid4())}
        if flat:
            body = {"code": self.code, "message": self.line, "reason": self.line, **body}
        return JSONResponse(body, self.status)


def unprocessable(entries: list[dict[str, Any]]) -> APIError:
    """Return the error for a request whose members are wrong."""
    where = ".".join(["$", *(str(item) for item in entries[0]["loc"])])
    count = f"{len(entries)} validation error{'s' if len(entries) > 1 else ''} in body."
    return APIError(422, "UNPROCESSABLE_ENTITY", entries, f"{count} {where}: {entries[0]['msg']}")


def invalid_value(error: InvalidValue) -> APIError:
    """Return the error for an invalid value, with its path."""
    if not error.path:
        return APIError(400, "BAD_REQUEST", str(error))
    entry = {"loc": list(error.path), "msg": error.problem, "type": "value_error"}
    return APIError(422, "UNPROCESSABLE_ENTITY", [entry], f"1 validation error in body. {error}")
