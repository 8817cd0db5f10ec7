"""Tables that are declared once: read, described as a schema, and listed for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft7Validator

from headrace._internal.settings import (
    FreeTable,
    Key,
    KeyWording,
    ListOf,
    Named,
    Number,
    ProjectWording,
    Reading,
    Table,
    TomlDocument,
    UnreadableToml,
    Wording,
    markdown_tables,
    rows_of,
    table_of,
)


@dataclass(frozen=True)
class Band:
    """A table in a list of tables."""

    name: Annotated[str, Key("Its name.")]
    periods: Annotated[tuple[float, ...], Key("Its periods.", unit="s", kind=ListOf(Number(0.0)))]
    note: str = "no key of the file"


@dataclass(frozen=True)
class Machine:
    """A table with a name of the user's own."""

    cores: Annotated[int, Key("Its cores.", minimum=1, example="cores = 8")] = 1
    options: Annotated[Mapping[str, Any], Key("Whatever it takes.")] = field(default_factory=dict)


@dataclass(frozen=True)
class Top:
    """The top of a file."""

    method: Annotated[Literal["fast", "good"], Key("How it is done.")] = "fast"
    share: Annotated[float | None, Key("A share.")] = None
    quiet: Annotated[bool, Key("Whether | nothing is said.")] = False
    words: Annotated[tuple[str, ...], Key("Some words.")] = ()
    machines: Annotated[Mapping[str, Machine], Key("Machines.")] = field(default_factory=dict)
    bands: Annotated[tuple[Band, ...], Key("Bands.")] = ()


TOP: Table[Top] = table_of(Top)


def faults(text: str, wording: Wording | None = None) -> list[str]:
    reading = Reading(TomlDocument.parse(text, "file.toml"), wording or Wording())
    reading.read(TOP)
    return [fault.message for fault in reading.faults]


def test_values_and_defaults_are_read() -> None:
    text = """
share = 2
[machines.big]
cores = 64
options = { queue = "long" }
[[bands]]
name = "long"
periods = [1, 2.5]
"""
    found = Reading(TomlDocument.parse(text, "file.toml"), Wording()).read(TOP)
    assert found == Top(
        share=2.0,
        machines={"big": Machine(64, {"queue": "long"})},
        bands=(Band("long", (1.0, 2.5)),),
    )
    assert isinstance(found.share, float)


def test_every_fault_is_named_with_its_line() -> None:
    text = """method = "best"
metod = "x"
[machines.big]
cores = 0
[[bands]]
name = "one"
periods = [1]
[[bands]]
periods = ["x"]
colour = "red"
"""
    assert faults(text) == [
        "file.toml: line 2: metod: unknown key; did you mean 'method'? known: "
        "bands, machines, method, quiet, share, words",
        "file.toml: line 1: method: must be one of fast, good, not 'best'",
        "file.toml: line 4: machines.big.cores: must be a whole number of at least 1, not 0",
        "file.toml: line 10: bands[1].colour: unknown key; known: name, periods",
        "file.toml: line 8: bands[1].name: missing; it must be text",
        "file.toml: line 9: bands[1].periods: must be a list of values, each a number of at least "
        "0, not ['x']",
    ]


def test_each_file_kind_has_its_words() -> None:
    text = "[machines.big]\ncors = 1\ncores = true\n"
    assert faults(text, ProjectWording()) == [
        "file.toml:2: machines.big.cors: unknown key; did you mean 'cores'? known here: "
        "cores, options",
        "file.toml:3: machines.big.cores: expected a whole number of at least 1, found True",
    ]
    assert faults(text, KeyWording()) == [
        "file.toml: line 2: unknown key machines.big.cors; did you mean machines.big.cores?",
        "file.toml: line 3: key machines.big.cores must be a whole number of at least 1, not True",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("machines = 1", "machines: must be a table, [machines], not 1"),
        ("machines.a = 1", "machines.a: must be a table, [machines.a], not 1"),
        ("machines.a.options = 1", "machines.a.options: must be a table, [machines.a.options]"),
        ("bands = 1", "bands: must be tables, each beginning with [[bands]], not 1"),
        ("words = 'x'", 'words: must be a list of texts, such as ["one", "two"]'),
        ("share = inf", "share: must be a number, not inf"),
        ("quiet = 1", "quiet: must be true or false, not 1"),
    ],
)
def test_a_value_of_another_type_is_refused(text: str, message: str) -> None:
    (found,) = faults(text)
    assert message in found


