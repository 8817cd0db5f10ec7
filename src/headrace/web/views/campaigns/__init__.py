"""Contents of the pages of campaigns, read from their ledger."""
