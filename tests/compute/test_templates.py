"""What is refused before anything starts."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from headrace.compute import ComputeError, EndpointHost, EndpointSpec
from headrace.compute.template_rendering import read_environment, render
from headrace.compute.templates import check_endpoint, check_options
from tests.support.compute.endpoints import REPOSITORY, Events, spec, task


def refused(endpoint: EndpointSpec) -> str:
    events = Events()
    host = EndpointHost(endpoint, events)
    one = task(refused)
    with pytest.raises(ComputeError) as caught:
        host.submit(one)
    assert events.of(one.task_id) == []
    assert host.pid is None
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_missing_template_names_those_that_exist(tmp_path: Path) -> None:
    message = refused(spec(tmp_path, "slurn"))
    assert "no template folder" in message
    assert "slurn; there are: local, " in message


def test_a_folder_without_a_template(tmp_path: Path) -> None:
    endpoint = EndpointSpec("e", "", tmp_path, {}, tmp_path / "state", tmp_path)
    assert "holds no user_config_template.yaml.j2" in refused(endpoint)


@pytest.mark.parametrize(
    ("template", "options", "said"),
    [
        ("local", {"worker": 2}, "unknown option worker; it knows "),
        ("local", {"workers": 0}, "option workers: 0 is less than the minimum of 1"),
        ("local", {"workers": "2"}, "option workers: '2' is not of type 'integer'"),
        ("slurm", {"walltime": "30 min"}, "option walltime: '30 min' does not match"),
        ("slurm", {"scheduler_options": "rm -rf ~"}, "option scheduler_options"),
        ("slurm", {"partition": "a\n#SBATCH -A b"}, "option partition"),
        ("slurm", {"launcher": "SingleNodeLauncher"}, "option launcher"),
        ("slurm", {"gres": "gpu:1\n#SBATCH -A b"}, "option gres"),
        ("slurm", {"cpu_affinity": "all"}, "option cpu_affinity"),
        ("slurm", {"available_accelerators": []}, "option available_accelerators"),
        ("slurm-mpi", {"available_accelerators": 2}, "unknown option available_accelerators"),
    ],
)
def test_wrong_options(tmp_path: Path, template: str, options: dict, said: str) -> None:
    message = refused(spec(tmp_path, template, **options))
    assert said in message
    assert f"endpoint tested, template {template}" in message


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("[]", "must be an object"),
        ("true", "must be an object"),
        ('{"$schema": 5}', "its \\$schema a text"),
        ('{"type": 5}', "not a JSON schema"),
        ('{"$ref": "http://127.0.0.1:1/schema"}', "\\$ref: leads elsewhere"),
        ('{"$ref": "#/nowhere"}', "\\$ref: leads nowhere"),
        ('{"$ref": "#"}', "refers to itself"),
        ("[" * 100_000, "user_config_schema.json: "),
        ("\x00", "user_config_schema.json: "),
    ],
)
def test_a_schema_that_is_none_is_one_error(tmp_path: Path, schema: str, said: str) -> None:
    (tmp_path / "user_config_template.yaml.j2").write_text("{{ workers }}")
    (tmp_path / "user_config_schema.json").write_text(schema)
    with pytest.raises(ComputeError, match=said) as caught:
        check_options(tmp_path, {"workers": 1}, "sim")
    assert "\n" not in str(caught.value)


def own_template(tmp_path: Path, schema: Any) -> Path:
    folder = tmp_path / "own"
    shutil.copytree(REPOSITORY / "endpoint_configs/local", folder)
    (folder / "user_config_schema.json").write_text(json.dumps(schema))
    return folder


def test_a_schema_that_refers_to_another_place_is_refused_and_nothing_is_fetched(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        elsewhere = {"$ref": f"http://127.0.0.1:{server.getsockname()[1]}/option.json"}
        folder = own_template(tmp_path, {"properties": {"workers": elsewhere}})
        message = refused(EndpointSpec("e", "", folder, {}, tmp_path / "state", tmp_path))
        assert (
            "own/user_config_schema.json: not a JSON schema: $.properties.workers.$ref" in message
        )
        with pytest.raises(ComputeError, match="leads elsewhere"):
            render(folder, {"workers": 2})
        with pytest.raises(BlockingIOError):
            server.accept()


def test_without_the_endpoint_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def find_spec(name: str, *rest: Any) -> Any:
        return None if name == "globus_compute_endpoint" else real(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    assert "pip install 'headrace[endpoint]'" in refused(spec(tmp_path))


def test_a_template_that_uses_an_unset_variable_is_refused_by_the_host(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(REPOSITORY / "endpoint_configs/local", folder)
    with (folder / "user_config_template.yaml.j2").open("a") as file:
        file.write("\nmore: {{ not_given }}\n")
    host = EndpointHost(
        EndpointSpec("e", spec(tmp_path).id, folder, {}, tmp_path / "state", tmp_path), Events()
    )
    with pytest.raises(ComputeError, match=r"own/user_config_template.*'not_given' is undefined"):
        host.start()
    assert host.status()["state"] == "refused"
    assert host.pid is None
    host.stop()


@pytest.mark.parametrize(
    "wrong",
    [
        'max_workers_per_node: "2"',
        'cores_per_worker: "one"',
        "heartbeat_threshold: 12.5",
        'worker_port: "5"',
    ],
)
def test_a_setting_of_another_type_is_refused_by_the_host(tmp_path: Path, wrong: str) -> None:
    folder = tmp_path / "own"
    shutil.copytree(REPOSITORY / "endpoint_configs/local", folder)
    path = folder / "user_config_template.yaml.j2"
    name = wrong.partition(":")[0]
    lines = [line for line in path.read_text().splitlines() if f"  {name}:" not in line]
    lines.insert(lines.index("engine:") + 1, f"  {wrong}")
    path.write_text("\n".join(lines) + "\n")
    host = EndpointHost(
        EndpointSpec("e", spec(tmp_path).id, folder, {}, tmp_path / "state", tmp_path), Events()
    )
    with pytest.raises(ComputeError, match=rf"own/user_config_template.*{name}"):
        host.start()
    host.stop()


@pytest.mark.parametrize("template", ["slurm", "perlmutter"])
@pytest.mark.parametrize("accelerators", [2, ["0,1", "GPU-8932f937"]])
def test_options_of_gpus_reach_the_engine(template: str, accelerators: Any) -> None:
    """The real endpoint's reader makes the engine and the provider of the rendered text."""
    from globus_compute_endpoint.endpoint.config.utils import load_config_yaml

    options = {
        "account": "m1", "address": "127.0.0.1", "gpus_per_node": 2, "gres": "gpu:a100:2",
        "mem_per_node": 64,
        "available_accelerators": accelerators, "cpu_affinity": "block", "mem_per_worker": 16,
        "workers_per_node": 8,
    }  # fmt: skip
    folder = REPOSITORY / "endpoint_configs" / template
    engine: Any = load_config_yaml(render(folder, options)).engine
    executor, provider = engine.executor, engine.executor.provider
    wanted = ["0", "1"] if accelerators == 2 else accelerators
    assert executor.available_accelerators == wanted
    assert (executor.cpu_affinity, executor.mem_per_worker) == ("block", 16)
    # Of 8 workers there are no more than accelerators.
    assert executor.workers_per_node == 2
    assert "#SBATCH --gpus-per-node=2\n#SBATCH --gres=gpu:a100:2\n" in provider.scheduler_options
    plain = {"account": "m1", "address": "127.0.0.1"}
    without: Any = load_config_yaml(render(folder, plain)).engine
    assert without.executor.available_accelerators == []
    assert "gpu" not in without.executor.provider.scheduler_options


