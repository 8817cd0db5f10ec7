"""Program, to be run by a Python that has Pyatoa: what Pyatoa makes of its own example data.

    python pyatoa_reference.py CHECKOUT OUTPUT

Writes ``OUTPUT/reference.json`` (by event and trace: windows, misfit, adjoint source forward in
time) and, beside it, the traces as SPECFEM's two columns: ``OUTPUT/EVENT/obs`` and ``syn``. Events
``001`` to ``003`` are computed (process_data_w_mpi.tar.gz); ``bfz-TYPE`` is the recorded one of
station NZ.BFZ, its response removed and brought to the synthetic's times by Pyatoa itself.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from obspy import UTCDateTime, read, read_events, read_inventory
from pyatoa import Config, Manager
from pyatoa import logger as pyatoa_logger
from pyflex import WindowSelector
from pyflex import logger as pyflex_logger
from pysep.utils.io import read_sem

ORIGIN = UTCDateTime("2000-01-01")


def told(manager: Any, component: str) -> dict[str, Any]:
    """Windows, misfit and adjoint source of a component."""
    windows = manager.windows.get(component, []) if manager.windows else []
    source = (manager.adjsrcs or {}).get(component)
    return {
        "windows": [
            [
                int(one.left),
                int(one.right),
                int(one.cc_shift),
                float(one.max_cc_value),
                float(one.dlnA),
            ]
            for one in windows
        ],
        "misfit": float(source.misfit) if source else 0.0,
        "adjoint_source": source.adjoint_source[::-1].tolist() if source else [],
    }


def computed_events(data: Path, output: Path) -> dict[str, Any]:
    """The example of Pyatoa's manual: synthetics beside synthetics."""
    with tarfile.open(data / "process_data_w_mpi.tar.gz") as archive:
        archive.extractall(output / "unpacked", filter="data")
    found: dict[str, Any] = {}
    for event in sorted((output / "unpacked" / "data").iterdir()):
        (output / event.name).mkdir()
        for kind in ("obs", "syn"):
            (event / kind).rename(output / event.name / kind)
        for path in sorted((output / event.name / "syn").glob("*.semd")):
            config = Config(
                min_period=10.0,
                max_period=100.0,
                component_list=["Y"],
                adj_src_type="cc_traveltime",
                st_obs_type="syn",
                st_syn_type="syn",
            )
            observed, synthetic = (
                read_sem(str(output / event.name / kind / path.name), origintime=ORIGIN)
                for kind in ("obs", "syn")
            )
            manager = Manager(config=config, st_obs=observed, st_syn=synthetic)
            manager.standardize().preprocess().window().measure()
            found.setdefault(event.name, {})[path.stem] = told(manager, "Y")
    return found


def recorded_event(data: Path, output: Path, kind: str) -> dict[str, Any]:
    """A recorded event of Pyatoa's tests beside its synthetic."""
    config = Config(
        event_id="2018p130600",
        min_period=8.0,
        max_period=20.0,
        component_list=["E", "N", "Z"],
        adj_src_type=kind,
    )
    name = "NZ_BFZ_2018p130600.ascii"
    inventory = read_inventory(str(data / "test_dataless_NZ_BFZ.xml"))
    manager = Manager(
        config=config,
        event=read_events(str(data / "test_catalog_2018p130600.xml"))[0],
        inv=inventory,
        st_obs=read(str(data / f"test_obs_data_{name}")),
        st_syn=read(str(data / f"test_syn_data_{name}")),
    )
    manager.standardize()
    observed = manager.st_obs.copy().remove_response(inventory=inventory, output="DISP")
    start = manager.stats.time_offset_sec
    for folder, stream in (("obs", observed), ("syn", manager.st_syn.copy())):
        place = output / f"bfz-{kind}" / folder
        place.mkdir(parents=True)
        for trace in stream:
            times = start + trace.stats.delta * np.arange(trace.stats.npts)
            path = place / f"NZ.BFZ.BX{trace.stats.channel[-1]}.semd"
            np.savetxt(path, np.stack([times, trace.data], axis=1), fmt="%.17e")
    manager.preprocess(remove_response=True, output="DISP")
    # Windows without event and station: the program computes no travel times either.
    windows = {
        one: WindowSelector(
            manager.st_obs.select(component=one)[0],
            manager.st_syn.select(component=one)[0],
            config.pyflex_config,
        ).select_windows()
        for one in ("E", "N", "Z")
    }
    manager.window(windows=windows).measure()
    return {f"NZ.BFZ.BX{one}": told(manager, one) for one in ("E", "N", "Z")}


def main(checkout: Path, output: Path) -> None:
    """Write all of it."""
    for logger in (pyatoa_logger, pyflex_logger):
        logger.setLevel("CRITICAL")
    data = checkout / "pyatoa" / "tests" / "test_data"
    found = computed_events(data, output)
    for kind in ("cc_traveltime", "waveform", "multitaper"):
        found[f"bfz-{kind}"] = recorded_event(data, output, kind)
    (output / "reference.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
