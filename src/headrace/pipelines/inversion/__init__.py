"""Inversions of a project: their directories, their runs, and their pages.

``directories`` finds them, ``runs`` says who advances one. ``pages`` declares the pages,
``iterations`` and ``fits`` read what they show, ``misfit_curves`` draws, ``actions`` steers.
"""
