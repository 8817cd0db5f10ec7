"""Kinds of TOML files: reader, JSON schema and documentation say the same, for they are one."""

from __future__ import annotations

import copy
import datetime
import functools
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from headrace._internal.settings import FileKind, Named, Table, TableList, file_kinds
from headrace._internal.settings.page import kinds_of, with_tables
from headrace.compute.stages import DATA_RUN_STAGES, StageError, read_stage
from headrace.compute.stages.keys import STAGE_KEYS
from headrace.seismic.inversion.toml_text import toml_text

EXAMPLES: dict[str, str] = {
    "headrace.toml": """
        [collections.a]
        root = "x"
        [endpoints.e]
        [action_providers.p]
        url = "https://example.org/p"
        [selections.s]
        [profiles.q.collections.a]
        [profiles.q.endpoints.e]
    """,
    "flow.toml": "[roles]",
    "trigger.toml": """
        [watch]
        collection = "a"
        path = "/in/"
        [start]
        flow = "f"
    """,
    "campaign.toml": """
        [members]
        table = "a.csv"
        [[steps]]
        name = "a"
        flow = "f"
        [steps.legs]
        [results]
        [lanes.l]
        [limits]
        [retries]
        [after.leg]
        flow = "f"
        [after.member]
        flow = "f"
        [after.group]
        flow = "f"
        [after.campaign]
        flow = "f"
        [keep.results]
        collection = "a"
    """,
    "adjoint_sources.toml": """
        period_band = [10.0, 100.0]
        components = ["Y"]
        [windows]
        [measure]
        [weights]
        [figures]
    """,
    "data_run.toml": """
        [fit.job]
        [convert.job]
        [analyze.job]
    """,
    "ert.toml": """
        [invert]
        [invert.job]
        [pygimli]
        [pygimli.invert]
        [crtomo]
    """,
    "md.toml": """
        [leg]
        [leg.job]
        [gromacs]
        [openmm]
    """,
    "inversion.toml": """
        [events]
        expected = 2
        [stations]
        [[bands]]
        name = "a"
        periods = [1.0, 2.0]
        iterations = 3
        [misfit]
        components = ["P"]
        [windows]
        [solver]
        name = "rays"
        [parameters.vp]
        [[smoothing]]
        axis = "x"
        sigma = 1.0
        [[tapers]]
        axis = "x"
        side = "first"
        [mutes.sources]
        radius = 1.0
        [mutes.stations]
        radius = 1.0
        [preconditioner]
        [optimiser]
        [limits]
        [resources.forward]
    """,
    "event.toml": "time = 2020-01-01T00:00:00Z",
}
"""A valid file of each kind, with one of each of its tables."""

VALUES = (3, 1.5, -1, 0, True, "x", "", [], ["a"], [1], [2.0, 1.0], {}, {"zz": 1}, [{}])

STRICTER = {
    # What a value must be besides its type and range, no schema says.
    "headrace.toml": {
        f"{table}notify.{key}"
        for table in ("", "profiles.q.")
        for key in ("apprise", "digest", "disk", "on", "quiet_hours", "repeat", "silence")
    }
    | {
        f"{table}notify.{key}"
        for table in ("", "profiles.q.")
        for key in ("phone.url", "timezone", "webhook")
    }
    | {"action_providers.p.url"},
    "trigger.toml": {"watch.members", "watch.collection", "limits.quiet_hours", "limits.timezone"}
    | {"every", "every.interval", "every.at", "every.weekdays", "every.timezone"}
    | {"every.stop_after", "after.flow"},
    "campaign.toml": {"steps", "start.flow", "steps.0.pack", "steps.0.member", "results.members"}
    | {"members.table", "members.trigger", "members.directories.collection"}
    | {"lanes.l.endpoint", "lanes.l.collection", "lanes.l.profile", "keep.results.collection"}
    | {
        "limits.starts",
        "limits.stop_when",
        "lanes.l.lost_after",
        "retries.backoff",
        "keep.scratch",
    },
    "adjoint_sources.toml": {"period_band", "weights.file"},
    "inversion.toml": {"bands.0.periods", "parameters.vp.bounds"},
}
"""Keys whose value the schema accepts and the reader may refuse."""


def kinds() -> list[Any]:
    return [pytest.param(kind, id=name) for name, kind in file_kinds().items()]


def as_json(value: Any) -> Any:
    """Returns TOML's values as an editor gives them to a schema: times are texts."""
    if isinstance(value, dict):
        return {key: as_json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    return value.isoformat() if isinstance(value, datetime.datetime) else value


def example(kind: FileKind) -> dict[str, Any]:
    return tomllib.loads(EXAMPLES[kind.name])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "headrace.toml").write_text('[collections.a]\nroot = "x"\n')
    (tmp_path / "triggers").mkdir()
    return tmp_path / "triggers" / "file.toml"


def reader_accepts(kind: FileKind, document: Mapping[str, Any], file: Path) -> bool:
    file.write_text(toml_text(document))
    return kind.problems(file) == []


def schema_accepts(kind: FileKind, document: Mapping[str, Any]) -> bool:
    return validator(kind.name).is_valid(as_json(document))


