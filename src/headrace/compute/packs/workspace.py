"""The directory of a member's attempt: what it works on, its record, and what it returns."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..batch.atomic import write_atomic
from ..batch.file_ends import read_end
from ..batch.json_text import json_by_lines
from ..stages.errors import StageError
from ..stages.manifest import Manifest, digest
from .errors import MemberError
from .file_trees import copy_tree, files_below, make_directory
from .member import NEXT, RECORD, RECORDS, STDERR, STDOUT, PackMember
from .member_script import COMMAND_NAME, MEMBER_SCRIPT, SCRIPT_NAME, command_text
from .outcome import MemberOutcome
from .output_patterns import fits, missing_patterns
from .returned_files import Printed, write_returned
from .stale_outputs import remove_stale_outputs

# The input that stands for all that is in the source's directory.
EVERYTHING: Final = "./"
# Names of the inputs, as they were before the command was run.
INPUTS_NAME: Final = "inputs.json"
# A file system that many machines share may show a file so much later than its node had it.
_OUTPUT_SECONDS: Final = 45.0
_MAX_NEXT_BYTES: Final = 60_000
_LISTED: Final = re.compile(r"([0-9]+) (.+)", re.DOTALL)


class MemberWorkspace:
    """The files of one attempt of a member.

    | file | what |
    |---|---|
    | ``work/`` | where the command runs; its inputs are here |
    | ``inputs.json`` | names of its inputs, as they were before the command was run |
    | ``stdout``, ``stderr`` | what it printed, of one that was started here directly |
    | ``outcome.json`` | how the command ended, of one that failed, likewise |
    | ``command.sh``, ``member.sh`` | of a batch job: the command, and the script around it |
    | ``job/``, ``job-2/`` | of a batch job: its complete record, by attempts |
    | ``files`` | what was in ``work/`` when the command ended, as another machine saw it |
    | ``return/`` | outputs, ``member.json``, ``member.out`` and ``member.err``, if not elsewhere |
    | ``members.jsonl`` | the journal of its pack: what those that are done were made from |
    | ``return.done.json`` | of a batch job: what ``return/`` was made from |

    Args:
        path: the directory.
        member: the member.
        flush: whether its scripts have to survive a power cut of this machine: not where that
            ends the command, too.
        returned: directory for what the member returns; ``return/`` by default. In another one its
            files belong to the user: none of them is a file of ``work/``, too.

    Attributes:
        printed_here: whether ``stdout`` and ``stderr`` are of the command that was run now.
        is_new: whether :meth:`make` has made the directory.
        is_prepared: whether everything is ready for its command, which may have run.
    """

    def __init__(
        self, path: Path, member: PackMember, *, flush: bool = True, returned: Path | None = None
    ) -> None:
        self._flush = flush
        self.path = path
        self.member = member
        self.work = path / "work"
        self._stays = returned is None
        self.returned = returned or path / "return"
        self.stdout = f"{path}/stdout"
        self.stderr = f"{path}/stderr"
        self.printed_here = False
        self.is_new = False
        self.is_prepared = False
        self._names: list[str] = []
        self._used = True

    @property
    def script(self) -> Path:
        """The script of its batch job."""
        return self.path / SCRIPT_NAME

    def manifest(self, source: Path | None) -> Manifest:
        """Return the manifest of the member as it is now.

        Args:
            source: directory that its inputs are copied from; None where they are in ``work/``.

        Raises:
            MemberError: an input is missing.
        """
        member, digests = self.member, {}
        place = self._place(source) if member.inputs else self.work
        for name in self._input_names(place):
            try:
                digests[name] = digest(place / name)
            except StageError as error:
                raise MemberError("file system", str(error)) from error
            if not digests[name] and not (place / name).is_file():
                raise MemberError("never started", f"input missing: {member.source}{name}")
        inputs = {
            "command": member.command,
            "environment": dict(member.environment),
            "outputs": [*member.outputs],
            "optional_outputs": [*member.optional_outputs],
            "files": digests,
        }
        return Manifest(self.path / "return.done.json", self.returned, inputs)

    def make(self) -> None:
        """Make the directory, unless it is there.

        Raises:
            OSError: it cannot be made.
        """
        self.is_new = make_directory(str(self.path))

    def write_script(self) -> None:
        """Write the script of the job.

        Raises:
            OSError: it cannot be written.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        write_atomic(self.script, MEMBER_SCRIPT, mode=0o755, flush=self._flush)

    def prepare(self, source: Path | None) -> None:
        """Make the working directory, and copy the inputs where they are on this machine.

        Args:
            source: directory that its inputs are copied from; None where they are in ``work/``.

        Raises:
            OSError: it cannot be written.
        """
        self._used = not make_directory(str(self.work))
        if not self.member.inputs:
            return
        place = self._place(source)
        self._names = self._input_names(place)
        if EVERYTHING in self.member.inputs and place == self.work:
            listed = json.dumps(self._names) + "\n"
            write_atomic(self.path / INPUTS_NAME, listed, mode=0o644, flush=self._flush)
        if source is not None:
            for name in self.member.inputs:
                copy_tree(place / name, self.work / name)

    def write_command(self, text: str) -> Path:
        """Write a command to its file; return the file.

        Raises:
            OSError: it cannot be written.
        """
        path = self.path / COMMAND_NAME
        write_atomic(path, text, mode=0o644, flush=self._flush)
        return path

    def job_command(self, *, resumes: bool) -> str:
        """Return the text of the command of a batch job, which the scheduler may run again.

        Args:
            resumes: whether a further attempt goes on with the files of the one before.
        """
        return command_text(self.member, self._names, resumes=resumes)

    def direct_command(self, *, resumes: bool, again: bool) -> str:
        """Return the text of the command of one attempt that is started here now.

        Args:
            resumes: whether a further attempt goes on with the files of the one before; otherwise
                its outputs are removed.
            again: whether there was one before.

        Raises:
            OSError: an output of an earlier attempt cannot be removed.
        """
        # In a directory that was made just now there is nothing to be removed.
        if not resumes and (again or self._used):
            remove_stale_outputs(self.work, self.member, self._names)
        return command_text(self.member, self._names, resumes=True)

    def read_end(self, name: str, size: int) -> str:
        """Return the end of a file, at most so many bytes; empty where there is none."""
        return read_end(f"{self.path}/{name}", size)

    def _place(self, source: Path | None) -> Path:
        return source / self.member.source.strip("/") if source is not None else self.work

    def _input_names(self, place: Path) -> list[str]:
        """Return the names of the inputs; of a whole directory those of its files.

        Once the command was run, other files are there, too: those that were there before count.
        """
        if EVERYTHING not in self.member.inputs:
            return list(self.member.inputs)
        if place == self.work:
            with contextlib.suppress(OSError, ValueError):
                known = json.loads((self.path / INPUTS_NAME).read_text(encoding="utf-8"))
                if isinstance(known, list):
                    return [name for name in known if isinstance(name, str)]
        found = list(files_below(place))
        if not found:
            raise MemberError("never started", f"input missing: {self.member.source or './'}")
        return found

    def found_outputs(self) -> dict[str, int]:
        """Return the files that were declared and are there, with their sizes.

        Raises:
            MemberError: one that is needed is missing, empty or cut.
        """
        if not (self.member.outputs or self.member.optional_outputs):
            return {}
        listed = files_below(self.work) if self.printed_here else self._listed_files()
        wanted = {path: size for path, size in listed.items() if self._is_output(path)}
        missing = missing_patterns(self.member.outputs, wanted)
        if missing:
            raise MemberError("outputs missing", f"outputs missing: {', '.join(missing[:5])}")
        if self.printed_here:
            return wanted
        end, pause = time.monotonic() + _OUTPUT_SECONDS, 0.2
        while True:
            there = files_below(self.work)
            late = [path for path, size in wanted.items() if there.get(path) != size]
            if not late:
                return wanted
            if time.monotonic() > end:
                raise MemberError(
                    "outputs missing",
                    f"outputs missing: {late[0]} has {there.get(late[0], 'no')} bytes here and "
                    f"{wanted[late[0]]} where it was made",
                )
            time.sleep(pause)
            pause = min(2 * pause, 5.0)

    def present_outputs(self) -> dict[str, int]:
        """Return the files that were declared and happen to be there, of a member that failed."""
        if not (self.member.outputs or self.member.optional_outputs):
            return {}
        there = files_below(self.work)
        return {path: size for path, size in there.items() if self._is_output(path)}

    def read_next(self) -> dict[str, Any] | None:
        """Return what the command wrote to ``next.json``; None where it wrote none.

        Raises:
            MemberError: it holds something else than an object, or too much.
        """
        path = f"{self.work}/{NEXT}"
        try:
            if os.stat(path).st_size > _MAX_NEXT_BYTES:  # noqa: PTH116 - most have none
                message = f"{NEXT}: more than {_MAX_NEXT_BYTES} bytes"
                raise MemberError("error of the program", message)
            found = json.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise MemberError("error of the program", f"{NEXT}: no JSON: {error}") from None
        if not isinstance(found, dict):
            raise MemberError("error of the program", f"{NEXT}: must hold an object")
        return found

    def write_return(
        self, outcome: MemberOutcome, outputs: Mapping[str, int], stdout: str, stderr: str
    ) -> None:
        """Make the directory of what the member returns anew, in one step.

        Args:
            outcome: the member's outcome.
            outputs: the files to be returned.
            stdout: what the command printed.
            stderr: what it wrote to its standard error.

        Raises:
            OSError: it cannot be written.
        """
        member = self.member
        record = {
            "key": member.key,
            "command": member.command,
            "environment": dict(member.environment),
            **outcome.to_dict(),
            "outputs": dict(outputs),
        }
        # Of one that is done it was read.
        wants_next = outcome.next is not None or (not outcome.ok and (self.work / NEXT).is_file())
        files = (self.stdout, self.stderr) if self.printed_here else (None, None)
        write_returned(
            self.returned,
            self.work,
            sorted({*outputs, *([NEXT] if wants_next else [])}),
            json_by_lines(record),
            (Printed(STDOUT, stdout, files[0]), Printed(STDERR, stderr, files[1])),
            links=self._stays,
        )

    def is_returned(self) -> bool:
        """Return whether the results of a member that was done are there."""
        try:
            record = json.loads((self.returned / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return False
        return isinstance(record, dict) and record.get("state") == "done"

    def forget(self) -> None:
        """Forget that the member was done."""
        (self.path / "return.done.json").unlink(missing_ok=True)

    def _is_output(self, path: str) -> bool:
        patterns: Sequence[str] = (*self.member.outputs, *self.member.optional_outputs)
        # A file with the name of one that the member's record has cannot be returned beside it.
        return path not in RECORDS and any(fits(pattern, path) for pattern in patterns)

    def _listed_files(self) -> dict[str, int]:
        """Return the files as the node saw them; as this machine does, where it left no list."""
        try:
            text = (self.path / "files").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return files_below(self.work)
        matches = [_LISTED.fullmatch(line) for line in text.split("\0")]
        return {match[2]: int(match[1]) for match in matches if match is not None}
