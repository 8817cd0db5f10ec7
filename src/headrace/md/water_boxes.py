"""Small boxes of water as inputs of simulations, for examples and tests; nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from headrace.md.engines.gromacs.programs import GromacsPrograms
from headrace.md.engines.openmm import inputs
from headrace.md.errors import EngineMissing, SettingsError

BOX_NM: Final = 1.9
"""Edge of a box, in nm: about 210 molecules, and room for a cutoff of 0.8 nm."""

_TOPOLOGY: Final = """\
#include "oplsaa.ff/forcefield.itp"
#include "oplsaa.ff/spce.itp"

[ system ]
A box of water

[ molecules ]
"""
_MDP: Final = """\
; A box of SPC/E water at {temperature:g} K
integrator           = md
dt                   = 0.002
nsteps               = {steps}
nstxout-compressed   = {frame_steps}
nstenergy            = {energy_steps}
nstcalcenergy        = 10
nstlog               = {energy_steps}
cutoff-scheme        = verlet
nstlist              = 10
coulombtype          = PME
rcoulomb             = 0.8
rvdw                 = 0.8
constraints          = h-bonds
tcoupl               = v-rescale
tc-grps              = system
tau-t                = 0.2
ref-t                = {temperature:g}
ld-seed              = {seed}
gen-vel              = yes
gen-temp             = {temperature:g}
gen-seed             = {seed}
"""
_SIMULATION: Final = """\
steps = {steps}
frame_steps = {frame_steps}
energy_steps = {energy_steps}
"""


def write_water_box(
    engine: str,
    directory: Path,
    *,
    temperature_k: float = 300.0,
    steps: int = 1500,
    frame_steps: int = 100,
    energy_steps: int = 50,
    seed: int = 1,
) -> None:
    """Write the input of a simulation of a water box.

    Args:
        engine: ``gromacs`` or ``openmm``.
        directory: the directory; made where it is missing.
        temperature_k: temperature, in K.
        steps: steps of 2 fs that the simulation has.
        frame_steps: steps between two frames.
        energy_steps: steps between two rows of energies.
        seed: of velocities and thermostat.

    Raises:
        EngineMissing: the engine is not on this machine.
        SettingsError: another engine.
        MdError: the engine's programs failed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    numbers = {"steps": steps, "frame_steps": frame_steps, "energy_steps": energy_steps}
    if engine == "gromacs":
        text = _MDP.format(temperature=temperature_k, seed=seed, **numbers)
        _write_gromacs(directory, text)
    elif engine == "openmm":
        _write_openmm(directory, temperature_k, seed)
        text = _SIMULATION.format(**numbers)
        (directory / inputs.SIMULATION).write_text(text, encoding="utf-8")
    else:
        raise SettingsError(f"engine {engine!r}: water boxes are made for gromacs and openmm")


def available_engine() -> str:
    """Return the engine that this machine has: ``gromacs``, else ``openmm``.

    Raises:
        EngineMissing: it has none.
    """
    import importlib.util
    import shutil

    if shutil.which("gmx"):
        return "gromacs"
    if importlib.util.find_spec("openmm"):
        return "openmm"
    raise EngineMissing(
        "no engine here: install GROMACS (gmx on PATH), or OpenMM by pip install 'headrace[md]'"
    )


def _write_gromacs(directory: Path, mdp: str) -> None:
    programs = GromacsPrograms.of("gmx", "gmx mdrun")
    (directory / "md.mdp").write_text(mdp, encoding="utf-8")
    (directory / "topol.top").write_text(_TOPOLOGY, encoding="utf-8")
    edge = f"{BOX_NM:g}"
    box = ("-box", edge, edge, edge)
    words = ("solvate", "-cs", "spc216.gro", *box, "-p", "topol.top", "-o", "box.gro")
    programs.call(*words, cwd=directory)
    for backup in directory.glob("#*#"):
        backup.unlink()


def _write_openmm(directory: Path, temperature_k: float, seed: int) -> None:
    try:
        import openmm
        from openmm import app, unit
    except ModuleNotFoundError as error:
        remedy = "pip install 'headrace[md]'"
        raise EngineMissing(f"engine openmm needs {error.name}: {remedy}") from None

    field = app.ForceField("tip3p.xml")
    modeller = app.Modeller(app.Topology(), [] * unit.nanometer)
    edge = openmm.Vec3(BOX_NM, BOX_NM, BOX_NM) * unit.nanometer
    modeller.addSolvent(field, model="tip3p", boxSize=edge)
    cutoff = 0.8 * unit.nanometer
    system = field.createSystem(modeller.topology, app.PME, nonbondedCutoff=cutoff)
    kelvin = temperature_k * unit.kelvin
    integrator = openmm.LangevinMiddleIntegrator(kelvin, 1 / unit.picosecond, 0.002)
    integrator.setRandomNumberSeed(seed)
    platform = openmm.Platform.getPlatformByName("CPU")
    simulation = app.Simulation(modeller.topology, system, integrator, platform)
    simulation.context.setPositions(modeller.positions)
    simulation.minimizeEnergy(maxIterations=50)
    simulation.context.setVelocitiesToTemperature(kelvin, seed)
    state = simulation.context.getState(positions=True, velocities=True)
    for name, thing in (
        (inputs.SYSTEM, system),
        (inputs.INTEGRATOR, integrator),
        (inputs.START, state),
    ):
        text = openmm.XmlSerializer.serialize(thing)
        (directory / name).write_text(text, encoding="utf-8")
    with (directory / inputs.TOPOLOGY).open("w", encoding="utf-8") as stream:
        app.PDBFile.writeFile(modeller.topology, state.getPositions(), stream)
