"""Submission of an engine's blocks, tried again where it fails for a reason that may pass."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headrace._internal.backoff import backoff_seconds
from headrace._internal.transient_errors import is_transient, mentions_transient_error

from .errors import ComputeError
from .scheduler.slurm.refusals import classify_refusal
from .shell_safe_paths import shell_safe_path
from .task_messages import one_line

log = logging.getLogger(__name__)

_FIRST_RETRY_SECONDS = 1.0
_MAX_RETRY_SECONDS = 60.0


class BlockSubmitter:
    """Stands in the place of a Parsl provider's ``submit``.

    Args:
        submit: the provider's own.
        run_dir: the engine's run directory, where the scripts of the blocks are.
        on_job: called with the id of each batch job.
    """

    def __init__(
        self, submit: Callable[..., Any], run_dir: Path, on_job: Callable[[str], None]
    ) -> None:
        self._submit = submit
        self._run_dir = run_dir
        self._on_job = on_job
        self._closing = threading.Event()
        self.problem = ""
        """The reason in one line why no block can be submitted at present; empty where it can."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Submit a block; wait where that is not possible at present.

        It is Parsl's scaling thread that waits: it has nothing else to do for this engine.

        Raises:
            ComputeError: the endpoint is stopping.
            Exception: the submission failed for a reason that does not pass.
        """
        retries = 0
        while not self._closing.is_set():
            try:
                # The script is named by a link to the run directory, which may be gone.
                shell_safe_path(self._run_dir)
                job = self._submit(*args, **kwargs)
            except Exception as error:
                if not is_transient_submission_error(error):
                    raise
                pause = backoff_seconds(retries, _FIRST_RETRY_SECONDS, _MAX_RETRY_SECONDS)
                self.problem = f"no block can be submitted at present: {one_line(str(error))}"
                log.warning("%s; tried again in %g s", self.problem, pause)
                self._closing.wait(pause)
                retries += 1
                continue
            self.problem = ""
            self._on_job(str(job))
            return job
        raise ComputeError("the endpoint is stopping")

    def close(self) -> None:
        """Submit nothing any more."""
        self._closing.set()


def is_transient_submission_error(error: Exception) -> bool:
    """Return whether a block that was not submitted may be later.

    Args:
        error: raised by a provider of Parsl.
    """
    stderr = str(getattr(error, "stderr", None) or "")
    code = getattr(error, "retcode", None)
    if stderr and isinstance(code, int) and classify_refusal(stderr, code).transient:
        return True
    return is_transient(error) or mentions_transient_error(
        f"{stderr} {getattr(error, 'stdout', '')} {error}"
    )
