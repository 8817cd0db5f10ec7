"""Whatever happens to campaigns, in whatever order, their ledger holds what it promises."""

from __future__ import annotations

from tests.support.campaigns.ledger_machine import LedgerMachine
from tests.support.examples import examples

LedgerMachine.TestCase.settings = examples(60, stateful_step_count=30)
TestLedger = LedgerMachine.TestCase
