"""Whether people can use a page who do not see it well, or not at all: axe-core, run in the page.

axe-core (MPL-2.0) comes with a package that only the tests install.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

TAGS = [
    *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"),
    "best-practice",
]
"""The sets of axe's rules that hold: WCAG 2.2 up to AA, and what axe calls best practice."""

ALL: Mapping[str, Any] = {"runOnly": TAGS}
COLOURS: Mapping[str, Any] = {"runOnly": ["cat.color"]}
"""What may differ on a page in other colours."""
LAYOUT: Mapping[str, Any] = {"runOnly": TAGS, "rules": {"color-contrast": {"enabled": False}}}
"""What may differ on a page of another width."""


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def accessibility_violations(page: Page, rules: Mapping[str, Any] = ALL) -> list[str]:
    """Returns a line for each violation: the rule, the element, and why it is one.

    Args:
        page: the page, as it shall be looked at.
        rules: which of axe's rules: ALL, COLOURS or LAYOUT.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    result = page.evaluate(
        "rules => axe.run(document, {...rules, resultTypes: ['violations']})", dict(rules)
    )
    found = [line for violation in result["violations"] for line in _lines(violation)]
    return found + _beyond_the_screen(page) + _small_targets(page)


def check_accessibility(page: Page) -> None:
    """Fails with every violation: axe-core's, of a page's width, of the size of what is pressed."""
    found = accessibility_violations(page)
    assert not found, "\n".join([f"{page.url}: {len(found)} violations", *found])


def _lines(violation: dict[str, Any]) -> list[str]:
    lines = []
    for node in violation["nodes"]:
        reasons = [check["message"] for kind in ("any", "all", "none") for check in node[kind]] or [
            violation["help"]
        ]
        where = " ".join(str(part) for part in node["target"])
        lines.append(f"{violation['id']}: {where}: {'; '.join(reasons)}: {node['html']:.200}")
    return lines


def _beyond_the_screen(page: Page) -> list[str]:
    """WCAG 1.4.10: nobody scrolls sideways to read; wide tables scroll within their own box."""
    seen = page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return null;
            const scrolls = one => one.parentElement !== null && one.parentElement !== document.body
                && (getComputedStyle(one.parentElement).overflowX !== 'visible'
                    || scrolls(one.parentElement));
            const far = [...document.body.querySelectorAll('*')]
                .map(one => [one, one.getBoundingClientRect()])
                .map(([one, box]) => [one, Math.max(box.right, box.left + one.scrollWidth)])
                .filter(([one, right]) => right > width + 0.5 && !scrolls(one))
                .reverse()
                .slice(0, 3)
                .map(([one, right]) => `${one.outerHTML.slice(0, 120)} (to ${Math.round(right)})`);
            return [width, document.documentElement.scrollWidth, far.join(', ')];
        }"""
    )
    if seen is None:
        return []
    width, needed, far = seen
    return [f"reflow: the page needs {needed} px of {width}: {far}"]


def _small_targets(page: Page) -> list[str]:
    """WCAG 2.5.5: a finger hits what is 44 px high; links within a text may be as high as that."""
    return list(
        page.evaluate(
            """() => [...document.querySelectorAll(
                    'button, input:not([type=hidden]), select, textarea, summary, nav a')]
                .filter(one => one.checkVisibility() && !one.closest('.hidden'))
                .map(one => [one, /checkbox|radio/.test(one.type) && one.labels.length
                    ? one.labels[0] : one])
                .map(([one, pressed]) => [one, pressed.getBoundingClientRect().height])
                .filter(([one, height]) => height < 43.5)
                .map(([one, height]) =>
                    `target-height: ${one.outerHTML.slice(0, 160)}: ${Math.round(height)} px of 44`)
            """
        )
    )
