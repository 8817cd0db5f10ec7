"""Actions of the pages of an inversion: the commands of ``headrace inversion``."""

from __future__ import annotations

import re
import threading
from typing import Final

from headrace.pipelines.inversion.directories import address_name, write_second_trigger
from headrace.pipelines.inversion.opened import OpenedInversion, open_inversion
from headrace.seismic.inversion import branching, commands
from headrace.web import Done, NotAllowed, View

_LOCK: Final = threading.Lock()
"""Steering is read, changed and written: of two requests one waits."""

_DIRECTORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LONGEST_WHY: Final = 500


def _why(view: View) -> str:
    return " ".join(view.form.get("why", "").split())[:_LONGEST_WHY]


def _iteration(view: View) -> int:
    text = view.form.get("iteration", "").strip()
    if not re.fullmatch("[0-9]{1,9}", text):
        raise NotAllowed(f"iteration {text!r}: must be a number from 0 on")
    return int(text)


def _done(opened: OpenedInversion, message: str) -> Done:
    return Done(message, subject=opened.label)


def start(view: View) -> Done:
    """Publish the first iteration."""
    opened = open_inversion(view)
    with _LOCK:
        commands.start(opened.home, _why(view))
    text = (
        f"iteration 0 is published; `headrace watch{view.at_option}` runs it, and those that follow"
    )
    return _done(opened, text)


def pause(view: View) -> Done:
    """Let it stop after the stage or iteration that runs."""
    opened, after = open_inversion(view), view.form.get("after", "iteration")
    with _LOCK:
        commands.pause(opened.home, after, _why(view))
    return _done(opened, f"it stops after this {after}")


def resume(view: View) -> Done:
    """Let it go on."""
    opened = open_inversion(view)
    with _LOCK:
        number = commands.resume(opened.home, _why(view), again=view.form.get("again") == "yes")
    published = f"iteration {number} is published"
    return _done(opened, "the pause is taken back" if number is None else published)


def set_band(view: View) -> Done:
    """Let the next iteration have another band."""
    opened = open_inversion(view)
    with _LOCK:
        asked = commands.set_band(
            opened.home, view.form.get("band", ""), _why(view), opened.staging
        )
    return _done(opened, asked.text.rstrip("."))


def drop(view: View) -> Done:
    """Leave out an event or a station, or let it take part again."""
    opened = open_inversion(view)
    kind, name = view.form.get("kind", ""), view.form.get("name", "").strip()
    if kind not in ("event", "station") or not name:
        raise NotAllowed("name an event, or a station as NET.STA")
    undo = view.form.get("undo") == "yes"
    with _LOCK:
        number = commands.drop(opened.home, kind, name, _why(view), undo=undo)
    does = "takes part again" if undo else "is left out"
    return _done(opened, f"{kind} {name} {does} from iteration {number} on")


def back_to(view: View) -> Done:
    """Go back to the start of an iteration."""
    opened, number = open_inversion(view), _iteration(view)
    with _LOCK:
        commands.back_to(opened.home, number, _why(view))
    return _done(opened, f"the inversion goes on from model {number:03d}")


def redo(view: View) -> Done:
    """Do an iteration again from a stage."""
    opened, number, stage = open_inversion(view), _iteration(view), view.form.get("stage", "")
    with _LOCK:
        commands.redo(opened.home, number, stage, _why(view))
    return _done(opened, f"iteration {number} is done again from {stage}")


def branch(view: View) -> Done:
    """Create a second inversion beside this one."""
    opened, number = open_inversion(view), _iteration(view)
    name = view.form.get("name", "").strip()
    if not _DIRECTORY.fullmatch(name):
        raise NotAllowed(
            f"{name!r} is no name for its directory: letters, digits, _, - and ., at most 64"
        )
    new = opened.home.parent / name
    with _LOCK:
        branching.branch(opened.home, number, new, _why(view))
        trigger = write_second_trigger(opened.home, new)
    text = f"{name} begins with model {number:03d}; Start publishes its first iteration"
    if trigger is not None:
        text += f"; {trigger.name} watches it: start `headrace watch{view.at_option}` again"
    folder = opened.label.rpartition("/")[0]
    address = address_name(f"{folder}/{name}" if folder else name)
    return Done(text, to=f"inversions/{address}", subject=opened.label)
