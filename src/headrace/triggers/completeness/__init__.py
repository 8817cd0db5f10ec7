"""Decide when an arrival is complete."""
