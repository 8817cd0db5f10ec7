"""Rules of the checker, by subject."""
