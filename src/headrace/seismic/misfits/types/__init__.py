"""Misfits that come with the package: a module each, its name that of the misfit."""
