"""Progress of a campaign: one screen for thousands of members, few lines where nobody looks on."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from headrace.campaigns.forecast import Forecast
from headrace.campaigns.ledger.member import STATES
from headrace.campaigns.status import CampaignStatus, LaneStatus
from headrace.cli.termio import campaign_progress
from headrace.cli.termio.campaign_progress import (
    LineBoard,
    LiveBoard,
    QuietBoard,
    counts_text,
    end_text,
    make_campaign_board,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def status(**counts: int) -> CampaignStatus:
    return CampaignStatus(
        name="napa",
        title="NapA",
        state="started",
        pause_reason="",
        priority=0.0,
        started_at="",
        ended_at="",
        counts={**dict.fromkeys(STATES, 0), **counts},
        core_hours=1.0,
        core_hours_limit=None,
        lanes=(LaneStatus("frontera", 60, 60, done=12, failed=1), LaneStatus("desk", drained=True)),
        forecast=Forecast(12.5, 100, NOW, NOW - timedelta(hours=1), NOW + timedelta(hours=2)),
        people=("3 failed; `headrace campaign why napa`",),
    )


def drawn(found: CampaignStatus, width: int = 80, height: int = 24) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=width, height=height, force_terminal=True, highlight=False)
    board = LiveBoard(console)
    console.print(board._figures(found))
    import re

    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue()).splitlines()


def test_one_screen_shows_thousands_of_members() -> None:
    lines = drawn(status(done=60_000, running=60, ready=39_937, failed=3))
    assert len(lines) <= 22
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("napa  60,000 of 100,000 done")
    assert set(lines[1].strip()) == {"█", "░"}
    assert "60,000 done" in lines[2]
    assert any("frontera: 60 of 60 under way, 12 done, 1 failed" in line for line in lines)
    assert any(line.startswith("desk") and line.endswith("drained") for line in lines)
    assert any("headrace campaign why" in line for line in lines)


def test_the_bar_shows_what_is_there_however_little_it_is() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=60, color_system="truecolor", force_terminal=True)
    console.print(campaign_progress._bar(status(done=99_999, failed=1), 50))
    assert "\x1b[31m█" in stream.getvalue(), "the one that failed is red"


@pytest.mark.parametrize(("width", "height"), [(20, 5), (200, 60)])
def test_a_screen_of_any_size_is_kept_to(width: int, height: int) -> None:
    many = replace(status(running=5), lanes=tuple(LaneStatus(f"lane{n}") for n in range(100)))
    lines = drawn(many, width, height)
    assert max(map(len, lines)) <= width
    assert len(lines) <= max(height, 6)


def test_lines_are_few(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("headrace.cli.termio.campaign_progress.time.monotonic", lambda: clock[0])
    with LineBoard() as board:
        for second in range(0, 180, 2):
            clock[0] = float(second)
            board.show(status(done=second, ready=200 - second))
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        "napa: 200 ready",
        "napa: 140 ready, 60 done",
        "napa: 80 ready, 120 done",
    ]


def test_a_quiet_board_shows_messages_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with make_campaign_board(quiet=True) as board:
        assert isinstance(board, QuietBoard)
        board.show(status(done=1))
        board.say("lane desk\nis lost \x1b[31m")
    assert capsys.readouterr().err == "lane desk is lost \\x1b[31m\n"
    assert isinstance(make_campaign_board(), LineBoard)


def test_words_are_short() -> None:
    assert counts_text(status(done=2, failed=1)) == "2 done, 1 failed"
    assert end_text(status()).startswith("12.5 an hour, ends 2026-03-01")
    unknown = replace(status(), forecast=Forecast(None, 0, reason="too few"))
    assert end_text(unknown) == ""
