"""The tables of campaign files, each declared in a module of its own."""
