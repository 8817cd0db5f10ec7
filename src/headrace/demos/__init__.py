"""Demonstrations: pipelines at work, with data that they make themselves."""
