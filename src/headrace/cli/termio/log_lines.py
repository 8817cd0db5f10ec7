"""Lines for what libraries log, as all other messages are shown."""

from __future__ import annotations

import logging

from headrace.cli.termio.terminal import one_line, style, write


def show_logs() -> None:
    """Let warnings that are logged be shown, where nobody else handles them."""
    root = logging.getLogger()
    if not root.handlers:
        handler = _Lines(logging.WARNING)
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        root.addHandler(handler)


class _Lines(logging.Handler):
    """Writes what is logged in lines, without tracebacks."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("globus_sdk.transport"):
            return  # whoever sent the request shows why it failed, once
        record.exc_info = record.exc_text = None
        try:
            write(style(one_line(self.format(record)), dim=True), err=True)
        except OSError:
            return  # nobody reads them any more
