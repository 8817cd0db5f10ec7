"""Driver of campaigns: starts the runs of members, follows them, and does what follows."""