def test_options_of_gpus_of_programs_that_share_a_block() -> None:
    from globus_compute_endpoint.endpoint.config.utils import load_config_yaml

    folder = REPOSITORY / "endpoint_configs" / "slurm-mpi"
    text = render(folder, {"gpus_per_node": 4, "gres": "gpu:4"})
    engine: Any = load_config_yaml(text).engine
    options = engine.executor.provider.scheduler_options
    assert "#SBATCH --gpus-per-node=4\n#SBATCH --gres=gpu:4\n" in options


@pytest.mark.parametrize("template", ["local", "slurm"])
def test_every_option_reaches_the_configuration(template: str, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    folder = REPOSITORY / "endpoint_configs" / template
    schema = json.loads((folder / "user_config_schema.json").read_text())
    plain = render(folder, {})
    assert yaml.safe_load(plain)["engine"]["type"] == "GlobusComputeEngine"
    examples = {"integer": 7, "number": 7.5, "string": "one", "boolean": None}
    special = {
        "walltime": "9:08:07",
        "scheduler_options": "#SBATCH --x=one",
        "available_accelerators": ["0,1", "2"],
        "cpu_affinity": "list:0-3:4-7",
    }
    for name, about in schema["properties"].items():
        if name in special:
            value: Any = special[name]
        else:
            value = examples[about["type"]] if "type" in about else about["enum"][-1]
        if about.get("type") == "boolean":
            value = not about["default"]
        check_endpoint(spec(tmp_path, template, **{name: value}))
        with_option = yaml.safe_load(render(folder, {name: value}))
        assert with_option != yaml.safe_load(plain), name
        assert str(value) in str(with_option), name
        if "default" in about:
            default = yaml.safe_load(render(folder, {name: about["default"]}))
            assert default == yaml.safe_load(plain), f"default of {name}"


def test_the_environment_file(tmp_path: Path) -> None:
    assert read_environment(tmp_path) == {}
    (tmp_path / "user_environment.yaml").write_text("A: 1\nB: two\n")
    assert read_environment(tmp_path) == {"A": "1", "B": "two"}
    (tmp_path / "user_environment.yaml").write_text("- a\n")
    with pytest.raises(ComputeError, match="not a YAML mapping"):
        read_environment(tmp_path)


def test_a_real_site_names_what_its_jobs_must_name() -> None:
    import yaml

    folder = REPOSITORY / "endpoint_configs" / "perlmutter"
    engine = yaml.safe_load(render(folder, {"account": "m1234", "walltime": "02:00:00"}))["engine"]
    provider = engine["provider"]
    assert (provider["type"], provider["account"]) == ("SlurmProvider", "m1234")
    assert (provider["constraint"], provider["qos"]) == ("cpu", "regular")
    assert engine["address"] == {"type": "address_by_interface", "ifname": "hsn0"}
    with pytest.raises(ComputeError, match="account"):
        render(folder, {})


def test_the_login_node_template_makes_functions_submit() -> None:
    folder = REPOSITORY / "endpoint_configs" / "slurm-login"
    assert read_environment(folder)["HEADRACE_JOBS"] == "submit"
