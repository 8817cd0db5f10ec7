"""Carries science data from where they are born to a supercomputer and back."""

__version__ = "0.1.0"
