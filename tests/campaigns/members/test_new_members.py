"""Members made of rows: their keys, priorities, groups and needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.campaigns import (
    Campaign,
    CampaignError,
    CampaignProblems,
    MemberRefused,
    read_campaign,
)
from headrace.campaigns.ledger.member import NewMember
from headrace.campaigns.members import MemberReader, read_members
from headrace.campaigns.members.keys import key_problem, safe_key

START = '[start]\nflow = "md"\n'


def campaign(directory: Path, members: str = "", table: str = "", name: str = "napa") -> Campaign:
    source = 'table = "t.csv"\n' if table else ""
    (directory / "t.csv").write_text(table)
    file = directory / f"{name}.toml"
    file.write_text(f"{START}[members]\n{source}{members}")
    return read_campaign(file)


def members_of(directory: Path, members: str, table: str) -> list[NewMember]:
    return list(read_members(campaign(directory, members, table)))


def problems_of(directory: Path, members: str, table: str) -> list[str]:
    with pytest.raises(CampaignProblems) as caught:
        members_of(directory, members, table)
    return [problem.removeprefix(f"{directory}/t.csv: ") for problem in caught.value.problems]


def test_every_template_is_filled_in(tmp_path: Path) -> None:
    first, second = members_of(
        tmp_path,
        'key = "{name}-{t}K"\npriority = "{prio}"\ngroup = "{protein}"\ncategory = "{c}"\n'
        'needs = ["{parent}", "other:{name}"]\n',
        'name,t,prio,protein,c,parent\na,300,2.5,NapA,gpu,\nb,310,,,,"a-300K, c"\n',
    )
    assert first == NewMember(
        key="a-300K",
        row={"name": "a", "t": "300", "prio": "2.5", "protein": "NapA", "c": "gpu", "parent": None},
        group="NapA",
        category="gpu",
        priority=2.5,
        needs=("other:a",),
    )
    assert (second.group, second.category, second.priority) == ("", "", 0.0)
    assert second.needs == ("a-300K", "c", "other:b")


def test_columns_of_these_names_are_taken_without_a_word(tmp_path: Path) -> None:
    (member,) = members_of(tmp_path, "", "n,key,group,category,priority,needs\n1,k,g,c,7,a b\n")
    assert (member.key, member.group, member.category) == ("k", "g", "c")
    assert (member.priority, member.needs) == (7.0, ("a", "b"))


def test_the_first_column_is_the_key_where_there_is_no_other(tmp_path: Path) -> None:
    assert [one.key for one in members_of(tmp_path, "", "name,t\na,1\nb,2\n")] == ["a", "b"]


def test_a_list_of_needs_is_taken_as_it_is(tmp_path: Path) -> None:
    reader = MemberReader(campaign(tmp_path, 'needs = "{parents}"\n'), ("k", "parents"))
    assert reader.member_of({"k": "c", "parents": ["a", "b", "a"]}).needs == ("a", "b")
    assert reader.member_of({"k": "c", "parents": 7.0}).needs == ("7",)
    assert reader.member_of({"k": "c", "parents": None}).needs == ()


def test_rows_that_cannot_be_used_are_named_with_their_lines(tmp_path: Path) -> None:
    assert problems_of(
        tmp_path,
        'priority = "{prio}"\nneeds = "{parent}"\n',
        "name,prio,parent\na,1,\na,2,\n,3,\nb c,1,\nd,high,\ne,1,e\nf,1\n",
    ) == [
        "line 3: key 'a' is that of line 2, too; each member has its own",
        "line 4: members.key: {name} is empty in this row",
        "line 5: key 'b c' has ' '; keys are names of directories: letters, digits and "
        "_ . + = @ % ~ -, the first a letter, a digit or _. {COLUMN:key} in members.key makes such "
        "a name",
        "line 6: members.priority: 'high' is not a number",
        "line 7: needs itself, 'e': it could never begin",
        "line 8: has 2 cells, and the first line names 3 columns",
    ]


def test_ten_rows_are_named_and_the_others_counted(tmp_path: Path) -> None:
    found = problems_of(tmp_path, "", "name\n" + "a b\n" * 5_000)
    assert len(found) == 11
    assert found[0].startswith("line 2: key 'a b' has ' '")
    assert found[-1] == "and 4990 more rows"


def test_nothing_is_yielded_after_the_first_row_that_cannot_be_used(tmp_path: Path) -> None:
    read = read_members(campaign(tmp_path, "", "name\na\nb/c\nd\n"))
    assert next(read).key == "a"
    with pytest.raises(CampaignProblems, match="line 3"):
        next(read)


def test_a_key_may_be_made_safe(tmp_path: Path) -> None:
    table = "name,t\nNaCl 0.5 M,1\nNaCl/0.5/M,2\n,3\n"
    found = problems_of(tmp_path, 'key = "{name:key}"\n', table)
    assert found == [
        "line 3: key 'NaCl-0.5-M' is that of line 2, too; each member has its own",
        "line 4: members.key: {name} is empty in this row",
    ]
    first, second = members_of(
        tmp_path, 'key = "{name:key}_{t}"\n', "name,t\nNaCl 0.5 M,1\nNaCl/0.5/M,2\n"
    )
    assert (first.key, second.key) == ("NaCl-0.5-M_1", "NaCl-0.5-M_2")


def test_one_name_in_two_forms_of_unicode_is_one_key(tmp_path: Path) -> None:
    found = problems_of(tmp_path, "", "name\nM\u00fcller\nMu\u0308ller\n")
    assert found == ["line 3: key 'M\u00fcller' is that of line 2, too; each member has its own"]


@pytest.mark.parametrize(
    "key", ["a", "7", "_x", "run.001", "a+b=c@d%e~f-g", "M\u00fcller", "x" * 128]
)
def test_such_keys_are_names_of_directories(key: str) -> None:
    assert key_problem(key) == ""


@pytest.mark.parametrize(
    "key",
    ["", ".", "..", ".a", "-a", "a/b", "a b", "a,b", "a:b", "a*", "a\n", "$a", "a'", "x" * 129],
)
def test_such_keys_are_refused(key: str) -> None:
    assert key_problem(key)


@given(st.text())
def test_whatever_is_made_safe_is_a_key_or_empty(text: str) -> None:
    key = safe_key(text)
    assert not key or not key_problem(key) or len(key.encode("utf-8", "replace")) > 240
    assert safe_key(key) == key


@given(st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.+=@%~]*\Z").filter(lambda key: len(key) <= 128))
def test_what_is_safe_stays_as_it_is(key: str) -> None:
    assert safe_key(key) == key


def test_a_campaign_without_a_table_says_where_its_members_come_from(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match="has no table: its members come by `add` alone"):
        list(read_members(campaign(tmp_path)))


def test_another_table_has_members_that_were_added(tmp_path: Path) -> None:
    (tmp_path / "more.json").write_text('[{"name": "x", "n": 3}]')
    (member,) = read_members(campaign(tmp_path), table=tmp_path / "more.json")
    assert (member.key, member.row, member.source) == ("x", {"name": "x", "n": 3}, "added")


def test_a_hash_is_asked_for_where_it_is_wanted(tmp_path: Path) -> None:
    reader = MemberReader(
        campaign(tmp_path), ("k",), hash_of=lambda member: f"hash of {member.key}"
    )
    assert reader.member_of({"k": "a"}).hash == "hash of a"


def test_a_row_of_another_shape_is_refused_alone(tmp_path: Path) -> None:
    reader = MemberReader(campaign(tmp_path, 'key = "{k}{n}"\n'), ("k", "n"))
    values: dict[str, Any] = {"k": "a", "n": 3}
    assert reader.member_of(values).key == "a3"
    with pytest.raises(MemberRefused, match=r"\{n\} is empty in this row"):
        reader.member_of({"k": "a", "n": None})
