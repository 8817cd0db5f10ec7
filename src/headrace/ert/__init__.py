"""Electrical resistivity tomography (ERT): inversions and modellings of directories.

A compute node needs this package alone; it imports nothing of the orchestration. Its parts have
public APIs of their own, so that a program loads only what it uses::

    headrace.ert.engine      the interface of engines, `Engine`
    headrace.ert.registry    engines by name: those here, and those of other packages
    headrace.ert.engines     pyGIMLi, embedded; CRTomo and CRMod, programs of the site
    headrace.ert.jobs        what a directory still needs: a modelling, an inversion, nothing
    headrace.ert.synthetic   sections that were never measured, for demonstrations and tests
"""

from headrace.ert.errors import EngineMissing, ErtError, InversionFailed, SettingsError

__all__ = ["EngineMissing", "ErtError", "InversionFailed", "SettingsError"]
