"""Inversions of resistivity data: the members of a pack side by side, one thread each."""

from __future__ import annotations


def ert_invert(
    project: str,
    directory: str,
    members: list[dict[str, object]],
    config: str,
    settings: dict[str, object] | None = None,
) -> dict[str, object]:
    """Invert the data of each member by ``job_scripts/ert_invert.sbatch``, or model them.

    The data of a member are in ``work/input/`` of its directory, its results come to ``return/``,
    also those of one that failed, which spoils no other one. A member that is done, of the same
    data and settings, is not run again.

    Args:
        project: directory of the project, absolute, as this machine sees it.
        directory: where the members' directories are, absolute.
        members: ``key``, ``directory``, and where they are not those of the configuration
            ``engine``, ``settings`` (tables by engine), ``walltime`` and ``memory`` of each.
        config: the configuration; absolute or relative to the project.
        settings: ``cores`` and ``at_once`` of the pack, and settings of the jobs as
            ``run_repeated_job`` takes them, such as ``account``.

    Returns:
        ``members`` (by key: ``state``, ``cause``, ``category``, ``facts``, ``core_hours``,
        ``host``, ``job_id``), ``done``, ``failed``, ``core_hours`` and ``job_core_hours``.

    Raises:
        PackError: nothing can be run at all, in one line.
        StageError: the configuration cannot be used, in one line.
        BatchJobError: the task was cancelled, or a setting is wrong for all members.
    """
    import json
    import tomllib
    from collections.abc import Mapping
    from shlex import quote

    from headrace.compute.packs import PackError, run_pack
    from headrace.compute.stages import StageError, absolute_directory, existing_file

    here = absolute_directory("project", project)
    script = existing_file(here, "job_scripts/ert_invert.sbatch", "the job script of inversions")
    path = existing_file(here, config, "the settings of inversions")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StageError(f"{path}: not valid TOML: {error}") from error
    invert = tables.pop("invert", {})
    if not isinstance(invert, dict) or not all(isinstance(one, dict) for one in tables.values()):
        raise StageError(f"{path}: must be tables: [invert], [pygimli], [crtomo], ...")
    default = ("inv/", "mod/", "exe/inv.*", "exe/*.log", "exe/error.dat")
    outputs = list(invert.get("outputs", (*default, "model.*", "*.dat", "*.data")))

    def merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
        both = dict(below)
        for name, value in above.items():
            old = both.get(name)
            tables = isinstance(old, Mapping) and isinstance(value, Mapping)
            both[name] = merged(old, value) if tables else value  # type: ignore[arg-type]
        return both

    documents: list[object] = []
    for number, member in enumerate(members if isinstance(members, list) else ()):
        if not isinstance(member, dict):
            raise PackError(f"members[{number}]: must be an object, not {member!r:.60}")
        known = {"key", "directory", "engine", "settings", "walltime", "memory", "path"}
        own = member.get("settings") or {}
        wrong = [
            *(f"{name}: unknown" for name in sorted(set(member) - known)),
            *(["settings: must be tables by engine"] if not isinstance(own, Mapping) else []),
        ]
        chosen = merged(tables, own) if isinstance(own, Mapping) else {}
        engine = str(member.get("engine") or invert.get("engine", "auto"))
        words = ["exec", "bash", str(script), "input", "--output", ".", "--engine", engine]
        words += ["--settings", json.dumps(chosen, sort_keys=True)]
        documents.append(
            {
                "key": member.get("key"),
                "directory": member.get("directory"),
                "command": " ".join(map(quote, words)),
                "inputs": ["input/"],
                "outputs": ["result.json"],
                "optional_outputs": outputs,
                "walltime": member.get("walltime") or invert.get("walltime", "01:00:00"),
                "memory": member.get("memory") or invert.get("memory", ""),
                # A member that is wrong in itself is refused, and the others run.
                **({"; ".join(wrong): True} if wrong else {}),
            }
        )
    return run_pack(
        directory,
        documents,
        **{"attempts": invert.get("attempts", 2), **invert.get("job", {}), **(settings or {})},
    )
