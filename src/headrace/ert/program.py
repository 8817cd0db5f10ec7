"""Program that inverts the data of one directory, ``job_scripts/ert_invert.py``.

The last line that it prints is the facts of the result, as JSON; ``result.json`` has all of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from headrace._internal.atomic import write_atomic
from headrace.ert.cli_support import Parser
from headrace.ert.engine import ErtJob, ErtResult
from headrace.ert.errors import ErtError, Fact, InversionFailed, SettingsError
from headrace.ert.jobs import AUTO, find_job
from headrace.ert.registry import engine_names, open_engine
from headrace.ert.settings import read_settings

RESULT: Final = "result.json"


def main(arguments: list[str] | None = None) -> int:
    """Invert the data of a directory.

    Args:
        arguments: of the command line; those of the process by default.

    Returns:
        The exit code: 0 done, 1 failed, 2 usage; what failed is one line on stderr.
    """
    try:
        options = _parser().parse_args(arguments)
        settings = _settings(options)
        engine = options.engine or str(settings.get("invert", {}).get("engine", AUTO))
        facts = invert(options.input, options.output, engine, settings)
    except ErtError as error:
        print(f"ert_invert: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    print(json.dumps(facts), flush=True)
    return 0


def invert(
    directory: Path, output: Path, engine: str, settings: Mapping[str, Mapping[str, Any]]
) -> dict[str, Fact]:
    """Invert the data of a directory, or model them, and record what came of it.

    Args:
        directory: the directory with the data.
        output: directory for the results; made where it is missing.
        engine: name of the engine; ``auto``: the first that finds something to do.
        settings: tables of engines by their names.

    Returns:
        The facts of the result.

    Raises:
        ErtError: there is nothing to do in it, or no result that counts; ``result.json`` says so,
            too, where it can be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        (output / RESULT).unlink(missing_ok=True)
    except OSError as error:
        raise ErtError(f"{output}: {error.strerror}") from error
    record: dict[str, Any] = {"state": "failed", "engine": engine}
    try:
        result = _run(directory, output, engine, settings, record)
        record |= {
            "state": "done",
            "facts": dict(result.facts),
            "chi2_history": list(result.chi2_history),
            "files": dict(result.files),
        }
        return dict(result.facts)
    except ErtError as error:
        facts = error.facts if isinstance(error, InversionFailed) else {}
        record |= {"cause": str(error), "facts": facts}
        raise
    finally:
        _write_record(output / RESULT, record)


def _run(
    directory: Path,
    output: Path,
    engine: str,
    settings: Mapping[str, Mapping[str, Any]],
    record: dict[str, Any],
) -> ErtResult:
    found = find_job(directory, engine, settings)
    if found is None:
        raise ErtError(
            f"{directory}: nothing to invert or model: no data file of the unified data format, "
            "and no directory of CRTomo with data or a configuration, or it is done already"
            if engine == AUTO
            else f"{directory}: engine {engine} finds nothing to invert or model, or it is done"
        )
    record |= {"engine": found.engine, "kind": found.kind}
    opened = open_engine(found.engine, settings.get(found.engine, {}))
    record["version"] = opened.version()
    return opened.run(ErtJob(found.kind, directory.resolve(), output.resolve()))


def _write_record(path: Path, record: Mapping[str, Any]) -> None:
    try:
        # NaN is no JSON: what is none stands as null.
        text = json.dumps(_finite(record), indent=1, allow_nan=False)
        write_atomic(path, f"{text}\n", mode=0o644)
    except OSError as error:
        raise ErtError(f"{path}: {error.strerror}") from error


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    if isinstance(value, float) and value - value != 0.0:
        return None
    return value


def _settings(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the tables of engines: those of the file, and over them those of the command line."""
    tables: dict[str, dict[str, Any]] = {}
    if options.config is not None:
        invert_settings, tables = read_settings(options.config)
        tables["invert"] = {"engine": invert_settings.engine}
    try:
        given = json.loads(options.settings)
    except ValueError as error:
        raise SettingsError(f"--settings: no JSON: {error}") from None
    if not isinstance(given, dict) or not all(isinstance(one, dict) for one in given.values()):
        raise SettingsError('--settings: must be tables by engine: {"pygimli": {...}}')
    for name, table in given.items():
        if name not in engine_names():
            raise SettingsError(f"--settings: {name}: there are {', '.join(engine_names())}")
        tables[name] = merged(tables.get(name, {}), table)
    return tables


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with another one over it: tables within them are merged as well."""
    found = dict(below)
    for name, value in above.items():
        old = found.get(name)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        found[name] = merged(old, value) if both else value  # type: ignore[arg-type]
    return found


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="ert_invert.py",
        description="Invert the resistivity data of a directory, or model them.",
    )
    parser.add_argument("input", type=Path, help="directory with the data")
    parser.add_argument("--output", type=Path, required=True, help="directory for the results")
    parser.add_argument(
        "--engine", default="", help=f"{AUTO} (whichever finds data), {', '.join(engine_names())}"
    )
    parser.add_argument("--config", type=Path, help="settings, such as job_scripts/ert.toml")
    parser.add_argument(
        "--settings", default="{}", help="settings as JSON, over those of the file, by engine"
    )
    return parser
