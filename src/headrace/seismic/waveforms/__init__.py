"""Seismograms on disk and in memory: read, judged, paired and filtered."""
