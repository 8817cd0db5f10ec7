"""Kernels of vp, vs and rho out of SPECFEM2D's, whichever bulk modulus it has."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.seismic.solvers.backends.specfem2d.kernels import parameter_kernel

N = 50


def misfit(logs, strains):
    """Minus the work of the adjoint wave: 2 mu e:e + lambda div div, and that of inertia."""
    rho, vp, vs = np.exp(logs)
    shear, divergence, inertia = strains
    mu = rho * vs**2
    return -((rho * vp**2 - 2.0 * mu) * divergence + 2.0 * mu * shear) - rho * inertia


def as_specfem_writes(rho, vp, vs, strains, third):
    """Its kernels, with kappa = lambda + 2/3 mu or, as in plane strain, lambda + mu."""
    shear, divergence, inertia = strains
    mu = rho * vs**2
    kappa = rho * vp**2 - 2.0 * mu + (2.0 / 3.0 if third else 1.0) * mu
    found = {
        "rho_kernel": -rho * inertia,
        "kappa_kernel": -kappa * divergence,
        "mu_kernel": -2.0 * mu * (shear - divergence / 3.0),
    }
    ratio = 4.0 / 3.0 * mu / kappa
    found["alpha_kernel"] = 2.0 * (1.0 + ratio) * found["kappa_kernel"]
    found["beta_kernel"] = 2.0 * (found["mu_kernel"] - ratio * found["kappa_kernel"])
    return found


@pytest.mark.parametrize("third", [True, False])
@pytest.mark.parametrize(("place", "name"), list(enumerate(["rho", "vp", "vs"])))
def test_they_are_the_derivatives(third, place, name):
    random = np.random.default_rng(7)
    strains = random.normal(size=(3, N))
    values = np.array(
        [random.uniform(2.0, 3.0, N), random.uniform(5.0, 6.0, N), random.uniform(2.0, 3.0, N)]
    )
    written = as_specfem_writes(*values, strains, third)
    fields = dict(zip(("rho", "vp", "vs"), values, strict=True))
    found = parameter_kernel(name, lambda *names: written[names[0]], fields)
    step = np.zeros((3, 1))
    step[place] = 1e-6
    logs = np.log(values)
    measured = (misfit(logs + step, strains) - misfit(logs - step, strains)) / 2e-6
    assert found == pytest.approx(measured, rel=1e-5, abs=1e-5)


def test_fluid_and_solid_elements_are_put_together():
    fields = {"rho": np.ones(4), "vp": np.full(4, 2.0), "vs": np.array([1.0, 1.0, 0.0, 0.0])}
    strains = np.array([[1.0, 2.0, 0.0, 0.0], [3.0, 1.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]])
    written = as_specfem_writes(fields["rho"], fields["vp"], fields["vs"], strains, False)
    written["c_acoustic_kernel"] = np.array([0.0, 0.0, 7.0, 8.0])
    written["rhop_acoustic_kernel"] = np.array([0.0, 0.0, 5.0, 6.0])

    def read(name):
        return written[name]

    assert parameter_kernel("vp", read, fields)[2:].tolist() == [7.0, 8.0]
    assert parameter_kernel("vp", read, fields)[:2] == pytest.approx([-2 * 4.0 * 3, -2 * 4.0])
    assert parameter_kernel("rho", read, fields)[2:].tolist() == [5.0, 6.0]
    fields["vs"] = np.zeros(4)
    assert parameter_kernel("vp", read, fields).tolist() == [0.0, 0.0, 7.0, 8.0]
