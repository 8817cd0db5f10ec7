"""Index of the hits of a segment: a trace is found by channel, pile-up and chi-square at once.

An index is a file of its own, never beside a segment. `build` makes it, or adds what was
written since; `index_file` is its format; `selection` finds hits in the indexes of a run;
`traces` reads the traces and fits of some of them. Reading needs NumPy alone.
"""
