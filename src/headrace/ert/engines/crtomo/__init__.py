"""CRTomo and CRMod as an engine: inversions and modellings in directories of their own layout.

The programs are a site's own. Layout, formats and behaviour: the documentation of crtomo_tools, and
CRTomo 1.8.0 itself, https://github.com/geophysics-ubonn/crtomo_stable.
"""
