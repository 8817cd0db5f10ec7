"""Engines that headrace brings; each has a function `make(settings)`."""
