"""Notifications by a shell command of the user."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, TYPE_CHECKING, Final

from headrace.notifications.channels.base import NotificationChannel
from headrace.notifications.notification import Notification

if TYPE_CHECKING:
    from subprocess import Popen

_TIMEOUT_SECONDS: Final = 30.0
_LAST_BYTES: Final = 2_000


class CommandChannel(NotificationChannel):
    """A command with the message on standard input and the subject in ``HEADRACE_SUBJECT``."""

    key = "command"
    description = "Shell command; the message on standard input."

    def send(self, value: str, notification: Notification) -> str:
        """Run the command; what it leaves in the background goes on and is not waited for."""
        import subprocess  # whoever reads `[notify]` tells nobody anything yet

        with _error_file() as errors:
            try:
                process = subprocess.Popen(
                    ["/bin/sh", "-c", value],
                    env={**os.environ, "HEADRACE_SUBJECT": notification.subject},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=errors or subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                return f"notify.command: {error.strerror}"
            try:
                process.communicate(f"{notification.text}\n".encode(), timeout=_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                return f"notify.command: it did not end within {_TIMEOUT_SECONDS:.0f} s"
            finally:
                _end(process)
            if process.returncode == 0:
                return ""
            printed = " ".join(_last_words(errors).split()) or "it said nothing"
            return f"notify.command ended with exit code {process.returncode}: {printed}"


@contextmanager
def _error_file() -> Iterator[IO[bytes] | None]:
    """Give a file for what a command says; None where there is none, as on a full disk."""
    from tempfile import TemporaryFile

    with ExitStack() as stack:
        try:
            file = stack.enter_context(TemporaryFile())
        except OSError:
            file = None
        yield file


def _last_words(errors: IO[bytes] | None) -> str:
    if errors is None:
        return ""
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - _LAST_BYTES))
    return errors.read().decode("utf-8", "replace")


def _end(process: Popen[bytes]) -> None:
    """End a command that has not ended, with all that it has started."""
    if process.poll() is None:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
