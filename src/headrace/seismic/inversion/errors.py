"""What can go wrong with an inversion."""

from headrace.seismic.errors import SeismicError


class InversionError(SeismicError):
    """An inversion that cannot go on; the message says what is wrong, where, and the way out."""
