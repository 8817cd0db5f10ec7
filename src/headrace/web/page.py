"""Declaration of a page: its address, what it shows, what changes on it, what may be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.web.outcome import Done as Done

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.web.view import View

Load = Callable[["View"], Mapping[str, Any]]
"""Returns what a template shows; runs in a thread of its own."""


@dataclass(frozen=True)
class Part:
    """Part of a page that changes while one looks at it, and is fetched again alone.

    Attributes:
        name: its name within the page, and the id of its only root element.
        template: its template, named as that of a page is.
        load: returns what the template shows.
        topics: topics whose events have it fetched again; ``{run}`` stands for the value of the
            address's parameter of this name.
        every: seconds after which it is fetched again in any case; 0 for never.
    """

    name: str
    template: str
    load: Load
    topics: tuple[str, ...] = ()
    every: float = 0.0


@dataclass(frozen=True)
class Again:
    """The page once more, with what was typed: nothing was done, or nobody knows whether it was.

    Attributes:
        values: all that its template shows, in the place of what the page loads.
        message: why nothing was done, or what was seen, in one line; empty for nothing to say.
        is_problem: whether something is wrong with what was typed.
        is_known: whether it is known that nothing was done.
    """

    values: Mapping[str, Any]
    message: str = ""
    is_problem: bool = True
    is_known: bool = True


@dataclass(frozen=True)
class Action:
    """Something that a person may do on a page; needs the role ``steer``.

    Attributes:
        name: its name within the page.
        run: does it. It gets the view, whose `View.form` has the fields, and returns the outcome.
        repeats: whether it may be asked for again where nobody knows what it came to, because its
            process was killed or a service did not answer. It gets the view, as `run` does. By
            default it may if the page still has the very form, which it has not any more where
            something was done.
        changes_nothing: whether it only shows its page again, and so is in no record.
    """

    name: str
    run: Callable[[View], Done | Again]
    repeats: Callable[[View], bool] | None = None
    changes_nothing: bool = False


def repeatable(view: View) -> bool:
    """Say of an action that it may be asked for again: it sees itself to it that it is done once.

    By its name (`View.once`), which a service knows again, or by what was seen of the thing.

    Args:
        view: the request.
    """
    return bool(view.once)


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        name: its name; unique.
        path: its address, as Starlette writes paths (``/runs/{run}``).
        title: its title; a page may set another in what it loads, as ``title``.
        template: its template: a file of ``templates/`` of this package; of another one with its
            name before it (``tides:page.html`` is ``templates/page.html`` beside ``tides``).
        load: returns what the template shows, besides its parts.
        parts: what changes on it.
        actions: what may be done on it.
        menu: text of its entry in the menu; none by default.
        rank: place in the menu, the lowest first.
        prepare: reads what the page's first request would wait long for; gets the project, and is
            called once, in a thread of its own, when pages are served. None by default.
    """

    name: str
    path: str
    title: str
    template: str
    load: Load = lambda view: {}
    parts: tuple[Part, ...] = ()
    actions: tuple[Action, ...] = ()
    menu: str = ""
    rank: int = 100
    prepare: Callable[[Project], None] | None = None

    def part(self, name: str) -> Part | None:
        """Return the part of this name; None where there is none."""
        return next((part for part in self.parts if part.name == name), None)

    def action(self, name: str) -> Action | None:
        """Return the action of this name; None where there is none."""
        return next((action for action in self.actions if action.name == name), None)
