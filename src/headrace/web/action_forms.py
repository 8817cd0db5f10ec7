"""Actions of forms: who may, each once, and a record of every one."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response

from headrace.errors import HeadraceError
from headrace.hosted import NoAnswerError
from headrace.web.errors import NotAllowed
from headrace.web.offered_forms import ONCE, offered
from headrace.web.page import Action, Again, Done, Page
from headrace.web.rendering import relative_url
from headrace.web.security.store import RecordedAction
from headrace.web.site import Site
from headrace.web.view import View

logger = logging.getLogger(__name__)

OUTCOME: Final = "outcome"
"""Parameter of an address that names the action whose outcome the page shows."""

_OWN_FIELDS: Final = ("form_token", ONCE, "back")
_UNEXPECTED: Final = "an unexpected fault of headrace; its log has it"
_OUTCOME_WORDS: Final = {
    "begun": "Under way",
    "done": "Done",
    "failed": "Not done",
    "unknown": "Not known",
}


def page_address(view: View, action: Action) -> str:
    """Return the address of the page whose action is asked for; that of Now is empty.

    Args:
        view: the request for the action.
        action: the action.
    """
    return f"/{view.address}".removesuffix(f"/do/{action.name}").removeprefix("/")


class ActionForms:
    """Performs the actions of forms.

    A form carries what its person saw (``once``): the same form sent twice, from two tabs or after
    the button Back, is one action, and the second one is shown what the first came to.

    Args:
        site: the site.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def perform(self, page: Page, action: Action, view: View, address: str) -> Response | Again:
        """Do what a form asks for, and lead on to the page that shows it.

        Args:
            page: the page.
            action: the action.
            view: the request, with its form.
            address: where the request came from.

        Returns:
            The answer; or the same page again, with what was typed.

        Raises:
            NotAllowed: the session may not, or the form is of no page of this session.
        """
        own = page_address(view, action)
        if not view.session.has_form_token(view.form.get("form_token", "")):
            raise NotAllowed("this form is not of your session: load the page again")
        store = self._site.store
        once = _once_key(own, action, view.form.get(ONCE, ""))
        if not view.may_steer:
            self._refuse(page, action, view, address, own)
        fields = tuple(each for each in view.fields if each[0] not in _OWN_FIELDS)
        asked = replace(view, address=own, form=dict(fields), fields=fields, once=once)
        if action.changes_nothing:
            return _shown_again(action, asked)
        known = (view.session, address, own, action.name, once)
        earlier = store.begin_action(*known)
        repeats = False
        if earlier is not None and earlier.state == "unknown":
            asked = replace(asked, asked_at=datetime.fromisoformat(earlier.at))
            repeats = _repeats(page, action, asked)
            earlier = store.begin_action(*known, repeats=repeats)
        if earlier is not None:
            return self._lead_on(view, earlier.location or quote(own), once)
        try:
            done = action.run(asked)
        except HeadraceError as error:
            done = Done(str(error))
            # The thing may be as it was wanted by what was done before.
            state = "unknown" if repeats or isinstance(error, NoAnswerError) else "failed"
        except BaseException:
            store.end_action(once, "unknown", _UNEXPECTED, own)
            raise
        else:
            if isinstance(done, Again):
                # The thing may have been done by what was sent before.
                done = replace(done, is_known=done.is_known and not repeats)
                state = "failed" if done.is_known else "unknown"
                store.end_action(once, state, done.message, own)
                return done
            state = "done"
        location = done.to if done.to is not None else view.form.get("back") or quote(own)
        place = _local(location, own)
        if done.later is None:
            store.end_action(once, state, done.message, place, done.subject)
        else:
            store.end_action(once, "begun", done.message, place, done.subject)
            done.later.add_done_callback(partial(self._end_later, page, once, place, done.subject))
        self._site.forget_shown()
        self._site.broadcast.publish(("record",))
        return self._lead_on(view, place, once)

    def _end_later(
        self, page: Page, once: str, place: str, subject: str, later: Future[Done]
    ) -> None:
        """Write down what an action that took long came to, and have its page show it."""
        self._site.store.end_action(once, *_end_of(later), place, subject)
        self._site.forget_shown()
        topics = {topic for part in page.parts for topic in part.topics if "{" not in topic}
        self._site.broadcast.publish(("record", *sorted(topics)))

    def outcome(self, view: View) -> Mapping[str, Any] | None:
        """Return the outcome that a page is asked to tell; None where there is none.

        Args:
            view: the request for the page.
        """
        once = view.query.get(OUTCOME, "")
        found = self._site.store.find_action(once) if once else None
        if found is None:
            return None
        return {
            "ok": found.state in ("begun", "done"),
            "word": _OUTCOME_WORDS[found.state],
            "message": _outcome_message(found),
            "at": found.at,
        }

    def _refuse(self, page: Page, action: Action, view: View, address: str, own: str) -> None:
        once = secrets.token_hex(16)
        message = "your link lets you look, not steer: ask its owner for another one"
        self._site.store.begin_action(view.session, address, own, action.name, once)
        self._site.store.end_action(once, "failed", message, own)
        raise NotAllowed(message)

    def _lead_on(self, view: View, to: str, once: str) -> Response:
        path, _, query = to.partition("?")
        both = "&".join(filter(None, (query, urlencode({OUTCOME: once}))))
        return RedirectResponse(relative_url(view.address, f"{path}?{both}"), 303)


def _shown_again(action: Action, asked: View) -> Again:
    found = action.run(asked)
    if isinstance(found, Done):
        raise TypeError(f"the action {action.name} shall change nothing, and says it has")
    return found


def _repeats(page: Page, action: Action, asked: View) -> bool:
    """Return whether an action of which nobody knows what it came to may be asked for again."""
    if action.repeats is not None:
        return action.repeats(asked)
    try:
        seen = offered(page, action, asked)
    except HeadraceError:
        return False
    return any(_once_key(asked.address, action, each) == asked.once for each in seen if each)


def _once_key(own: str, action: Action, once: str) -> str:
    once = once or secrets.token_hex(16)
    return hashlib.sha256(f"{own}\n{action.name}\n{once}".encode()).hexdigest()[:40]


def _end_of(later: Future[Done]) -> tuple[str, str]:
    """Return the state and the message of what was done later."""
    error = later.exception()
    if error is None:
        return "done", later.result().message
    if isinstance(error, HeadraceError):
        return "unknown" if isinstance(error, NoAnswerError) else "failed", str(error)
    logger.error("an action that takes long", exc_info=error)
    return "unknown", _UNEXPECTED


def _outcome_message(action: RecordedAction) -> str:
    if action.state == "begun":
        return action.message or "load the page again to see what it came to"
    return action.message


def _local(location: str, own: str) -> str:
    """Return an address of this site; the page's own where it is none."""
    is_ours = not location.startswith(("/", "\\")) and ":" not in location.partition("?")[0]
    return location if is_ours and ".." not in location else quote(own)
