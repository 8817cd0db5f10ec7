"""Pages of inversions.

Numbers and models need libraries of the extra ``inversion``: they are imported when a page is
asked for, and where they are missing the page says so.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from headrace.pipelines.inversion.directories import find_inversions
from headrace.web import Action, NotHere, Page, Part, View

if TYPE_CHECKING:
    from headrace.project import Project

_PACKAGE: Final = "headrace.pipelines.inversion"
_ITERATION: Final = "iteration_contents"
_ACTIONS: Final = (*("start", "pause", "resume", "set_band", "drop", "back_to", "redo", "branch"),)


def _later(module: str, name: str) -> Callable[[View], Any]:
    """Return a function that is imported when it is called."""

    def call(view: View) -> Any:
        try:
            function = getattr(import_module(f"{_PACKAGE}.{module}"), name)
        except ModuleNotFoundError as error:
            raise NotHere(
                f"{error.name} is not installed where these pages are served: "
                "`pip install 'headrace[inversion]'` there"
            ) from None
        return function(view)

    return call


def _part(name: str, load: str, every: float = 5.0, module: str = "contents") -> Part:
    return Part(
        name,
        f"{_PACKAGE}:{name}.html",
        _later(module, load),
        topics=("inversion",) if name == "list" else ("inversion:{inversion}",),
        every=every,
    )


def _prepare(project: Project) -> None:
    """Import the libraries and read the iterations of a project's inversions, where it has some."""
    found = find_inversions(project)
    if found:
        # The first model is compared with that of the last iteration, and its run asked for.
        for module in ("h5py", "globus_sdk.exc", f"{_PACKAGE}.{_ITERATION}"):
            import_module(module)
        import_module(f"{_PACKAGE}.opened").read_iterations(project, found.values())


INVERSIONS: Final = Page(
    name="inversions",
    path="/inversions",
    title="Inversions",
    template=f"{_PACKAGE}:inversions.html",
    parts=(_part("list", "load_list"),),
    menu="Inversions",
    rank=70,
    prepare=_prepare,
)

INVERSION: Final = Page(
    name="inversion",
    path="/inversions/{inversion}",
    title="Inversion",
    template=f"{_PACKAGE}:inversion.html",
    load=_later("contents", "load_inversion"),
    parts=(
        _part("state", "load_state"),
        _part("changes", "load_changes"),
        _part("grid", "load_grid"),
        _part("misfits", "load_misfits"),
        _part("bands", "load_bands"),
        _part("costs", "load_costs", 10.0),
        _part("history", "load_history"),
    ),
    actions=tuple(Action(name, _later("actions", name)) for name in _ACTIONS),
)

ITERATION: Final = Page(
    name="inversion iteration",
    path="/inversions/{inversion}/iteration",
    title="Iteration",
    template=f"{_PACKAGE}:iteration.html",
    load=_later(_ITERATION, "load_iteration"),
    parts=(
        _part("pictures", "load_pictures", 10.0, _ITERATION),
        _part("trials", "load_trials", module=_ITERATION),
    ),
)

FITS: Final = Page(
    name="inversion fits",
    path="/inversions/{inversion}/fits",
    title="Fits",
    template=f"{_PACKAGE}:fits.html",
    load=_later(_ITERATION, "load_fits"),
    parts=(
        _part("stations", "load_stations", 15.0, _ITERATION),
        _part("events", "load_events", 15.0, _ITERATION),
    ),
)

PAGES: Final = (INVERSIONS, INVERSION, ITERATION, FITS)
"""All pages of inversions."""
