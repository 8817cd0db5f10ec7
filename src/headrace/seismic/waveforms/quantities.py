"""Quantity of a trace: displacement, velocity, acceleration or pressure.

Given by the suffix of SPECFEM's files (``.semd``, ``.semv``, ``.sema``, ``.semp``; ``.sem`` alone
is SPECFEM3D_GLOBE's displacement), by the header ``idep`` of SAC, and by the instrument code of a
channel (the second letter of SEED's channel codes): a record of a velocity sensor is a velocity
until somebody says that it was corrected.

Sources: SPECFEM2D and SPECFEM3D manuals; SAC file format; FDSN source identifiers, channel codes.
"""

from __future__ import annotations

from typing import Final

DISPLACEMENT: Final = "displacement"
VELOCITY: Final = "velocity"
ACCELERATION: Final = "acceleration"
PRESSURE: Final = "pressure"

QUANTITIES: Final = (DISPLACEMENT, VELOCITY, ACCELERATION, PRESSURE)
"""All quantities, in the order in which one is taken where several are there."""


_OF_SUFFIX = {
    "": DISPLACEMENT,
    "d": DISPLACEMENT,
    "v": VELOCITY,
    "a": ACCELERATION,
    "p": PRESSURE,
    "c": "curl",
}
_OF_SAC = {6: DISPLACEMENT, 7: VELOCITY, 8: ACCELERATION}
_OF_INSTRUMENT = {
    "H": VELOCITY,
    "L": VELOCITY,
    "P": VELOCITY,
    "N": ACCELERATION,
    "G": ACCELERATION,
    "D": PRESSURE,
    # Not compared with any of `QUANTITIES`, but with their like.
    "A": "tilt",
    "F": "magnetic field",
    "J": "rotation",
    "K": "temperature",
    "M": "mass position",
    "S": "strain",
    "V": "strain",
}


def quantity_of_suffix(letter: str) -> str | None:
    """Return the quantity of a SPECFEM file by the letter after ``.sem``; None if it is unknown."""
    return _OF_SUFFIX.get(letter.lower())


def quantity_of_sac(idep: int) -> str | None:
    """Return the quantity that SAC's header ``idep`` names; None if it is unknown there."""
    return _OF_SAC.get(idep)


def quantity_of_channel(channel: str) -> str | None:
    """Return the quantity that the instrument of a SEED channel code measures.

    Args:
        channel: three letters, such as ``BHZ``; others say nothing, nor does the ``X`` of
            computed seismograms.
    """
    return _OF_INSTRUMENT.get(channel[1].upper()) if len(channel) == 3 else None


def instrument_rank(channel: str) -> int:
    """Rank instruments: seismometers before others, accelerometers last."""
    return {"H": 0, "L": 1, "P": 1, "N": 3, "G": 3}.get(channel[-2:-1].upper(), 2)
