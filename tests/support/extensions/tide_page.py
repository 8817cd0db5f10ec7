"""A page: the next high water, and a button that sets the place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.web import Action, Done, NotAllowed, Page, Part, View, repeatable

HEIGHTS = {"Brest": 7.1, "Cuxhaven": 3.4}


def place_file(view: View) -> Path:
    return view.site.root / ".headrace" / "tides.txt"


def load_height(view: View) -> Mapping[str, Any]:
    file = place_file(view)
    place = file.read_text() if file.is_file() else "Brest"
    return {"place": place, "height": HEIGHTS[place], "places": sorted(HEIGHTS)}


def set_place(view: View) -> Done:
    place = view.form.get("place", "")
    if place not in HEIGHTS:
        raise NotAllowed(f"no tides are known of {place!r}: there are {', '.join(HEIGHTS)}")
    place_file(view).write_text(place)
    return Done(f"tides are those of {place} from now on", subject=place)


PAGE = Page(
    name="tides",
    path="/tides",
    title="Tides",
    template="tide_page:tides.html",
    parts=(Part("height", "tide_page:height.html", load_height, every=60.0),),
    actions=(Action("set_place", set_place, repeats=repeatable),),
    menu="Tides",
)
