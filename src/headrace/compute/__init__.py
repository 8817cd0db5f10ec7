"""Compute functions and endpoints: tasks run on a cluster, under processes of this machine.

A task is one call of a registered function. An `EndpointHost` takes it and runs a child process,
the host; the host's engines submit blocks (batch jobs of workers) and send the task to a worker.
Beside each worker runs a guard. A function may submit batch jobs of its own (`batch`), or
resumable stages (`stages`).

Promises:

* The last event of a task (``done`` or ``failed``) comes once. A task whose host dies is sent to
  the next one, so a task may run more than once.
* A cancelled task ends at once. Its batch jobs are cancelled, also by the next process where this
  one dies before, and a worker that still runs it after a grace time is ended.
* A change of an endpoint's configuration is in use from the next task on; tasks that run keep the
  one that they started with.
* Processes and batch jobs do not outlive their host: `reap` ends all that a killed one started.
  A process is sent a signal only when the host's id is in its environment or in an ancestor's.
* A fault that may pass (a full disk, a scheduler that does not answer) delays a task and does not
  fail it; `EndpointHost.pending_reason` gives the reason in one line.
* What crosses machines is text: functions as Python source, arguments and results as JSON, or as a
  client of the service serialised them, and then they are not read here.

Invariants:

* A host is recorded on disk (`process_records`) before it is started, and a task is claimed by a
  file (`running_tasks`) before its function is called.
* `batch`, `scheduler` and `stages` are sent as source text to machines without headrace, and
  `task_runner` and `task_guard` run on such machines: standard library and relative imports only.
* The packages of the Compute endpoint are imported in the host process only, when they are needed.

Modules:

==================================================  =============================================
`models`, `errors`                                  values and errors that cross the package
`functions`, `signatures`, `wire_text`              functions: checked, described, as sent text
`bundling`, `bundle_importer`                       packages of ours within a function's text
`templates`, `template_rendering`, `configuration`  an endpoint's template, options and digest
`endpoint`, `host_supervisor`                       an endpoint's host, and its process
`host_process`, `host`                              both ends of the host process
`engine_host`, `engine_pool`, `engine_monitor`      in the host: tasks, engines, their condition
`engine`, `block_submission`, `idle_blocks`,        one engine, and the blocks it submits
`block_scaling`                                     and gives back
`parsl_programs`                                    Parsl's programs, without what they never use
`provider_blocks`, `shell_safe_paths`               blocks in a queue; paths their scripts can hold
`task_messages`, `task_runner`, `task_guard`        a task as sent, in its worker, its guard
`running_tasks`, `task_output`                      claims and output of tasks
`job_reader`                                        output of a task's batch jobs, where they ran
`cancelling`, `processes`, `process_records`,       cancelled tasks; processes found and ended;
`reaping`                                           what remains of a host
`versions`                                          versions of an endpoint and its workers
`managed_endpoints`                                 endpoints of `globus-compute-endpoint`
`batch`, `scheduler`, `stages`                      batch jobs, the schedulers, resumable stages
==================================================  =============================================

Other packages import the names in ``__all__``, the modules in `PUBLIC_MODULES`, and the packages
within this one; no other module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from .cancelling import Cancellations
    from .configuration import ConfigurationReader
    from .endpoint import EndpointHost
    from .errors import ComputeError
    from .functions import Function, find_functions, function_names, scan_functions
    from .models import EndpointSpec, TaskEvent, TaskSpec
    from .reaping import reap
    from .task_output import TaskOutput, read_task_output
    from .templates import check_options
    from .versions import own_versions

PUBLIC_MODULES = frozenset(
    {
        "job_reader",
        "result_cleaner",
        "scratch_cleaner",
        "signatures",
        "task_messages",
        "templates",
        "wire_text",
    }
)
"""Modules of small functions that other packages import by their own names."""

__all__ = [
    "PUBLIC_MODULES",
    "Cancellations",
    "ComputeError",
    "ConfigurationReader",
    "EndpointHost",
    "EndpointSpec",
    "Function",
    "TaskEvent",
    "TaskOutput",
    "TaskSpec",
    "check_options",
    "find_functions",
    "function_names",
    "own_versions",
    "read_task_output",
    "reap",
    "scan_functions",
]

__getattr__ = lazy_names(__name__)
