"""Modules that every worker needs, imported once by the process that workers are forked from."""

import gc

from headrace.compute.parsl_programs import import_light

import_light(
    [
        "parsl.executors.high_throughput.process_worker_pool",
        "globus_compute_endpoint.engines.helper",
        "multiprocessing.managers",
    ]
)
# The workers share these objects' memory for as long as nothing writes to it.
gc.collect()
gc.freeze()
