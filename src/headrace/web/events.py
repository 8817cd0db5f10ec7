"""The event stream: names topics that have changed; browsers fetch the parts that show them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from headrace.web.changes.broadcast import Broadcast, Stream, TooManyStreams
from headrace.web.security.login import session_of

if TYPE_CHECKING:
    from headrace.web.changes.watcher import ChangeWatcher
    from headrace.web.site import Site

_MOST_TOPICS: Final = 100
_TOPIC: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/+@ -]{0,199}")
_RETRY_MILLISECONDS: Final = 1000


async def serve_events(request: Request, site: Site) -> Response:
    """Answer with the stream of a browser.

    Its messages: ``change`` names the topics that have changed, ``reload`` says that all may have,
    ``contact`` that the server lives and whether the services answer, ``end`` that the session or
    the server ends. The browser comes again with the id of the last one.

    Args:
        request: the request, with the topics in its query.
        site: the site.
    """
    session = await run_in_threadpool(session_of, request, site)
    if session is None:
        return Response(status_code=401)
    if request.method == "HEAD":
        # Whoever comes again asks whether it may before it opens a stream.
        return Response(status_code=200 if site.broadcast.has_room(session.id) else 204)
    topics = frozenset(filter(None, request.query_params.get("topics", "").split(",")))
    if len(topics) > _MOST_TOPICS or not all(map(_TOPIC.fullmatch, topics)):
        return PlainTextResponse("these are no topics\n", 400)
    last_id = request.headers.get("last-event-id") or request.query_params.get("since", "")
    broadcast, watcher = site.broadcast, site.watcher
    try:
        stream = broadcast.open(session.id, topics, last_id)
    except TooManyStreams:
        # To a browser this says that it shall not come again.
        return Response(status_code=204)
    watcher.start()
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(
        _messages(stream, broadcast, watcher), media_type="text/event-stream", headers=headers
    )


async def _messages(
    stream: Stream, broadcast: Broadcast, watcher: ChangeWatcher
) -> AsyncIterator[str]:
    try:
        yield f"retry: {_RETRY_MILLISECONDS}\n\n"
        while True:
            await stream.wake.wait()
            stream.wake.clear()
            if stream.is_over:
                yield "event: end\ndata: ended\n\n"
                return
            if text := _message(stream, broadcast, watcher):
                yield text
    finally:
        broadcast.leave(stream)


def _message(stream: Stream, broadcast: Broadcast, watcher: ChangeWatcher) -> str:
    """Return what a stream has not been told yet."""
    text = ""
    if stream.is_reload:
        text += f"id: {broadcast.id(stream.number)}\nevent: reload\ndata: all\n\n"
    elif stream.changed:
        topics = json.dumps(sorted(stream.changed))
        text += f"id: {broadcast.id(stream.number)}\nevent: change\ndata: {topics}\n\n"
    stream.is_reload = False
    stream.changed = set()
    if stream.is_beat:
        stream.is_beat = False
        # An id of its own: who comes again after a quiet time is told what changed since then.
        contact = json.dumps({"problem": watcher.problem})
        text += f"id: {broadcast.id(stream.number)}\nevent: contact\ndata: {contact}\n\n"
    return text
