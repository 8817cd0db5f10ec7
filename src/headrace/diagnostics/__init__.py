"""Check all that a run needs before it is started."""
