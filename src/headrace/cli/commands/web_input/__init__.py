"""``headrace web-input``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("list", "show", "respond"))
def web_input_group() -> None:
    """List, show and answer web inputs.

    A web input is a question that a run asks a person. ID is its id, the beginning of one, or
    `last` for the newest.
    """
