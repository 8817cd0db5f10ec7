"""Kernels of vp, vs and rho out of what SPECFEM2D writes.

All of SPECFEM2D's kernels are relative. Those of vs (``beta``) and of fluids are taken as they are.
Its ``alpha`` and ``rhop`` in plane strain mix two bulk moduli (version 8: kappa is lambda + mu,
but vp is made of kappa + 4/3 mu), so that they are made here of its primary kernels. With q the
kernel of kappa divided by kappa, which does not depend on what kappa is::

    alpha = 2 kappa_kernel + 8/3 mu q               as SPECFEM2D writes it: gives q
    vp    = 2 rho vp^2 q
    rho   = rho_kernel + mu_kernel + rho (vp^2 - 4/3 vs^2) q

after Tromp, Tape and Liu (2005), equations 18 to 20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from headrace.seismic.models import Values

HESSIANS = ("Hessian1_kernel", "Hessian1_acoustic_kernel")
"""Approximate Hessians in solid and in fluid, zero in the other."""

ReadSum = Callable[..., Values]


def parameter_kernel(name: str, read: ReadSum, fields: Mapping[str, Values]) -> Values:
    """Return the relative kernel of a parameter at the mesh's points.

    Args:
        name: vp, vs or rho.
        read: reads fields of SPECFEM2D by their names and adds them; one of them must be there.
        fields: rho, vp and vs at the points.

    Returns:
        The kernel per m^2, shape ``(n,)``.
    """
    rho, vp, vs = fields["rho"], fields["vp"], fields["vs"]
    solid = vs > 0.0
    if name == "vs":
        return read("beta_kernel")
    if not solid.any():
        return read("c_acoustic_kernel" if name == "vp" else "rhop_acoustic_kernel")
    mixed = 3.0 * (read("alpha_kernel") - 2.0 * read("kappa_kernel"))
    q = np.divide(mixed, 8.0 * rho * vs**2, out=np.zeros_like(mixed), where=solid)
    if name == "vp":
        found = 2.0 * rho * vp**2 * q
        in_fluid = "c_acoustic_kernel"
    else:
        found = read("rho_kernel") + read("mu_kernel") + rho * (vp**2 - 4.0 / 3.0 * vs**2) * q
        in_fluid = "rhop_acoustic_kernel"
    return found if solid.all() else found + read(in_fluid)
