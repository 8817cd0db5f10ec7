"""Pictures and HTML reports of an inversion."""
