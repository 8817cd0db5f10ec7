"""Addresses of the pages that are measured; ``{n}`` counts how often one was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Final
from urllib.parse import urlencode

from web_project.many_iterations import NAME as INVERSION
from web_project.many_traces import NAME as DATA_RUN

MEMBERS: Final = "campaigns/many/members"
TRACES: Final = f"data-runs/{DATA_RUN}/traces"
CAUSE: Final = "ValueError: a bad number"


def plain_addresses(run: str) -> list[str]:
    """Return the addresses of all pages, without parameters.

    Args:
        run: id of a run.
    """
    return [
        *("", "runs", f"runs/{run}", "flows", "flows/say", "flows/say/start", "web-inputs"),
        *("endpoints", "triggers", "triggers/inversion", "campaigns", "campaigns/many", MEMBERS),
        *(f"{MEMBERS}/m000050", "inversions", f"inversions/{INVERSION}"),
        *(f"inversions/{INVERSION}/iteration", f"inversions/{INVERSION}/fits", "data-runs"),
        *(f"data-runs/{DATA_RUN}", TRACES, "facility", "notifications", "record", "help"),
    ]


def filtered_addresses(channels: list[str]) -> list[str]:
    """Return the addresses of lists with their filters, of counts before a change, and of views.

    Args:
        channels: names of the channels of the data run.
    """

    def query(address: str, **given: str) -> str:
        return f"{address}?{urlencode(given, safe='{}:')}"

    runs = (
        {"status": "FAILED"},
        {"cause": CAUSE},
        {"cause": "no such cause"},
        {"label": "number 4999*"},
        {"label": "no such label"},
        {"tag": "many"},
        {"since": "1d"},
        {"since": "1d", "status": "FAILED", "cause": CAUSE},
        {"flow": "say", "until": "1d"},
        {"unmended": "1"},
        {"selection": "bad"},
    )
    changes = (
        {"status": "FAILED"},
        {"cause": CAUSE},
        {"label": "number 4*", "status": "FAILED"},
        {"tag": "many", "since": "1d"},
        {"unmended": "1"},
        {"selection": "bad"},
    )
    members = (
        {"state": "failed"},
        {"state": "done"},
        {"group": "g150"},
        {"cause": CAUSE},
        {"cause": "no such cause"},
        {"key": "m0999*"},
        {"state": "failed", "group": "g1*", "cause": CAUSE},
        {"where": "number == 13"},
        {"after": "m050000"},
    )
    member_changes = (
        {"state": "failed"},
        {"cause": CAUSE},
        {"group": "g150"},
        {"where": "number == 13"},
    )
    first, last = channels[0], channels[-1]
    traces = (
        {"channel": last},
        {"channel": first, "pulses": "two"},
        {"channel": first, "pulses": "one", "low": "0.9", "high": "1.1"},
        {"channel": last, "low": "1.4"},
        {"channel": last, "low": "1000"},
        {"channel": first, "after": "4.60000"},
        {"channel": first, "before": "7.100000"},
    )
    views = ("model_vp", "update_vp", "kernel_vp", "fits", "histograms")
    return [
        *(query("runs", **given) for given in runs),
        *(query("runs/change", verb="retry", **given) for given in changes),
        *(query(MEMBERS, **given) for given in members),
        *(query(MEMBERS, do="retry", **given) for given in member_changes),
        *(
            query(f"inversions/{INVERSION}/iteration", iteration="{n}", picture=view)
            for view in views
        ),
        query(f"inversions/{INVERSION}/fits", iteration="{n}"),
        query(f"inversions/{INVERSION}/fits", iteration="{n}", station="AA.S30", event="100"),
        *(query(TRACES, **given) for given in traces),
        query(f"data-runs/{DATA_RUN}", channel=last),
    ]


def first_links(text: str) -> Iterator[str]:
    """Yield the first links of a page to the next page of its list, and to a trace.

    Args:
        text: the page.
    """
    for name in ("marker", "after", "hit"):
        found = re.search(rf'href="([^"]*[?&;]{name}=[^"]*)"', text)
        if found is not None:
            yield unescape(found[1])


def channels_in(text: str) -> list[str]:
    """Return the channels that the page of traces offers.

    Args:
        text: the page.
    """
    chosen = re.search(r'<select id="channel".*?</select>', text, re.DOTALL)
    return re.findall(r"<option[^>]*>([^<]*)<", chosen[0]) if chosen else []
