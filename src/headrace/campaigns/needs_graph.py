"""Needs of members among each other: what is not there, and circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

_SHOWN = 8


class NeedsGraph:
    """Needs of the members of one campaign.

    Args:
        campaign: its name.
    """

    def __init__(self, campaign: str) -> None:
        self._campaign = campaign
        self._keys: set[str] = set()
        self._needs: dict[str, tuple[str, ...]] = {}

    def add(self, key: str, needs: Sequence[str]) -> None:
        """Add a member.

        Args:
            key: the member's key.
            needs: keys of this campaign, ``CAMPAIGN:KEY`` of another one.
        """
        self._keys.add(key)
        if needs:
            self._needs[key] = tuple(needs)

    def unknown(self) -> Iterator[tuple[str, str]]:
        """Yield members and a key of this campaign that each needs and no member has."""
        for key, needs in self._needs.items():
            for need in needs:
                own = self._own(need)
                if own is not None and own != "*" and own not in self._keys:
                    yield key, own

    def campaigns(self) -> dict[str, str]:
        """Return the other campaigns that members need, each with the first that does."""
        found: dict[str, str] = {}
        for key, needs in self._needs.items():
            for need in needs:
                campaign, colon, _ = need.partition(":")
                if colon and campaign != self._campaign:
                    found.setdefault(campaign, key)
        return found

    def circle(self) -> list[str]:
        """Return members of which each needs the next, and the last the first; [] for none."""
        edges = {
            key: [own for need in needs if (own := self._own(need)) in self._keys and own]
            for key, needs in self._needs.items()
        }
        done: set[str] = set()
        for start in edges:
            if start not in done and (found := _circle_from(start, edges, done)):
                return found
        return []

    def _own(self, need: str) -> str | None:
        """Return the key in this campaign; None of one in another."""
        campaign, colon, key = need.partition(":")
        if not colon:
            return need
        return key if campaign == self._campaign else None


def circle_text(keys: Sequence[str]) -> str:
    """Return a circle in one line."""
    shown = [*keys[:_SHOWN], *(["..."] if len(keys) > _SHOWN else []), keys[0]]
    return " needs ".join(shown)


def _circle_from(start: str, edges: Mapping[str, Sequence[str]], done: set[str]) -> list[str]:
    """Return a circle that can be reached from a member; chains may be as long as the table."""
    path: list[str] = [start]
    position = {start: 0}
    waiting = [iter(edges[start])]
    while waiting:
        key = next(waiting[-1], None)
        if key is None:
            waiting.pop()
            last = path.pop()
            del position[last]
            done.add(last)
        elif key in position:
            return path[position[key] :]
        elif key not in done and key in edges:
            position[key] = len(path)
            path.append(key)
            waiting.append(iter(edges[key]))
    return []
