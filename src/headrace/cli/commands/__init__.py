"""The commands: one file each, a package for each group."""
