"""Engines that headrace brings: each a module or package with a function ``make(settings)``."""
