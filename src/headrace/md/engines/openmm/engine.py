"""Legs of OpenMM: a loop over steps, with frames, energies and checkpoints at their intervals."""

from __future__ import annotations

import platform as machine
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headrace._internal.atomic import publish_file, temporary_beside
from headrace.md.energies import Energies, joined, read_energies
from headrace.md.engine import LegDirectory, Position, Stretch
from headrace.md.engines.openmm import inputs
from headrace.md.engines.openmm.checkpoints import (
    Checkpoint,
    make_current,
    read_checkpoints,
    write_checkpoint,
)
from headrace.md.engines.openmm.outputs import PartWriter, cut_parts, part_files
from headrace.md.errors import MdError, SettingsError
from headrace.md.settings import OpenmmSettings, read_engine_settings

# Steps between two looks at the clock: few enough for a large system, many for a small one.
_STRIDE: Final = 100
_GAS_CONSTANT: Final = 0.00831446261815324


def make(settings: Mapping[str, Any]) -> Openmm:
    """Make the engine.

    Args:
        settings: keys of the table ``[openmm]``.

    Raises:
        SettingsError: a key is unknown or wrong, or there is no such platform.
        ModuleNotFoundError: OpenMM is not installed.
    """
    import openmm

    read = read_engine_settings(OpenmmSettings, "openmm", settings)
    there = [
        openmm.Platform.getPlatform(number).getName()
        for number in range(openmm.Platform.getNumPlatforms())
    ]
    if read.platform and read.platform not in there:
        raise SettingsError(f"[openmm] platform {read.platform!r}: there are {', '.join(there)}")
    properties = {name: str(value) for name, value in read.properties.items()}
    return Openmm(read.platform, properties, read.checkpoint_minutes)


@dataclass(frozen=True)
class Openmm:
    """Runs legs by OpenMM.

    Attributes:
        platform: name of the platform; empty: the fastest.
        properties: its properties.
        checkpoint_minutes: minutes between two checkpoints.
    """

    platform: str
    properties: Mapping[str, str]
    checkpoint_minutes: float

    def version(self) -> str:
        """Return name and version, for example ``OpenMM 8.2``."""
        import openmm

        return f"OpenMM {openmm.Platform.getOpenMMVersion()}"

    def prepare(self, leg: LegDirectory) -> None:
        """Take the files of the input into the state, unless they are there."""
        for name in inputs.FILES:
            target, source = leg.state / name, leg.input / name
            if target.exists():
                continue
            if not source.exists():
                raise MdError(
                    f"{source}: missing; the input of OpenMM is {', '.join(inputs.FILES)}"
                )
            temporary = temporary_beside(target)
            shutil.copyfile(source, temporary)
            publish_file(temporary, target)
        inputs.read_simulation(leg.state / inputs.SIMULATION)

    def settle(self, leg: LegDirectory) -> Position:
        """Find the last whole checkpoint, and cut the leg's parts to it."""
        settings = inputs.read_simulation(leg.state / inputs.SIMULATION)
        faults: list[str] = []
        step_ps = _step_ps(leg)
        for found in read_checkpoints(leg.state, faults):
            try:
                cut_parts(leg, found)
            except MdError as error:
                faults.append(str(error))
                continue
            make_current(leg.state, found)
            return Position(found.step, settings.steps, step_ps)
        if faults:
            raise MdError(f"{faults[0]}; no checkpoint in {leg.state} can be gone on from")
        cut_parts(leg, None)
        return Position(0, settings.steps, step_ps)

    def advance(self, leg: LegDirectory, stretch: Stretch) -> None:
        """Go on from the last checkpoint until a step, or for a time."""
        import openmm

        started = time.monotonic()
        settings = inputs.read_simulation(leg.state / inputs.SIMULATION)
        simulation = self._simulation(leg)
        made_by = self._made_by(simulation)
        checkpoint = _checkpoint_at(leg, stretch.begin_step)
        part = checkpoint.part + 1 if checkpoint else 1
        _restore(simulation, leg, checkpoint, made_by)
        with PartWriter(
            leg, part, simulation.topology, _step_ps(leg), settings.frame_steps
        ) as writer:

            def save() -> None:
                stretch.stop.check_owner()
                context = simulation.context
                state = context.getState(positions=True, velocities=True, parameters=True)
                write_checkpoint(
                    leg.state,
                    simulation.currentStep,
                    part,
                    made_by,
                    context.createCheckpoint(),
                    openmm.XmlSerializer.serialize(state),
                    writer.flush(),
                )

            freedom = _degrees_of_freedom(simulation.system)
            if checkpoint is None:
                _report(simulation, writer, settings, freedom)
            saved = time.monotonic()
            while simulation.currentStep < stretch.end_step:
                simulation.step(_stride(simulation.currentStep, stretch.end_step, settings))
                stretch.stop.check_owner_at_times()
                _report(simulation, writer, settings, freedom)
                now = time.monotonic()
                over = stretch.seconds is not None and now - started >= stretch.seconds
                if over or stretch.stop.requested:
                    break
                if now - saved >= self.checkpoint_minutes * 60:
                    save()
                    saved = time.monotonic()
            save()

    def energies(self, leg: LegDirectory) -> Energies:
        """Read the energies of the leg's parts."""
        return joined([read_energies(path) for path in part_files(leg, "csv")])

    def files(self, leg: LegDirectory) -> list[Path]:
        """Return the leg's trajectory files in the order of time."""
        return part_files(leg, "xtc")

    def _simulation(self, leg: LegDirectory) -> Any:
        import openmm
        from openmm import app

        texts = [
            (leg.state / name).read_text(encoding="utf-8")
            for name in (inputs.SYSTEM, inputs.INTEGRATOR)
        ]
        try:
            system, integrator = map(openmm.XmlSerializer.deserialize, texts)
            topology = app.PDBFile(str(leg.state / inputs.TOPOLOGY)).topology
            chosen = openmm.Platform.getPlatformByName(self.platform) if self.platform else None
            # Without a platform of one's own, properties cannot be told.
            arguments = (chosen, dict(self.properties)) if chosen is not None else ()
            return app.Simulation(topology, system, integrator, *arguments)
        except (openmm.OpenMMException, ValueError) as error:
            raise MdError(f"{leg.state}: {_one_line(error)}") from None

    def _made_by(self, simulation: Any) -> str:
        name = simulation.context.getPlatform().getName()
        return f"{self.version()} {name} {machine.machine()} {machine.node()}"


