"""One request for a page: where it was asked, by whom, and the services to answer it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.config.project_config import at_option
from headrace.web.forms import Fields

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.web.security.session import Session
    from headrace.web.site import Site

T = TypeVar("T")


@dataclass(frozen=True)
class View:
    """One request for a page.

    Attributes:
        site: what all pages share.
        session: who asks.
        address: the page's address from the site's root, without a leading slash.
        path: parameters of the address.
        query: parameters behind the question mark; of those that occur twice the last one.
        form: fields of an action's form.
        fields: names and values of the form in their order, where a name may occur several times.
        once: names the action, however often its form is sent; empty where nothing is done.
        shown_at: address at which a browser shows the page, where that is not the page's own.
        asked_at: when the same action was asked for before, where nobody knows what that came to.
        values: what was read for this request, by its key; all parts of its page have the same.
    """

    site: Site
    session: Session
    address: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    fields: Fields = ()
    once: str = ""
    shown_at: str = ""
    asked_at: datetime | None = None
    values: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def target(self) -> str:
        """The target: ``local`` or ``globus``."""
        return self.site.target

    @property
    def at_option(self) -> str:
        """Option of commands for the target, with a space before it; empty at ``local``."""
        return at_option(self.site.target)

    @property
    def project(self) -> Project:
        """The project as its files are now.

        Raises:
            ProjectError: they cannot be read.
        """
        return self.site.project()

    @property
    def may_steer(self) -> bool:
        """True where this session may do more than look."""
        return self.session.role == "steer"

    def new_once(self) -> str:
        """Return a name for an action of a form that is rendered now."""
        return self.session.new_once()

    def file_url(self, collection: str, path: str) -> str:
        """Return the address of a file of a collection, from the site's root.

        Pictures are shown in their place; everything else is offered for download.

        Args:
            collection: name of the collection that the file lies in.
            path: its path from the collection's root.
        """
        return self.site.files.url(collection, path)

    def watch(self, topic: str, *paths: Path) -> None:
        """Have a topic told when files or directories change that this part was read from.

        Args:
            topic: one of the part's topics.
            paths: the files, and directories whose entries count; at most 50.
        """
        self.site.watch(topic, paths)

    def read_once(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return a value that is read once for this request, for all parts of its page.

        Args:
            key: names the value.
            read: reads it; what it raises is kept by nobody.
        """
        if key not in self.values:
            self.values[key] = read()
        value: T = self.values[key]
        return value

    def ask(self, ask: Callable[[Services], T]) -> T:
        """Call with the services of the target, and return the answer.

        Raises:
            HeadraceError: they do not answer, or refuse.
        """
        return self.site.ask(ask)
