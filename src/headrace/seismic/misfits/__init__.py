"""Misfits of the windows of one pair and their adjoint sources."""