@functools.cache
def validator(name: str) -> Draft7Validator:
    return Draft7Validator(file_kinds()[name].json_schema())


def tables(
    table: Table[Any], values: Any, path: tuple[Any, ...] = ()
) -> Iterator[tuple[Table[Any], tuple[Any, ...]]]:
    """Yields every table of a document with its path in it."""
    yield table, path
    for name, declared in table.keys.items():
        below = declared.kind
        inside = values.get(name, {})
        if isinstance(below, Table):
            yield from tables(below, inside, (*path, name))
        elif isinstance(below, Named):
            for each, one in inside.items():
                yield from tables(below.table, one, (*path, name, each))
        elif isinstance(below, TableList):
            for number, one in enumerate(inside):
                yield from tables(below.table, one, (*path, name, number))


def changed(
    document: dict[str, Any], path: tuple[Any, ...], key: str, value: Any
) -> dict[str, Any]:
    """Returns a document with a key of a table set."""
    result = copy.deepcopy(document)
    place = result
    for step in path:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    place[key] = value
    return result


@pytest.mark.parametrize("kind", kinds())
def test_the_schema_is_one(kind: FileKind) -> None:
    schema = kind.json_schema()
    Draft7Validator.check_schema(schema)
    assert schema["title"] == kind.name


@pytest.mark.parametrize("kind", kinds())
def test_the_files_of_the_repository_are_accepted(kind: FileKind, repository: Path) -> None:
    for path in kind.files(repository):
        assert kind.problems(path) == []
        assert schema_accepts(kind, tomllib.loads(path.read_text()))


def test_the_repository_has_a_file_of_most_kinds(repository: Path) -> None:
    shipped = {name for name, kind in file_kinds().items() if kind.files(repository)}
    assert shipped >= {
        "headrace.toml",
        "flow.toml",
        "trigger.toml",
        "adjoint_sources.toml",
        "data_run.toml",
    }


@pytest.mark.parametrize("kind", kinds())
def test_the_schema_refuses_what_the_reader_refuses(kind: FileKind, file: Path) -> None:
    document = example(kind)
    assert reader_accepts(kind, document, file)
    assert schema_accepts(kind, document)
    tried = 0
    for table, path in tables(kind.table, document):
        for key in (*table.keys, "zz_unknown"):
            for value in VALUES:
                other = changed(document, path, key, value)
                by_reader = reader_accepts(kind, other, file)
                by_schema = schema_accepts(kind, other)
                where = ".".join(map(str, (*path, key)))
                # A whole number written as 3.0 is none for the reader alone; none is among these.
                assert by_schema or not by_reader, f"{where} = {value!r}: the schema is stricter"
                if where not in STRICTER.get(kind.name, ()):
                    assert by_reader == by_schema, f"{where} = {value!r}: {kind.problems(file)}"
                tried += 1
    assert tried >= 14


@pytest.mark.parametrize("kind", kinds())
def test_a_key_that_must_be_given_is_asked_for_by_both(kind: FileKind, file: Path) -> None:
    document = example(kind)
    for table, path in tables(kind.table, document):
        for name, declared in table.keys.items():
            if not declared.is_required:
                continue
            other = copy.deepcopy(document)
            place: Any = other
            for step in path:
                place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
            place.pop(name, None)
            assert not reader_accepts(kind, other, file), name
            assert not schema_accepts(kind, other), name


@pytest.mark.parametrize("kind", kinds())
def test_every_key_has_a_sentence(kind: FileKind) -> None:
    for row in kind.rows():
        assert re.fullmatch(r"[A-Zh].*\.", row.description), f"{row.table} {row.key}"


def test_the_page_shows_the_declarations(repository: Path) -> None:
    page = (repository / "docs" / "configuration.md").read_text()
    assert sorted(kinds_of(page)) == sorted(file_kinds())
    assert page == with_tables(page), "make configuration-page writes it"


def test_measure_has_the_keys_of_the_misfit_that_is_named() -> None:
    kind = file_kinds()["adjoint_sources.toml"]
    document = {"period_band": [1, 2], "components": ["Y"], "measure": {"num_taper": 3}}
    assert not schema_accepts(kind, document)
    assert schema_accepts(kind, {**document, "adjoint_source": "multitaper"})
    assert not schema_accepts(kind, {**document, "adjoint_source": "waveform"})


@pytest.mark.parametrize("stage", DATA_RUN_STAGES)
def test_a_stage_reads_what_the_check_of_its_file_accepts(stage: str, file: Path) -> None:
    kind = file_kinds()["data_run.toml"]
    names = [key.name for key in (*DATA_RUN_STAGES[stage], *STAGE_KEYS)]
    for key in (*names, "zz_unknown"):
        for value in VALUES:
            if key == "job" and value == {"zz": 1}:
                continue  # the job's settings are read when it is submitted
            accepted = reader_accepts(kind, {stage: {key: value}}, file)
            try:
                read_stage(file, stage, DATA_RUN_STAGES[stage])
            except StageError:
                assert not accepted, f"{key} = {value!r}"
            else:
                assert accepted, f"{key} = {value!r}"
