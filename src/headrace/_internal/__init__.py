"""Helpers that every package uses: files, locks, clocks, checks of text and JSON.

It imports nothing else of headrace.
"""
