"""Misfit windows: selected, or taken from an earlier result."""
