"""The members of a pack: any commands, each as a batch job of its own."""

from __future__ import annotations


def sweep_run_members(
    directory: str,
    members: list[dict[str, object]],
    source: str = "",
    results: str = "",
    source_path: str = "",
    settings: dict[str, object] | None = None,
) -> dict[str, object]:
    """Run the command of each member in a directory of its own, and check what it must leave.

    A member that fails spoils no other one. One that is done, of the same command and inputs, is
    not run again.

    Args:
        directory: where the members' directories are, absolute, as this machine sees it.
        members: ``key``, ``directory``, ``command`` or ``argv``, ``environment``, ``source``,
            ``inputs``, ``outputs``, ``optional_outputs``, ``cores``, ``ranks``, ``nodes``,
            ``gpus``, ``gres``, ``walltime`` and ``memory`` of each.
        source: directory that inputs are copied from; empty where they were transferred.
        results: directory that outputs are copied to; empty where they will be transferred.
        source_path: path of ``source`` in its collection, for members that name theirs from there.
        settings: ``cores``, ``at_once`` and ``how`` of the pack, ``defaults`` of members, settings
            of their jobs as ``run_repeated_job`` takes them, such as ``account``.

    Returns:
        ``members`` (by key: ``state``, ``cause``, ``category``, ``facts``, ``core_hours``,
        ``host``, ``job_id``, ``next``), ``done``, ``failed``, ``core_hours`` and
        ``job_core_hours``.

    Raises:
        PackError: nothing can be run at all, in one line.
        BatchJobError: the task was cancelled, or a setting is wrong for all members.
    """
    from headrace.compute.packs import run_pack

    return run_pack(
        directory,
        members,
        source=source,
        source_path=source_path,
        results=results,
        **(settings or {}),
    )
