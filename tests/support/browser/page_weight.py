"""What a page costs: bytes and requests, and when it is first seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page


@dataclass
class PageWeight:
    """What the browser asked for until a page was there, from an empty cache.

    Attributes:
        bodies: bytes of each answer's body as it was sent, by URL.
        first_paint: milliseconds from the request to the first pixel.
        first_contentful_paint: milliseconds from the request to the first text or picture.
    """

    bodies: dict[str, int] = field(default_factory=dict)
    first_paint: float = 0.0
    first_contentful_paint: float = 0.0

    @property
    def bytes(self) -> int:
        """All bodies."""
        return sum(self.bodies.values())

    @property
    def requests(self) -> int:
        """How many URLs were asked for."""
        return len(self.bodies)

    def __str__(self) -> str:
        lines = sorted(((size, url) for url, size in self.bodies.items()), reverse=True)
        return "\n".join(
            [
                f"{self.bytes} bytes in {self.requests} requests",
                *(f"{size:9} {url}" for size, url in lines),
            ]
        )


def weigh(page: Page, url: str) -> PageWeight:
    """Opens a URL with an empty cache and returns what it cost, until it has loaded and is seen."""
    weight = PageWeight()
    urls: dict[str, str] = {}
    session = page.context.new_cdp_session(page)

    def on_response(event: dict[str, Any]) -> None:
        asked = event["response"]["url"]
        if not asked.startswith(("data:", "blob:")):
            urls[event["requestId"]] = asked
            weight.bodies.setdefault(asked, 0)

    def on_data(event: dict[str, Any]) -> None:
        # Bytes as they came; those of the text are told by `dataLength`, in events of their own.
        if event["requestId"] in urls:
            weight.bodies[urls[event["requestId"]]] += event["encodedDataLength"]

    session.on("Network.responseReceived", on_response)
    session.on("Network.dataReceived", on_data)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    try:
        page.goto(url, wait_until="load")
        paints = page.evaluate(
            """() => new Promise(resolve => {
                const seen = {};
                new PerformanceObserver(list => {
                    for (const entry of list.getEntries()) seen[entry.name] = entry.startTime;
                    if (seen['first-contentful-paint'] !== undefined) resolve(seen);
                }).observe({type: 'paint', buffered: true});
            })"""
        )
    finally:
        session.detach()
    weight.first_paint = paints["first-paint"]
    weight.first_contentful_paint = paints["first-contentful-paint"]
    return weight
