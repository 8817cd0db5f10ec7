"""The way of each member of a pack, and the settings that all have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from ..attempts.array import MemberRun, RepeatedArray
from ..attempts.record import Attempt, total_core_hours
from ..attempts.run import RepeatedJob
from ..attempts.settings import AttemptSettings
from ..batch.cancelling import raise_if_cancelled
from ..batch.directory import JobDirectory
from ..batch.file_ends import read_end
from ..batch.outcome import JobOutcome
from ..batch.run import JobCall, array_task
from ..scheduler import BatchJobError, CompletionStatus
from ..stages.errors import StageError
from ..stages.manifest import Manifest
from .direct_job import DirectJobs
from .errors import MemberError
from .file_trees import copy_tree, remove_temporaries
from .journal import JOURNAL, Journal, read_journal
from .member import PackMember, RefusedMember
from .outcome import MemberOutcome, last_lines, read_facts
from .slots import Slots
from .workspace import MemberWorkspace

_Found = TypeVar("_Found")
_PRINTED_BYTES: Final = 1_000_000
# Directory of an array, in the directory of its first member.
_ARRAY: Final = "array"


@dataclass(frozen=True)
class Pack:
    """Settings that the members of a pack have in common, and the place of each.

    Attributes:
        directory: where their directories are.
        source: where inputs are copied from; None where they are in place.
        results: where members return their outputs to; None where whoever called brings them
            there.
        slots: processors and GPUs of this machine.
        how: ``submit`` or ``here``.
        task: the task.
        limits: of the attempts of each job.
        settings: of each job.
        direct: starts commands here directly; None where each member is a batch job.
        journal: of the members that are done; None likewise.
    """

    directory: Path
    source: Path | None
    results: Path | None
    slots: Slots
    how: str
    task: str
    limits: AttemptSettings
    settings: Mapping[str, Any]
    direct: DirectJobs | None = None
    journal: Journal | None = None

    def run(self, number: int, member: PackMember | RefusedMember) -> MemberOutcome:
        """Run a member as a job, unless it is done; return its outcome whatever happens to it.

        Args:
            number: its place in the order in which members run here.
            member: the member.
        """
        try:
            return self._run(number, member)
        finally:
            self.slots.pass_by(number)

    def _run(self, number: int, member: PackMember | RefusedMember) -> MemberOutcome:
        workspace = self._workspace(member)

        def run() -> MemberOutcome:
            if isinstance(member, RefusedMember):
                raise member.error
            started = self._begin(workspace)
            if isinstance(started, MemberOutcome):
                return started
            if self.direct is not None:
                with self.slots.held(member.cores, member.gpus, number) as devices:
                    job, attempts = self.direct.run(workspace, devices)
                return self._end_directly(workspace, started, job, attempts)
            if self.how == "here":
                with self.slots.held(member.cores, member.gpus, number) as devices:
                    raise_if_cancelled(self.task)
                    job, call, attempts = self._job(workspace, devices).run()
            else:
                job, call, attempts = self._job(workspace, ()).run()
            said = call.directory.last_error_line(call.scheduler.message_prefixes)
            ended = _outcome(job, attempts, said, call.directory)
            printed = [call.directory.read_end(n, _PRINTED_BYTES) for n in ("stdout", "stderr")]
            return self._end(workspace, started, ended, *printed)

        return self._guarded(workspace, run)

    def _end_directly(
        self,
        workspace: MemberWorkspace,
        manifest: Manifest,
        job: JobOutcome,
        attempts: list[Attempt],
    ) -> MemberOutcome:
        assert self.direct is not None  # noqa: S101 - it has run
        said = ""
        if not job.ok:
            directory = JobDirectory(workspace.path)
            said = directory.last_error_line(self.direct.message_prefixes)
            # Of one that is done the manifest says whose the directory is.
            document = {**job.to_dict(), "task": self.task}
            directory.write_json("outcome.json", document, flush=False)
        printed = [workspace.read_end(name, _PRINTED_BYTES) for name in ("stdout", "stderr")]
        return self._end(workspace, manifest, _outcome(job, attempts, said), *printed)

    def run_array(self, members: Sequence[PackMember], at_once: int) -> list[MemberOutcome]:
        """Run members that ask for the same as one job array, those that are not done.

        Args:
            members: the members.
            at_once: how many run at the same time at most.

        Returns:
            Their outcomes.
        """
        spaces = [self._workspace(member) for member in members]
        started = [self._guarded(space, partial(self._begin, space)) for space in spaces]
        open_ = [number for number, found in enumerate(started) if isinstance(found, Manifest)]
        runs: dict[int, MemberRun] = {}
        refusal: BatchJobError | None = None
        if open_:
            try:
                runs = self._array(spaces, at_once, open_)
            except BatchJobError as error:
                raise_if_cancelled(self.task)
                refusal = error

        def end(number: int, manifest: Manifest) -> MemberOutcome:
            if refusal is not None:
                raise MemberError("never started", str(refusal))
            one = runs[number]
            stdout, stderr = (read_end(path, _PRINTED_BYTES) for path in (one.stdout, one.stderr))
            said = (last_lines(stderr) or last_lines(stdout)).rpartition("\n")[2]
            ended = _outcome(one.outcome, one.attempts, said)
            return self._end(spaces[number], manifest, ended, stdout, stderr)

        return [
            self._guarded(spaces[number], partial(end, number, found))
            if isinstance(found, Manifest)
            else found
            for number, found in enumerate(started)
        ]

    def _workspace(self, member: PackMember | RefusedMember) -> MemberWorkspace:
        # Whoever brings results home finds a record of one that is refused, too.
        known = member if isinstance(member, PackMember) else PackMember(member.key, "", "")
        path, flush = self.directory / member.directory, self.how != "here"
        returned = self.results / member.directory if self.results is not None else None
        return MemberWorkspace(path, known, flush=flush, returned=returned)

    def _guarded(
        self, workspace: MemberWorkspace, step: Callable[[], _Found]
    ) -> _Found | MemberOutcome:
        """Return what a step returns; where it fails, the member's outcome, which is recorded."""
        try:
            return step()
        except MemberError as error:
            outcome = MemberOutcome.of_error(error)
        except BatchJobError as error:
            raise_if_cancelled(self.task)
            outcome = MemberOutcome.of_error(MemberError("never started", str(error)))
        except StageError as error:
            outcome = MemberOutcome.of_error(MemberError("file system", str(error)))
        except OSError as error:
            message = f"{error.filename or workspace.path}: {error.strerror}"
            outcome = MemberOutcome.of_error(MemberError("file system", message))
        except UnicodeError as error:
            message = f"its command or environment is no text: {error}"
            outcome = MemberOutcome.of_error(MemberError("error of the program", message))
        # What was returned before is not spoilt by a fault before the command ran again.
        if workspace.is_prepared or not workspace.is_returned():
            self._return(workspace, outcome, {}, "", "")
        return outcome

    def _begin(self, workspace: MemberWorkspace) -> Manifest | MemberOutcome:
        """Prepare a member; return its outcome where it is done already."""
        manifest = workspace.manifest(self.source)
        workspace.make()
        known = self._known_facts(workspace, manifest) if not workspace.is_new else None
        previous = MemberOutcome.from_dict(known) if known is not None else None
        if self.direct is None:
            # An array has the script of its first member, though that is done.
            workspace.write_script()
        if previous is not None:
            return replace(previous, redone=False)
        if not workspace.is_new:
            workspace.forget()
            remove_temporaries(str(workspace.returned))
        workspace.prepare(self.source)
        workspace.is_prepared = True
        if self.direct is None:
            workspace.write_command(workspace.job_command(resumes=self.limits.resumes))
        return manifest

    def _known_facts(
        self, workspace: MemberWorkspace, manifest: Manifest
    ) -> Mapping[str, Any] | None:
        """Return what is known of a member that is done; None where it is not."""
        documents: list[Mapping[str, Any]] = [manifest.read()]
        if self.journal is not None:
            documents += self.journal.get(self._name(workspace), workspace.path)
        else:
            # It may have been run directly before.
            known = read_journal(workspace.path / JOURNAL).get(self._name(workspace))
            documents += [known] if known is not None else []
        for document in documents:
            if (facts := manifest.facts_of(document)) is not None:
                return facts
            # It may have been returned to another place.
            elsewhere = Path(str(document.get("returned") or workspace.path / "return"))
            if elsewhere == workspace.returned:
                continue
            if (facts := replace(manifest, output=elsewhere).facts_of(document)) is not None:
                copy_tree(elsewhere, workspace.returned)
                return facts
        return None

    def _name(self, workspace: MemberWorkspace) -> str:
        return str(workspace.path)[len(str(self.directory)) :].lstrip("/")

    def _end(
        self,
        workspace: MemberWorkspace,
        manifest: Manifest,
        outcome: MemberOutcome,
        stdout: str,
        stderr: str,
    ) -> MemberOutcome:
        """Look for what a member must leave, and make what it returns."""
        outcome = replace(outcome, facts=read_facts(stdout))
        if outcome.ok:
            try:
                outputs = workspace.found_outputs()
                outcome = replace(outcome, next=workspace.read_next())
            except MemberError as error:
                outcome, outputs = outcome.failed_with(error), workspace.present_outputs()
        else:
            outputs = workspace.present_outputs()
        outcome = replace(outcome, files=len(outputs), bytes=sum(outputs.values()))
        if not outcome.ok:
            outcome = replace(outcome, last_lines=last_lines(stderr))
        if not self._return(workspace, outcome, outputs, stdout, stderr):
            refused = MemberError("file system", f"{workspace.returned}: cannot be written")
            return outcome.failed_with(refused)
        if outcome.ok:
            # A member that is not written down as done costs a repetition, not its outcome.
            with suppress(OSError, StageError):
                self._write_down(workspace, manifest, outcome)
        return outcome

    def _write_down(
        self, workspace: MemberWorkspace, manifest: Manifest, outcome: MemberOutcome
    ) -> None:
        """Write down that a member is done.

        Raises:
            OSError: that cannot be written.
            StageError: what it returned cannot be read.
        """
        document = manifest.document(workspace.returned, outcome.to_dict())
        document["returned"] = str(workspace.returned)
        if self.journal is not None:
            self.journal.add(self._name(workspace), workspace.path, document)
        else:
            manifest.write_document(document)

    def _job(self, workspace: MemberWorkspace, devices: tuple[str, ...]) -> RepeatedJob:
        settings = self._settings(workspace, workspace.member)
        if devices:
            visible = {"CUDA_VISIBLE_DEVICES": ",".join(devices)}
            settings["environment"] = {**settings.get("environment", {}), **visible}
        arguments = [str(workspace.path), *(["here"] if self.how == "here" else [])]
        call = JobCall.of(
            str(workspace.script),
            str(workspace.path),
            job="job",
            how=self.how,
            task_id=self.task,
            settings={**settings, "arguments": arguments},
        )
        return RepeatedJob(call, self.limits)

    def _array(
        self, spaces: Sequence[MemberWorkspace], at_once: int, wanted: Sequence[int]
    ) -> dict[int, MemberRun]:
        first = spaces[0]
        array = array_task(
            str(first.script),
            str(first.path),
            at_once=at_once,
            job=_ARRAY,
            task=self.task,
            settings=self._settings(first, first.member, self.directory),
        )
        arguments = [[str(workspace.path)] for workspace in spaces]
        return RepeatedArray(array, self.limits).run(arguments, wanted)

    def _settings(
        self, workspace: MemberWorkspace, member: PackMember, bound: Path | None = None
    ) -> dict[str, Any]:
        settings = {"name": f"headrace-{_one_word(member.key)}", **self.settings, **member.job}
        if settings.get("container"):
            place = str(bound or workspace.path)
            settings["binds"] = {place: place, **settings.get("binds", {})}
        return settings

    def _return(
        self,
        workspace: MemberWorkspace,
        outcome: MemberOutcome,
        outputs: Mapping[str, int],
        stdout: str,
        stderr: str,
    ) -> bool:
        """Write what a member returns; whether that could be done."""
        try:
            workspace.write_return(outcome, outputs, stdout, stderr)
        except OSError:
            return False
        return True


def _outcome(
    job: JobOutcome, attempts: list[Attempt], said: str, directory: JobDirectory | None = None
) -> MemberOutcome:
    """Return what is known of a member from its job alone.

    Args:
        job: the last job's outcome.
        attempts: all attempts.
        said: the last line that it wrote.
        directory: the job's directory; None of a member of an array.
    """
    cause = category = ""
    if not job.ok:
        category = attempts[-1].cause or "error of the program"
        cause = job.description
        if job.status in (CompletionStatus.FAILED, CompletionStatus.OUT_OF_MEMORY):
            cause += f": {said or 'it said nothing'}"
    host = directory.read_json("host.json").get("host", "") if directory is not None else ""
    return MemberOutcome(
        "done" if job.ok else "failed",
        cause[:1000],
        category,
        core_hours=total_core_hours(attempts),
        host=job.nodes or str(host),
        job_id=job.job_id,
        attempts=len(attempts),
    )


def _one_word(key: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in key)[:60]