def _degrees_of_freedom(system: Any) -> int:
    """Count them as OpenMM's StateDataReporter does."""
    import openmm
    from openmm import unit

    def has_mass(number: int) -> bool:
        return bool(system.getParticleMass(number) > 0 * unit.dalton)

    constraints = (
        system.getConstraintParameters(number)[:2] for number in range(system.getNumConstraints())
    )
    freedom = 3 * sum(map(has_mass, range(system.getNumParticles())))
    freedom -= sum(has_mass(first) and has_mass(second) for first, second in constraints)
    forces = [system.getForce(number) for number in range(system.getNumForces())]
    if any(isinstance(force, openmm.CMMotionRemover) for force in forces):
        freedom -= 3
    return max(1, freedom)


def _checkpoint_at(leg: LegDirectory, step: int) -> Checkpoint | None:
    """Return the checkpoint of a step; None at step 0, where there is none."""
    found = next((each for each in read_checkpoints(leg.state, []) if each.step == step), None)
    if found is None and step:
        raise MdError(f"{leg.state}: its checkpoint of step {step} is not there any more")
    return found


def _restore(
    simulation: Any, leg: LegDirectory, checkpoint: Checkpoint | None, made_by: str
) -> None:
    """Put a simulation where a checkpoint is: exactly where that is possible, else by its state."""
    import openmm

    context = simulation.context
    if checkpoint is None:
        start = (leg.state / inputs.START).read_text(encoding="utf-8")
        try:
            context.setState(openmm.XmlSerializer.deserialize(start))
        except openmm.OpenMMException as error:
            raise MdError(f"{leg.state / inputs.START}: {_one_line(error)}") from None
        simulation.currentStep = 0
        context.setTime(0.0)
        return
    if checkpoint.made_by == made_by:
        try:
            context.loadCheckpoint((leg.state / checkpoint.exact_name).read_bytes())
        except openmm.OpenMMException:
            # Another build of the same version: the state serves.
            made_by = ""
    if checkpoint.made_by != made_by:
        text = (leg.state / checkpoint.state_name).read_text(encoding="utf-8")
        context.setState(openmm.XmlSerializer.deserialize(text))
    simulation.currentStep = checkpoint.step


def _report(
    simulation: Any, writer: PartWriter, settings: inputs.SimulationSettings, freedom: int
) -> None:
    """Write what is due at the present step."""
    from openmm import unit

    step = simulation.currentStep
    frame, energy = step % settings.frame_steps == 0, step % settings.energy_steps == 0
    if not frame and not energy:
        return
    state = simulation.context.getState(positions=frame, energy=energy)
    if frame:
        box = state.getPeriodicBoxVectors()
        try:
            writer.frame(step, state.getPositions(asNumpy=True), box)
        except ValueError as error:
            raise MdError(f"step {step}: {str(error).partition('  ')[0]}") from None
    if energy:
        joule = unit.kilojoule_per_mole
        potential = state.getPotentialEnergy().value_in_unit(joule)
        kinetic = state.getKineticEnergy().value_in_unit(joule)
        step_ps = simulation.integrator.getStepSize().value_in_unit(unit.picosecond)
        temperature = 2 * kinetic / (freedom * _GAS_CONSTANT)
        time_ps = round(step * step_ps, 9)
        writer.energy([time_ps, potential, kinetic, potential + kinetic, temperature])


def _stride(step: int, end: int, settings: inputs.SimulationSettings) -> int:
    """Return how many steps to go until something is due."""
    return min(
        end - step,
        settings.frame_steps - step % settings.frame_steps,
        settings.energy_steps - step % settings.energy_steps,
        _STRIDE,
    )


def _step_ps(leg: LegDirectory) -> float:
    import openmm
    from openmm import unit

    text = (leg.state / inputs.INTEGRATOR).read_text(encoding="utf-8")
    try:
        integrator = openmm.XmlSerializer.deserialize(text)
        return float(integrator.getStepSize().value_in_unit(unit.picosecond))
    except (openmm.OpenMMException, ValueError, AttributeError) as error:
        raise MdError(
            f"{leg.state / inputs.INTEGRATOR}: no integrator: {_one_line(error)}"
        ) from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
