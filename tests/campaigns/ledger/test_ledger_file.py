"""The file of the ledger of campaigns: lost, exchanged or shared, and read beside its driver."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from headrace.campaigns import CampaignError, CampaignLedgerBusy, CampaignLedgerUnusable
from headrace.campaigns.ledger import CampaignLedger, read_ledger
from tests.support.campaigns.filled_ledger import FilledLedger


def started(path: Path) -> None:
    with FilledLedger(path) as world:
        world.add("a", "b")
        with world.transaction() as tables:
            tables.campaigns.set_state(world.campaign, "started")
        world.run("a")


def test_a_ledger_that_was_lost_is_no_new_beginning(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.local.db"
    started(path)
    path.unlink()
    with pytest.raises(
        CampaignLedgerUnusable, match=r"the ledger of campaigns is gone \(it had 1\)"
    ):
        CampaignLedger(path)
    with CampaignLedger(path, start_over=True) as ledger, ledger.transaction() as tables:
        assert tables.campaigns.all() == []


def test_an_older_copy_is_noticed_and_taken_with_its_campaigns_paused(tmp_path: Path) -> None:
    path, copy = tmp_path / "campaigns.local.db", tmp_path / "copy"
    started(path)
    shutil.copy(path, copy)
    with FilledLedger(path) as world:
        start = world.begin("b")
        world.ledger.ensure_counted([start])
    old_tag = start.tag
    shutil.copy(copy, path)
    with pytest.raises(CampaignLedgerUnusable, match="older copy \\(it knows 1 of 2 starts"):
        CampaignLedger(path)
    with CampaignLedger(path, start_over=True) as ledger:
        with ledger.transaction() as tables:
            row = tables.campaigns.get("napa")
            assert (row.state, "may not know of all runs" in row.pause_reason) == ("paused", True)
        assert ledger.ledger_id[:12] not in old_tag


def test_the_file_beside_it_knows_of_starts_before_they_are_sent(tmp_path: Path) -> None:
    with FilledLedger(tmp_path / "campaigns.db") as world:
        world.add("a")
        start = world.begin("a")
        world.ledger.ensure_counted([start])
        assert f'"starts": {start.id}' in (tmp_path / "campaigns.known").read_text()


def test_starts_that_somebody_deletes_are_missed(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.db"
    started(path)
    with CampaignLedger(path) as first:
        with CampaignLedger(path) as second, second.transaction() as tables:
            tables.database.execute("DELETE FROM attempts")
            tables.database.execute("DELETE FROM starts")
        with (
            pytest.raises(CampaignLedgerUnusable, match="1 start was deleted"),
            first.transaction(),
        ):
            pass


def test_others_read_what_is_committed(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.db"
    with FilledLedger(path) as world:
        world.add("a")
        with world.transaction() as tables:
            tables.campaigns.set_state(world.campaign, "started")
            with read_ledger(path) as read:
                assert read.campaigns.get("napa").state == "draft"
                assert read.members.counts(world.campaign) == {"ready": 1}
        with pytest.raises(CampaignError, match="readonly"), read_ledger(path) as read:
            read.campaigns.set_state(world.campaign, "paused")


def test_a_ledger_is_set_aside_only_while_nobody_works_with_it(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.db"
    started(path)
    with CampaignLedger(path) as ledger:
        path.unlink()
        with pytest.raises(CampaignLedgerBusy, match="first end the other driver"):
            CampaignLedger(path, start_over=True)
        with pytest.raises(CampaignLedgerUnusable, match=r"was deleted .* are kept in .*\.kept"):
            ledger.verify()


def test_damage_is_met_where_it_is_not_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.db"
    with FilledLedger(path) as world:
        world.add(*(f"m{number}" for number in range(2_000)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    path.write_bytes(content)
    with pytest.raises(CampaignLedgerUnusable, match="is damaged"):
        CampaignLedger(path)
    with (
        CampaignLedger(path, examine=False) as ledger,
        pytest.raises(CampaignLedgerUnusable, match="is damaged"),
        ledger.transaction() as tables,
    ):
        tables.database.execute("SELECT count(row), count(DISTINCT hash) FROM members").fetchall()
