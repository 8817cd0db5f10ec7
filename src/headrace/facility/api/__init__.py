"""HTTP API of the facility: the calls of Globus Flows, Transfer, Search and Compute.

It promises the services' paths, documents and error codes, so that unmodified clients work; a
request is checked completely before anything of it is stored, and is answered after the commit.

``app`` puts the routes together; ``flows``, ``runs``, ``web_inputs``, ``transfer``, ``search``,
``compute`` and ``compute_tasks`` have the calls of a service each and their ``ROUTES``,
``run_changes``, ``run_logs`` and ``matching_runs`` those on many runs, ``changes`` what tells what
changed, for which requests wait in ``change_waiters``;
``documents`` has the shapes of flows and runs;
``requests`` reads bodies and parameters, ``responses`` and ``errors`` write answers. ``auth``,
``tokens``, ``authorize`` and ``grants`` are the login; ``connections`` bounds clients; ``unserved``
refuses calls of other services; ``backend`` names the parts of the facility that calls use.
"""

from headrace.facility.api.app import make_app
from headrace.facility.api.backend import Backend

__all__ = ["Backend", "make_app"]
