"""Tables of members, as spreadsheets and programs write them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.campaigns import CampaignError
from headrace.campaigns.members import MemberRow, open_table

ROWS = [{"name": "r1", "t": "300"}, {"name": "r2", "t": None}]

# Thirty lines that stand for a billion values.
ALIASES = "\n".join(
    [
        "x0: &x0 [1, 2, 3, 4]",
        *(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}]" for n in range(1, 29)),
        "members: [{name: a, all: *x28}]",
    ]
)


def rows_of(file: Path) -> list[MemberRow]:
    return list(open_table(file).rows)


def values_of(file: Path) -> list[dict[str, Any]]:
    rows = rows_of(file)
    assert [row.problem for row in rows if row.problem] == []
    return [dict(row.values) for row in rows]


def csv_file(directory: Path, content: str | bytes) -> Path:
    file = directory / "table.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize(
    "content",
    [
        "name,t\nr1,300\nr2,\n",
        "name,t\r\nr1,300\r\nr2,\r\n",
        "\ufeffname;t\r\nr1;300\r\nr2;\r\n",
        "sep=;\r\nname;t\r\nr1;300\r\nr2;\r\n",
        "name\tt\nr1\t300\nr2\t\n",
        '"name","t"\n"r1","300"\n"r2",""\n',
        "name, t\nr1 , 300\n r2, \n",
        "\n,\nname,t,,\nr1,300,,\n,,,\nr2,,,\n\n",
        "name,t\nr1,300\nr2,",
        "name;t\nr1;300\nr2;\n".encode("utf-16"),
    ],
    ids=[
        "unix",
        "windows",
        "excel_semicolons",
        "excel_separator_line",
        "tabulators",
        "all_quoted",
        "spaces",
        "libreoffice_empty_columns",
        "no_last_newline",
        "utf16",
    ],
)
def test_csv_is_read_as_it_is_written(tmp_path: Path, content: str | bytes) -> None:
    assert values_of(csv_file(tmp_path, content)) == ROWS


def test_cells_may_have_separators_quotes_and_lines(tmp_path: Path) -> None:
    file = csv_file(tmp_path, 'name,note\nr1,"a, ""b""\nc"\nr2,\'x\'\n')
    rows = rows_of(file)
    assert [dict(row.values) for row in rows] == [
        {"name": "r1", "note": 'a, "b"\nc'},
        {"name": "r2", "note": "'x'"},
    ]
    assert [row.place for row in rows] == ["line 2", "line 4"]


def test_each_ragged_row_is_named_with_its_line(tmp_path: Path) -> None:
    file = csv_file(tmp_path, 'name,t\nr1\nr2,1\nr3,1,2\n"r4"x,1\nr5,1,,\n')
    rows = rows_of(file)
    assert [(row.place, row.problem) for row in rows if row.problem] == [
        ("line 2", "has 1 cell, and the first line names 2 columns"),
        ("line 4", "has 3 cells, and the first line names 2 columns"),
        (
            "line 5",
            "text after a closing quotation mark; write a quotation mark in a cell twice",
        ),
    ]
    assert [row.values["name"] for row in rows if not row.problem] == ["r2", "r5"]


def test_a_cell_below_no_name_is_a_problem(tmp_path: Path) -> None:
    (bad, good) = rows_of(csv_file(tmp_path, "name,,t\nr1,x,1\nr2,,1\n"))
    assert bad.problem == "cell 2 has 'x', and column 2 has no name"
    assert good.values == {"name": "r2", "t": "1"}


def test_a_quotation_mark_that_is_never_closed_is_found_at_its_line(tmp_path: Path) -> None:
    *_, last = rows_of(csv_file(tmp_path, 'name,t\nr1,1\nr2,"1\nr3,1\n'))
    assert (last.place, last.problem) == (
        "line 3",
        "a quotation mark is opened and never closed",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no line that names the columns"),
        (";;\n,\n", "has no line that names the columns"),
        ("name,t,name\n", "line 1: columns 1 and 3 are both named 'name'"),
        (b"name,t\nr\xe9,1\n", 'not UTF-8 (invalid continuation byte): save it as "CSV UTF-8"'),
    ],
)
def test_a_table_that_is_none_is_said_in_one_line(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(CampaignError) as caught:
        rows_of(csv_file(tmp_path, content))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


CELLS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\0\u2028\u2029\x85"),
    max_size=12,
).map(str.strip)
TABLES = st.integers(1, 5).flatmap(
    lambda width: st.lists(
        st.lists(CELLS, min_size=width, max_size=width), min_size=0, max_size=8
    ).map(lambda rows: (width, rows))
)


@given(
    TABLES,
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\r\n", "\n"]),
    st.booleans(),
)
def test_what_a_csv_writer_has_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    table: tuple[int, list[list[str]]],
    separator: str,
    quoting: Any,
    ending: str,
    mark: bool,
) -> None:
    width, rows = table
    head = [f"column {number}" for number in range(width)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=ending)
    writer.writerows([head, *rows])
    file = csv_file(tmp_path_factory.mktemp("csv"), ("\ufeff" if mark else "") + text.getvalue())
    expected = [
        dict(zip(head, (cell or None for cell in row), strict=True)) for row in rows if any(row)
    ]
    assert values_of(file) == expected


def test_toml_keeps_what_its_values_are(tmp_path: Path) -> None:
    file = tmp_path / "table.toml"
    file.write_text(
        '[[member]]\nname = "r1"\nt = 300.5\nn = 3\nparts = [1, 2]\nday = 2026-01-31\n'
        '\n[[member]]\nname = "r2"\nbox = { x = 1 }\n'
    )
    table = open_table(file)
    assert table.columns == ("name", "t", "n", "parts", "day", "box")
    first, second = table.rows
    assert first.values == {
        "name": "r1",
        "t": 300.5,
        "n": 3,
        "parts": [1, 2],
        "day": "2026-01-31",
        "box": None,
    }
    assert (first.place, second.place) == ("line 1", "line 8")
    assert second.values["box"] == {"x": 1}
    assert second.values["t"] is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.toml", "a = 1\n", "has no [[member]], one for each member"),
        ("t.toml", "[[member]]\nn = 1\n[other]\n", "has 'other' beside [[member]]; remove it"),
        ("t.toml", "[[member]\n", "not valid TOML"),
        ("t.json", "[1", "not valid JSON"),
        ("t.json", '{"a": []}', "holds no list of members"),
        ("t.json", '[{"a": 1, "a": 2}]', "an object has 'a' twice"),
        ("t.yaml", "a: [", "not valid YAML"),
        ("t.yaml", "text", "holds no list of members"),
        ("t.yaml", ALIASES, "aliases stand for more than 5,000,000 values"),
        ("t.yaml", "- &a {name: x, more: *a}", "an alias stands within what it is the name of"),
        ("t.yaml", "- !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("t.parquet", "PAR1 is none", "not valid Parquet"),
        ("t.xlsx", "", "this is none of them"),
    ],
)
def test_a_file_that_holds_no_members_is_named(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_text(text)
    with pytest.raises(CampaignError) as caught:
        rows_of(tmp_path / name)
    assert message in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=r"none.csv: no such file; see members.table"):
        open_table(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(CampaignError, match="is a directory"):
        open_table(tmp_path / "folder.csv")


@pytest.mark.parametrize("wrapped", [False, True])
def test_json_and_yaml_are_lists_of_objects(tmp_path: Path, wrapped: bool) -> None:
    records: list[Any] = [{"name": "r1", "n": 3}, {"name": "r2", "x": [1.5]}, 7]
    value: Any = {"members": records} if wrapped else records
    (tmp_path / "t.json").write_text(json.dumps(value))
    table = open_table(tmp_path / "t.json")
    assert table.columns == ("name", "n", "x")
    first, second, third = table.rows
    assert (first.place, first.values) == ("member 1", {"name": "r1", "n": 3, "x": None})
    assert second.values == {"name": "r2", "n": None, "x": [1.5]}
    assert third.problem == "is no table of columns and values"
    yaml = pytest.importorskip("yaml")
    (tmp_path / "t.yml").write_text(yaml.safe_dump(value, indent=2))
    found = rows_of(tmp_path / "t.yml")
    assert [dict(row.values) for row in found[:2]] == [dict(first.values), dict(second.values)]
    assert [row.place for row in found] == (
        ["line 2", "line 4", "line 7"] if wrapped else ["line 1", "line 3", "line 6"]
    )


def test_yaml_dates_are_texts_and_infinity_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "t.yaml").write_text(
        "- {k: a, d: 2026-01-31}\n- {k: b, d: .inf}\n- {k: c, d: .nan}"
    )
    first, second, third = rows_of(tmp_path / "t.yaml")
    assert first.values["d"] == "2026-01-31"
    assert second.problem == "column d is infinite; only finite numbers can be sent"
    assert third.values["d"] is None


def test_parquet_keeps_types_and_has_empty_cells(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(
        pyarrow.table(
            {
                "name": ["r1", "r2", "r3"],
                "n": pyarrow.array([1, None, 3], pyarrow.int64()),
                "x": [0.5, float("nan"), float("inf")],
                "parts": [[1], [], None],
                "__index_level_0__": [0, 1, 2],
            }
        ),
        tmp_path / "t.parquet",
    )
    table = open_table(tmp_path / "t.parquet")
    assert table.columns == ("name", "n", "x", "parts")
    first, second, third = table.rows
    assert first.values == {"name": "r1", "n": 1, "x": 0.5, "parts": [1]}
    assert second.values == {"name": "r2", "n": None, "x": None, "parts": []}
    assert (third.place, third.problem) == (
        "row 3",
        "column x is infinite; only finite numbers can be sent",
    )


@pytest.mark.parametrize(("name", "module"), [("t.parquet", "pyarrow"), ("t.yaml", "yaml")])
def test_what_is_not_installed_is_said(
    tmp_path: Path, name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / name).write_text("")
    with pytest.raises(CampaignError, match=r"not installed: `pip install 'headrace\[tables\]'`"):
        open_table(tmp_path / name)


@pytest.mark.service
def test_a_long_table_takes_little_memory(tmp_path: Path) -> None:
    """Rows are read one by one: a table of 18 MB, and a process that takes 8 MB for it."""
    file = tmp_path / "long.csv"
    with file.open("w") as out:
        out.write("name,x,note\n")
        for number in range(100_000):
            out.write(f"r{number},{number / 7},{'n' * 150}\n")
    program = (
        "import sys, resource\nfrom pathlib import Path\n"
        "from headrace.campaigns.members import open_table\n"
        "table = open_table(Path(sys.argv[1]))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(sum(1 for row in table.rows if not row.problem))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True
    )
    count, grown = map(int, done.stdout.split())
    assert count == 100_000
    assert grown < 8_000  # kB
