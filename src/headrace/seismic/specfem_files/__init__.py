"""Files that SPECFEM2D, SPECFEM3D and SPECFEM3D_GLOBE read and write."""

from headrace.seismic.specfem_files.fields import (
    check_points,
    field_file,
    field_names,
    field_points,
    read_field,
    write_field,
)
from headrace.seismic.specfem_files.gll_models import (
    GLL_AXIS,
    fields_from_model,
    gll_layout,
    is_gll,
    model_from_fields,
)
from headrace.seismic.specfem_files.inputs import source_file, stations_text
from headrace.seismic.specfem_files.par_file import ParFile, Value
from headrace.seismic.specfem_files.records import (
    ByteOrder,
    byte_order_of,
    read_record,
    record_length,
    write_record,
)

__all__ = [
    "GLL_AXIS",
    "ByteOrder",
    "ParFile",
    "Value",
    "byte_order_of",
    "check_points",
    "field_file",
    "field_names",
    "field_points",
    "fields_from_model",
    "gll_layout",
    "is_gll",
    "model_from_fields",
    "read_field",
    "read_record",
    "record_length",
    "source_file",
    "stations_text",
    "write_field",
    "write_record",
]
