from __future__ import annotations

from typing import Any

import pytest

from headrace.compute.packs import PackError, PackMember, read_members
from headrace.compute.packs.member import RefusedMember


def member(**more: Any) -> dict[str, Any]:
    return {"key": "a", "directory": "a/start-000.1", "command": "true", **more}


def read_one(**more: Any) -> PackMember | RefusedMember:
    return read_members([member(**more)])[0]


def test_resources_of_a_member_come_before_those_of_the_pack() -> None:
    defaults = {"cores": 4, "walltime": "01:00:00"}
    own, others = read_members(
        [member(cores=2.0, memory=1500.0), member(key="b", directory="b")], defaults
    )
    assert isinstance(own, PackMember)
    assert isinstance(others, PackMember)
    assert own.job == {"cpus_per_task": 2, "walltime": "01:00:00", "memory": "1500M"}
    assert others.job == {"cpus_per_task": 4, "walltime": "01:00:00"}


def test_generic_resources_of_a_member_are_a_text() -> None:
    own, others = read_members(
        [member(gres="gpu:a100:2"), member(key="b", directory="b")], {"gres": "gpu:1"}
    )
    assert isinstance(own, PackMember)
    assert isinstance(others, PackMember)
    assert (own.job, others.job) == ({"gres": "gpu:a100:2"}, {"gres": "gpu:1"})


def test_words_are_quoted_and_empty_names_left_out() -> None:
    found = read_one(command=None, argv=["echo", "it's", "$HOME"], inputs=["", "a.dat"])
    assert isinstance(found, PackMember)
    assert found.command == """echo 'it'"'"'s' '$HOME'"""
    assert found.inputs == ("a.dat",)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"command": " "}, "command: must be a text, not ' '"),
        ({"argv": ["a"]}, "name one of command and argv"),
        ({"comand": "a"}, "comand: unknown; there are argv, command"),
        ({"inputs": ["/etc/passwd"]}, "inputs: must be a relative path"),
        ({"outputs": ["../x"]}, "outputs: '../x': must be a relative path"),
        ({"outputs": ["member.json"]}, "the member's own record has this name"),
        ({"source": "../a/"}, "source: must be a path without '..'"),
        ({"environment": {"A B": "x"}}, "environment: 'A B' cannot be a variable's name"),
        ({"cores": 0}, "cores: must be an integer of at least 1, not 0"),
        ({"cores": 1.5}, "cores: must be an integer of at least 1, not 1.5"),
        ({"memory": -1}, "memory: write it as 4G"),
        ({"gres": 2}, "gres: write it as gpu:a100:2, not 2"),
        ({"walltime": 10}, "walltime: write it as HH:MM:SS, not 10"),
    ],
)
def test_a_wrong_member_is_refused_alone(more: dict[str, Any], message: str) -> None:
    refused, other = read_members([member(**more), member(key="b", directory="b")])
    assert isinstance(refused, RefusedMember)
    assert message in str(refused.error)
    assert refused.error.category == "never started"
    assert isinstance(other, PackMember)


def test_a_source_that_is_named_from_its_collection() -> None:
    [found] = read_members([member(source="/sims/a/")], source_path="/sims/")
    assert isinstance(found, PackMember)
    assert found.source == "a/"
    [other] = read_members([member(source="/other/a/")], source_path="/sims/")
    assert isinstance(other, RefusedMember)
    assert str(other.error) == "source: '/other/a/' is not below '/sims/'"
    [pushed] = read_members([member(source="/other/a/")])
    assert isinstance(pushed, PackMember)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "members: must be a list of at least one member"),
        ([7], r"members\[0\]: must be an object, not 7"),
        ([member(key="")], "key: must be a text of one line"),
        ([member(directory="../x")], "directory: must be a relative path without '..'"),
        ([member(), member(directory="b")], "member 'a' stands in the pack twice"),
        ([member(), member(key="b")], "belongs to another member"),
        ([member(), member(key="b", directory="a")], "belongs to another member"),
        ([member(directory="a"), member(key="b", directory="a/b")], "belongs to another member"),
    ],
)
def test_members_that_cannot_be_told_apart_are_refused_together(
    members: list[Any], message: str
) -> None:
    with pytest.raises(PackError, match=message):
        read_members(members)
