"""Values as trees, and the differences of two payloads, however large and hostile they are."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.web.views.value_tree import TreeNode, differences, tree_of


def nodes(tree: TreeNode) -> int:
    return 1 + sum(nodes(child) for child in tree.children)


def test_a_tree_has_every_value_with_its_name() -> None:
    tree = tree_of({"a": [1, None], "b": {"c": "x"}, "empty": {}})
    assert tree.text == "3 members"
    a, b, empty = tree.children
    assert (a.name, a.text, [child.text for child in a.children]) == ("a", "2 items", ["1", "null"])
    assert [(child.name, child.text) for child in b.children] == [("c", '"x"')]
    assert (empty.text, empty.children) == ("0 members", [])


@pytest.mark.parametrize(
    "value",
    [
        [*range(100_000)],
        {f"member {n}": {"x": n} for n in range(50_000)},
        [[n] * 50 for n in range(1_000)],
    ],
)
def test_a_tree_of_much_says_how_much_is_left_out(value: Any) -> None:
    tree = tree_of(value, 400)
    assert nodes(tree) <= 402
    assert tree.left_out + len(tree.children) == len(value)


def test_deep_and_long_values_are_cut() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    assert nodes(tree_of(deep)) < 20
    [leaf] = tree_of({"a\x1b": "y\u202e" * 1_000_000}).children
    assert leaf.name == "a\\x1b"
    assert "\u202e" not in leaf.text
    assert len(leaf.text) < 500


def test_differences_name_what_is_new_gone_and_changed() -> None:
    before = {"same": 1, "old": 2, "deep": {"a": [1, 2]}, "kind": 1}
    after = {"same": 1, "new": {"x": 1}, "deep": {"a": [1, 3]}, "kind": True}
    found, more = differences(before, after)
    assert not more
    assert [(each.path, each.change, each.before, each.after) for each in found] == [
        ("old", "gone", "2", ""),
        ("deep.a[1]", "changed", "2", "3"),
        ("kind", "changed", "1", "true"),
        ("new", "new", "", '{"x": 1}'),
    ]


def test_of_many_differences_some_are_named() -> None:
    found, more = differences({}, {str(n): n for n in range(1_000)}, 100)
    assert len(found) == 100
    assert more
    assert differences({"a": 1}, {"a": 1}) == ([], False)
