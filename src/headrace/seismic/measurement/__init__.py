"""Measure events: stations shared out among ranks, results gathered and written."""
