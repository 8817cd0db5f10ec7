"""Contents of the pages Iteration and Fits."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from headrace.pipelines.inversion.contents import ROWS
from headrace.pipelines.inversion.iterations import STAGES, Iteration, grid_rows
from headrace.pipelines.inversion.opened import FITS, OpenedInversion, open_inversion
from headrace.web import NotHere, PageMissing, View

_KINDS: Final = (
    ("model", "Model"),
    ("update", "Update"),
    ("kernel", "Kernel"),
    ("fits", "Waveform fits"),
    ("histograms", "Measures"),
)
_LARGEST_PICTURE: Final = 200_000
"""Bytes of a picture that stands in the page itself."""


def load_iteration(view: View) -> Mapping[str, Any]:
    """Return the inversion, and which of its iterations is shown."""
    return _heading(view, "Iteration {} of {}", "The newest iteration of {}")


def _heading(view: View, numbered: str, newest: str) -> dict[str, Any]:
    """Return a page's title: with a number only where the address has it.

    Without one the parts of the page go on with the inversion, and say themselves of which
    iteration they are.
    """
    opened = open_inversion(view)
    iteration = _chosen(view, opened)
    number = iteration.number if view.query.get("iteration") else None
    title = newest.format(opened.label) if number is None else numbered.format(number, opened.label)
    return {"title": title, "name": opened.name, "label": opened.label, "number": number}


def load_pictures(view: View) -> Mapping[str, Any]:
    """Return an iteration, its neighbours and one of its pictures."""
    opened = open_inversion(view)
    iteration = _chosen(view, opened)
    numbers = [one.number for one in opened.iterations]
    place = numbers.index(iteration.number)
    pictures = _pictures(opened, iteration)
    wanted = view.query.get("picture", "")
    chosen = wanted if wanted in pictures else next(iter(pictures), "")
    data, fault = _data_of(pictures[chosen]) if chosen else ("", "")
    return {
        "name": opened.name,
        "iteration": iteration,
        "first": numbers[0],
        "last": numbers[-1],
        "previous": numbers[place - 1] if place else None,
        "next": numbers[place + 1] if place + 1 < len(numbers) else None,
        "pictures": [(one, _title(one)) for one in pictures],
        "chosen": chosen,
        "chosen_title": _title(chosen),
        "data": data,
        "fault": fault,
    }


def load_trials(view: View) -> Mapping[str, Any]:
    """Return the evaluations of an iteration with their stages."""
    opened = open_inversion(view)
    iteration = _chosen(view, opened)
    return {
        "iteration": iteration,
        "stages": STAGES,
        "rows": grid_rows([iteration], int(iteration.summary.get("events") or 0)),
    }


def load_fits(view: View) -> Mapping[str, Any]:
    """Return the inversion, and which of its iterations' fits are shown."""
    return _heading(view, "Fits in iteration {} of {}", "Fits in the newest iteration of {}")


def load_stations(view: View) -> Mapping[str, Any]:
    """Return stations, the worst first.

    Raises:
        NotHere: they are where the inversion is computed, which is elsewhere.
    """
    opened = open_inversion(view)
    iteration = _chosen(view, opened)
    evaluation, fits = FITS.stations(opened.paths, opened.staging, iteration)
    if not fits and opened.staging is None:
        raise NotHere(
            "Fits of stations are where the inversion is computed, which cannot be seen from here, "
            "until their iteration has come home"
        )
    names = [fit.station for fit in fits]
    rows, following = _page(fits, names, view.query.get("station", ""))
    return {
        **_about(opened, iteration),
        "evaluation": evaluation,
        "rows": rows,
        "count": len(fits),
        "following": following,
        "dropped": opened.steering.stations,
    }


def load_events(view: View) -> Mapping[str, Any]:
    """Return events, the worst first."""
    opened = open_inversion(view)
    iteration = _chosen(view, opened)
    evaluation, events = FITS.events(opened.paths, opened.staging, iteration)
    names = [name for name, _ in events]
    rows, following = _page(events, names, view.query.get("event", ""))
    return {
        **_about(opened, iteration),
        "evaluation": evaluation,
        "rows": rows,
        "count": len(events),
        "following": following,
        "dropped": opened.steering.events,
    }


def _about(opened: OpenedInversion, iteration: Iteration) -> dict[str, Any]:
    return {"name": opened.name, "iteration": iteration, "seen": opened.seen}


def _page(rows: list[Any], names: list[str], first: str) -> tuple[list[Any], str | None]:
    """Return 50 rows from the one of a name on, and the name of the row after them."""
    start = names.index(first) if first in names else 0
    end = start + ROWS
    return rows[start:end], names[end] if end < len(names) else None


def _chosen(view: View, opened: OpenedInversion) -> Iteration:
    """Return the iteration that the address names; by default the newest that has ended."""
    wanted = view.query.get("iteration", "")
    iterations = opened.iterations
    if not iterations:
        raise PageMissing(f"{opened.label} has no iteration yet: start it on its page")
    if not wanted:
        ended = [one for one in iterations if one.summary]
        return ended[-1] if ended else iterations[-1]
    for iteration in iterations:
        if wanted == str(iteration.number):
            return iteration
    known = f"{iterations[0].number} to {iterations[-1].number}"
    raise PageMissing(f"{opened.label} has no iteration {wanted!r}; there are {known}")


def _pictures(opened: OpenedInversion, iteration: Iteration) -> dict[str, Path]:
    """Return the pictures of an iteration by their names, models first."""
    place = opened.paths.results(iteration.number) / "pictures"
    found = {path.stem: path for path in place.glob("*.png")} if place.is_dir() else {}
    kinds = [kind for kind, _ in _KINDS]

    def rank(name: str) -> tuple[int, str]:
        kind = name.partition("_")[0]
        return (kinds.index(kind) if kind in kinds else len(kinds)), name

    return {name: found[name] for name in sorted(found, key=rank)}


def _title(name: str) -> str:
    kind, _, of = name.partition("_")
    return f"{dict(_KINDS).get(kind, kind)} {of}".strip()


def _data_of(picture: Path) -> tuple[str, str]:
    """Return a picture as the address that holds it, or why it is not shown."""
    try:
        if picture.is_symlink():
            return "", f"{picture.name} is a link, which is not followed"
        if picture.stat().st_size > _LARGEST_PICTURE:
            return "", f"{picture}: is too large to stand in a page"
        data = picture.read_bytes()
    except OSError as error:
        return "", f"{picture.name}: cannot be read: {error.strerror}"
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "", f"{picture.name}: is no PNG picture"
    return f"data:image/png;base64,{base64.b64encode(data).decode()}", ""
