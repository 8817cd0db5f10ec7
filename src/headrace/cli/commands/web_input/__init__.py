"""``headrace web-input``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("list", "show", "respond"))
def web_input_group() -> None:
    """Questions of runs: list, look, answer.

    ID is a web input's id, the beginning of one, or `last`.
    """
