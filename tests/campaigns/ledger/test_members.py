"""Members of campaigns: added in bulk, compared when they come again, waiting for their needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.campaigns import CampaignError, NeedsCircle
from headrace.campaigns.ledger import AddedMembers, CampaignLedger, NewMember


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[CampaignLedger]:
    with CampaignLedger(tmp_path / "state" / "campaigns.local.db") as ledger:
        yield ledger


def add(ledger: CampaignLedger, *members: NewMember, campaign: str = "napa") -> AddedMembers:
    with ledger.transaction() as tables:
        row = tables.campaigns.add(campaign, {"title": "NapA"}, "sha")
        return tables.members.add(row.id, members, step="start")


def counts(ledger: CampaignLedger, campaign: str = "napa") -> dict[str, int]:
    with ledger.transaction() as tables:
        return tables.members.counts(tables.campaigns.get(campaign).id)


def state(ledger: CampaignLedger, key: str, campaign: str = "napa") -> str:
    with ledger.transaction() as tables:
        return tables.members.get(tables.campaigns.get(campaign).id, key).state


def test_members_have_what_they_were_added_with(ledger: CampaignLedger) -> None:
    row = {"name": "r001", "temperature": 310.5, "note": 'κ "quoted"\n', "atoms": [1, 2]}
    added = add(ledger, NewMember("r001", row, "wild", "gpu", 5, hash="h1", source="added"))
    assert added == AddedMembers(added=1)
    with ledger.transaction() as tables:
        campaign = tables.campaigns.get("napa")
        assert (campaign.state, campaign.definition) == ("draft", {"title": "NapA"})
        member = tables.members.get(campaign.id, "r001")
        assert tables.members.read([member.id]) == [member]
        assert tables.members.find(campaign.id, "r002") is None
    assert (member.row, member.group, member.category) == (row, "wild", "gpu")
    assert (member.state, member.priority, member.step, member.leg) == ("ready", 5.0, "start", 1)
    assert (member.hash, member.source, member.attempt) == ("h1", "added", 0)


def test_what_comes_again_is_compared(ledger: CampaignLedger) -> None:
    add(ledger, NewMember("a", {"x": 1}), NewMember("b", {"x": 1}, needs=("a",)))
    assert add(ledger, NewMember("a", {"x": 1})) == AddedMembers(unchanged=1)
    again = add(ledger, NewMember("a", {"x": 2}, priority=3), NewMember("b", {"x": 1}))
    assert again == AddedMembers(updated=("a", "b"))
    with ledger.transaction() as tables:
        campaign = tables.campaigns.get("napa").id
        a, b = (tables.members.get(campaign, key) for key in "ab")
    assert (a.row, a.priority, b.state, b.waits_for) == ({"x": 2}, 3.0, "ready", 0)


def test_a_key_stands_once_in_a_table(ledger: CampaignLedger) -> None:
    with pytest.raises(CampaignError, match="the key 'a' stands twice"):
        add(ledger, NewMember("a"), NewMember("b"), NewMember("a"))
    assert add(ledger, NewMember("a")) == AddedMembers(added=1)


def test_a_row_that_cannot_be_kept_is_named(ledger: CampaignLedger) -> None:
    with pytest.raises(CampaignError, match="member a: its row cannot be kept"):
        add(ledger, NewMember("a", {"x": float("nan")}))


def test_members_wait_for_what_they_need(ledger: CampaignLedger) -> None:
    add(ledger, NewMember("b", needs=("a", "later")), NewMember("a"))
    assert counts(ledger) == {"waiting": 1, "ready": 1}
    add(ledger, NewMember("c", needs=("napa:b", "napa:*")), campaign="figures")
    with ledger.transaction() as tables:
        member = tables.members.get(tables.campaigns.get("figures").id, "c")
        assert (member.state, member.waits_for) == ("waiting", 2)


@pytest.mark.parametrize("ring", [1, 2, 3, 5_000])
def test_members_that_need_each_other_are_refused(ledger: CampaignLedger, ring: int) -> None:
    members = [NewMember(f"m{n}", needs=(f"m{(n + 1) % ring}",)) for n in range(ring)]
    with pytest.raises(NeedsCircle, match="m0 needs ") as refused:
        add(ledger, NewMember("other"), *members)
    assert "\n" not in str(refused.value)
    with ledger.transaction() as tables:
        assert tables.campaigns.find("napa") is None


def test_a_circle_that_an_addition_closes_is_refused(ledger: CampaignLedger) -> None:
    add(ledger, NewMember("a", needs=("b",)))
    add(ledger, NewMember("c", needs=("napa:a",)), campaign="other")
    with pytest.raises(NeedsCircle, match=r"b needs c needs a needs b"):
        add(ledger, NewMember("b", needs=("other:c",)))
    with pytest.raises(NeedsCircle, match=r"other:\*"):
        add(ledger, NewMember("b", needs=("other:*",)))
    add(ledger, NewMember("b", needs=("other:d",)))


def test_equal_work_is_done_once(ledger: CampaignLedger) -> None:
    added = add(
        ledger, NewMember("a", hash="h"), NewMember("b", hash="h"), NewMember("c", hash="i")
    )
    assert added == AddedMembers(added=3, shared=("b",))
    assert add(ledger, NewMember("d", hash="h")).shared == ("d",)
    with ledger.transaction() as tables:
        campaign = tables.campaigns.get("napa").id
        a, b = (tables.members.get(campaign, key) for key in "ab")
    assert (b.state, b.shared_with) == ("shared", a.id)


def test_many_members_are_added_at_once(ledger: CampaignLedger) -> None:
    many = [NewMember(f"m{n}", {"x": n}, needs=(f"m{n - 1}",) * (n % 2)) for n in range(20_000)]
    assert add(ledger, *many).added == 20_000
    assert counts(ledger) == {"ready": 10_000, "waiting": 10_000}
    assert add(ledger, *many) == AddedMembers(unchanged=20_000)


def test_an_unknown_campaign_is_told_with_the_known_ones(ledger: CampaignLedger) -> None:
    add(ledger, NewMember("a"))
    with ledger.transaction() as tables, pytest.raises(CampaignError, match="did you mean 'napa'"):
        tables.campaigns.get("nap")


def test_who_shared_work_that_is_another_one_now_does_it_itself(ledger: CampaignLedger) -> None:
    add(ledger, *(NewMember(key, hash="h") for key in "abc"), NewMember("d", hash="i"))
    assert add(ledger, NewMember("a", hash="i")).shared == ("a",)
    assert [state(ledger, key) for key in "abcd"] == ["shared", "ready", "shared", "ready"]
    with ledger.transaction() as tables:
        campaign = tables.campaigns.get("napa").id
        a, b, c, d = (tables.members.get(campaign, key) for key in "abcd")
    assert (a.shared_with, c.shared_with) == (d.id, b.id)
