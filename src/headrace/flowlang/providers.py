"""What the known action providers answer, and which of them are no more."""

from __future__ import annotations

from typing import Final

from headrace.flowlang.shapes import ANY, SCALAR, Member, Shape, array, closed

_OPEN = Shape("object")
_RESULTS = closed(result=array(), results=array(closed(task_id=SCALAR, output=ANY)))
_HELLO = Shape(
    "object", {"Hello": Member(SCALAR, True), "hello": Member(SCALAR, False)}, open=False
)
_LISTING = Shape(
    "object",
    {
        "DATA": Member(array(), True),
        "DATA_TYPE": Member(SCALAR, True),
        "path": Member(SCALAR, True),
        "endpoint": Member(SCALAR, True),
    },
)

DETAILS: Final = {
    "https://actions.globus.org/hello_world": _HELLO,
    "https://compute.actions.globus.org": _RESULTS,
    "https://compute.actions.globus.org/fxap": _RESULTS,
    "https://compute.actions.globus.org/v3": _RESULTS,
    "https://transfer.actions.globus.org/delete": _OPEN,
    "https://transfer.actions.globus.org/ls": _LISTING,
    "https://transfer.actions.globus.org/mkdir": _OPEN,
    "https://transfer.actions.globus.org/stat": _OPEN,
    "https://transfer.actions.globus.org/transfer": _OPEN,
}

# Addresses that answer no more, with what has taken their place.
DEPRECATED: Final = {
    "https://actions.globus.org/transfer": "https://transfer.actions.globus.org",
    "https://actions.automate.globus.org/transfer": "https://transfer.actions.globus.org",
    "https://actions.automate.globus.org": "https://actions.globus.org",
    "https://automate.funcx.org": "https://compute.actions.globus.org/v3",
}


def status_document(url: str, failed_too: bool) -> Shape:
    """Returns the shape of what an Action puts at its ResultPath.

    Args:
        url: the provider.
        failed_too: whether the status document of a FAILED action can stand there as well.
    """
    details = ANY if failed_too else DETAILS.get(url.rstrip("/"), ANY)
    names = (
        "action_id status display_status creator_id label manage_by monitor_by release_after "
        "start_time completion_time state_name"
    )
    return closed(details=details, **dict.fromkeys(names.split(), ANY))


def replacement(url: str) -> str | None:
    """Returns what has taken the place of a provider that is no more."""
    for old, new in DEPRECATED.items():
        if url.startswith(old):
            return new
    return None
