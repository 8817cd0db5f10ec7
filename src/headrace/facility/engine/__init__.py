"""The engine: one thread that takes every run as far as it can go, and what it needs for that."""
