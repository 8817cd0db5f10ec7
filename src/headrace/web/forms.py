"""Fields of a form that a browser sent."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

Fields = tuple[tuple[str, str], ...]
"""Names and values in their order."""

_MOST_FIELDS: Final = 2_000


async def read_form(request: Request) -> Fields:
    """Return the fields of a form.

    Args:
        request: the request; its body is short, which the middleware sees to.

    Raises:
        HTTPException: the body is no form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "a form is sent as application/x-www-form-urlencoded")
    body = await request.body()
    try:
        return tuple(
            parse_qsl(
                body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
            )
        )
    except (UnicodeError, ValueError) as error:
        raise HTTPException(400, "the form is not one") from error
