"""The table of lanes' states: drained, limited, lost; within a transaction."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.campaigns.ledger.ledger_table import LedgerTable


@dataclass(frozen=True, slots=True)
class LaneState:
    """The state of a lane of a campaign, as people and the driver have set it.

    Attributes:
        lane: name of the lane.
        drained: whether nothing more is to be started there.
        open_limit: members under way there at most; None for what the campaign's file says.
        lost_since: since when it has not answered, UTC in ISO format; "" while it does.
        reason: why it is drained or lost.
    """

    lane: str
    drained: bool = False
    open_limit: int | None = None
    lost_since: str = ""
    reason: str = ""


class LaneTable(LedgerTable):
    """The states of lanes."""

    def get(self, campaign: int, lane: str) -> LaneState:
        """Return the state of a lane; one of which nothing was said is as its file says."""
        return self.all(campaign).get(lane, LaneState(lane))

    def all(self, campaign: int) -> dict[str, LaneState]:
        """Return the states of the lanes of a campaign of which something was said, by name."""
        rows = self._database.execute(
            "SELECT lane, drained, open_limit, lost_since, reason FROM lane_states "
            "WHERE campaign = ? ORDER BY lane",
            (campaign,),
        )
        return {row[0]: LaneState(row[0], bool(row[1]), *row[2:]) for row in rows}

    def set_drained(self, campaign: int, lane: str, drained: bool, reason: str = "") -> None:
        """Write down whether nothing more is to be started in a lane."""
        self._make(campaign, lane)
        self._database.execute(
            "UPDATE lane_states SET drained = ?, reason = ? WHERE campaign = ? AND lane = ?",
            (drained, reason, campaign, lane),
        )

    def set_limit(self, campaign: int, lane: str, limit: int | None) -> None:
        """Write down how many members a lane has under way at most; None as its file says."""
        self._make(campaign, lane)
        self._database.execute(
            "UPDATE lane_states SET open_limit = ? WHERE campaign = ? AND lane = ?",
            (limit, campaign, lane),
        )

    def mark_lost(self, campaign: int, lane: str, reason: str) -> None:
        """Write down that a lane does not answer; the first time counts."""
        self._make(campaign, lane)
        self._database.execute(
            "UPDATE lane_states SET lost_since = CASE lost_since WHEN '' THEN ? ELSE lost_since "
            "END, reason = ? WHERE campaign = ? AND lane = ?",
            (self._now, reason, campaign, lane),
        )

    def mark_back(self, campaign: int, lane: str) -> None:
        """Write down that a lane answers again."""
        self._database.execute(
            "UPDATE lane_states SET lost_since = '', "
            "reason = CASE WHEN drained THEN reason ELSE '' END "
            "WHERE campaign = ? AND lane = ? AND lost_since <> ''",
            (campaign, lane),
        )

    def _make(self, campaign: int, lane: str) -> None:
        self._database.execute(
            "INSERT OR IGNORE INTO lane_states (campaign, lane) VALUES (?, ?)", (campaign, lane)
        )
