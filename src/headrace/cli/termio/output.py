"""Output of tasks and jobs, as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from headrace.cli.termio.terminal import one_line, style, write

if TYPE_CHECKING:
    from headrace.runs.job_output import OutputPart, Stream


def output_text(parts: Sequence[OutputPart]) -> str:
    """Return what tasks and jobs printed, each stream below a line that names it."""
    blocks = [block for part in parts for block in _blocks(part)]
    return "\n".join(blocks) or "Nothing was printed, or nothing of it is kept."


class OutputPrinter:
    """Prints what grows, and names the stream whenever it is another one.

    Args:
        lines: how many lines of the end of each are shown at first.
    """

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._shown: dict[tuple[str, str, str], int] = {}
        self._last: tuple[str, str, str] | None = None

    def show(self, part: OutputPart) -> None:
        """Print what is new of a task or a job."""
        for name, stream in (("stdout", part.stdout), ("stderr", part.stderr)):
            self._grow(part, name, stream)
        for name, text in (("traceback", part.traceback), ("note", part.note)):
            key = (part.task_id, part.job, name)
            if text and key not in self._shown:
                self._shown[key] = len(text)
                self._print(part, key, text)

    def _grow(self, part: OutputPart, name: str, stream: Stream) -> None:
        key = (part.task_id, part.job, name)
        before = self._shown.get(key)
        if stream.size == (before or 0):
            return
        self._shown[key] = stream.size
        if before is None:
            text = "".join(stream.text.splitlines(keepends=True)[-self._lines :])
        else:
            # A stream that became shorter was started anew.
            fresh = stream.size - before if stream.size > before else stream.size
            text = stream.text.encode()[-fresh:].decode("utf-8", "replace")
        self._print(part, key, text)

    def _print(self, part: OutputPart, key: tuple[str, str, str], text: str) -> None:
        if key != self._last:
            write(_heading(part, key[2]))
            self._last = key
        write(text.removesuffix("\n"))


def _blocks(part: OutputPart) -> Iterator[str]:
    for name, text, more in (
        ("stdout", part.stdout.text, _left_out(part.stdout)),
        ("stderr", part.stderr.text, _left_out(part.stderr)),
        ("traceback", part.traceback, ""),
        ("note", part.note, ""),
    ):
        if text:
            yield f"{_heading(part, name, more)}\n{text.rstrip()}"


def _left_out(stream: Stream) -> str:
    """Return how much of a stream is shown, where that is not all of it."""
    from headrace.runs.describe import format_size

    lines = len(stream.text.splitlines())
    what = f"{lines} lines" if lines != 1 else "line"
    of = f"the last {what} of {format_size(stream.size)}; more with --tail LINES"
    return f" ({of})" if stream.truncated else ""


def _heading(part: OutputPart, name: str, more: str = "") -> str:
    where = f"job {part.job}" if part.job else f"task {part.task_id} at {part.endpoint}"
    return style(f"==> {one_line(f'{part.state}: {name} of {where}{more}')} <==", bold=True)
