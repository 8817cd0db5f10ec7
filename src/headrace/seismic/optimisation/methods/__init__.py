"""Optimisation methods of this package: a module each, named as the method."""
