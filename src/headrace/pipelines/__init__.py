"""The runs and the pages of pipelines, beside the science that they do.

A package for each pipeline that has either; its pages come to `headrace.web` by the entry points
``headrace.web_pages``.
"""
