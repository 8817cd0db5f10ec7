"""Models, kernels and vectors as HDF5 files: fields, axes with units, provenance."""

from headrace.seismic.models.files import FieldReader, FieldWriter, content_of
from headrace.seismic.models.layout import Axis, FieldSpec, Layout, Slab, Values
from headrace.seismic.models.model import Model, extremes, read_model, write_model
from headrace.seismic.models.provenance import Parent, Provenance, versions_of

__all__ = [
    "Axis",
    "FieldReader",
    "FieldSpec",
    "FieldWriter",
    "Layout",
    "Model",
    "Parent",
    "Provenance",
    "Slab",
    "Values",
    "content_of",
    "extremes",
    "read_model",
    "versions_of",
    "write_model",
]
