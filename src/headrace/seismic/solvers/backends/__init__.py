"""Solvers that come with headrace, each in a module or package of its own."""
