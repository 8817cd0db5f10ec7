"""The tables of trigger files, declared: each in a module of its own."""
