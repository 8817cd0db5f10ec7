"""Solvers that come with the package: a module or package each, its name that of the solver."""