def test_a_text_that_is_not_toml_has_line_and_column() -> None:
    with pytest.raises(UnreadableToml) as refused:
        TomlDocument.parse("a = 1\nb = = 2\n", "file.toml")
    assert (refused.value.line, refused.value.column) == (2, 5)


def test_a_document_without_its_text_has_no_lines() -> None:
    reading = Reading(TomlDocument("given", {"quiet": 3}), Wording())
    reading.read(TOP)
    assert [fault.message for fault in reading.faults] == [
        "given: quiet: must be true or false, not 3"
    ]


def test_the_schema_says_the_same() -> None:
    schema = TOP.schema()
    Draft7Validator.check_schema(schema)
    valid = Draft7Validator(schema).is_valid
    assert valid({"share": 2, "machines": {"a": {"cores": 1, "options": {"x": [1]}}}})
    for wrong in (
        {"share": "x"},
        {"machines": {"a": {"cores": 0}}},
        {"bands": [{"name": "a"}]},
        {"method": "best"},
        {"metod": "fast"},
    ):
        assert not valid(wrong)
    assert schema["properties"]["method"]["default"] == "fast"
    assert schema["properties"]["bands"]["items"]["properties"]["periods"]["description"] == (
        "Its periods, s."
    )


def test_a_named_table_has_a_name_that_may_be() -> None:
    table = Named(table_of(Machine), "[a-z]+", "use letters")
    reading = Reading(TomlDocument.parse("[m.A1]\n", "file.toml"), Wording())
    table.read(reading.document.values["m"], reading.top.child("m"))
    assert [fault.message for fault in reading.faults] == [
        "file.toml: line 1: m.A1: name 'A1': use letters"
    ]
    assert not Draft7Validator(table.schema()).is_valid({"A1": {}})


def test_rows_and_markdown_show_every_key() -> None:
    rows = list(rows_of(TOP))
    assert [(row.table, row.key) for row in rows] == [
        ("", "method"),
        ("", "share"),
        ("", "quiet"),
        ("", "words"),
        ("[machines.NAME]", "cores"),
        ("[machines.NAME]", "options"),
        ("[[bands]]", "name"),
        ("[[bands]]", "periods"),
    ]
    text = markdown_tables(rows)
    assert '| `method` | one of fast, good | `"fast"` | How it is done. |' in text
    assert "| `quiet` | true or false | `false` | Whether \\| nothing is said. |" in text
    assert "| `name` | text | must be given | Its name. |" in text
    assert "Its cores. Example: `cores = 8`." in text


def test_a_field_without_a_kind_is_refused_where_it_is_declared() -> None:
    @dataclass
    class Odd:
        key: Annotated[complex, Key("What no file can say.")]

    with pytest.raises(TypeError, match="no kind of value belongs"):
        table_of(Odd)


def test_a_free_table_may_have_values_of_one_kind() -> None:
    reading = Reading(TomlDocument("given", {}), Wording())
    FreeTable(Number(0.0)).read({"a": 1, "b": -1}, reading.top.child("w"))
    assert [fault.message for fault in reading.faults] == [
        "given: w.b: must be a number of at least 0, not -1"
    ]


@pytest.mark.parametrize("wording", [Wording(), ProjectWording(), KeyWording()])
def test_a_key_with_control_characters_stays_one_line(wording: Wording) -> None:
    (message,) = faults(r'"a\n\u001b[2J" = 1', wording)
    assert message.isprintable()
