from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")

from headrace.compute import ComputeError, EndpointSpec
from headrace.compute.managed_endpoints import ManagedEndpoint, write_endpoint
from headrace.compute.managed_endpoints.writing import jinja_literal
from tests.support.compute.endpoints import REPOSITORY

SETTINGS = {"local_compute_services": True, "heartbeat_period": 5}
TEMPLATES = sorted(p.parent.name for p in REPOSITORY.glob("endpoint_configs/*/config.yaml"))


def spec_of(tmp_path: Path, template: str, **options: Any) -> EndpointSpec:
    folder = REPOSITORY / "endpoint_configs" / template
    return EndpointSpec("m", "", folder, options, tmp_path, REPOSITORY)


def rendered(endpoint: ManagedEndpoint, user_options: dict[str, Any]) -> dict[str, Any]:
    """The engine's configuration as the endpoint itself makes it."""
    from globus_compute_endpoint.endpoint.config import utils
    from globus_compute_endpoint.endpoint.config.config import CoreEndpointConfig
    from globus_compute_endpoint.endpoint.identity_mapper import MappedPosixIdentity

    directory = endpoint.directory
    text = utils.render_config_user_template(
        CoreEndpointConfig(),
        utils.load_user_config_template(directory / "user_config_template.yaml.j2"),
        directory / "user_config_template.yaml.j2",
        MappedPosixIdentity(pwd.getpwuid(os.getuid()), None, []),
        utils.load_user_config_schema(directory / "user_config_schema.json"),
        user_options,
    )
    return dict(yaml.safe_load(text))


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_is_one_of_the_real_endpoint(tmp_path: Path, template: str) -> None:
    endpoint = ManagedEndpoint("m", tmp_path)
    needed = {"account": "m1"} if template == "perlmutter" else {}
    write_endpoint(endpoint, spec_of(tmp_path, template, **needed), ["a", "b"], SETTINGS)
    config = yaml.safe_load((endpoint.directory / "config.yaml").read_text())
    assert config["allowed_functions"] == ["a", "b"]
    assert config["local_compute_services"] is True
    assert "type" in rendered(endpoint, {})["engine"]
    assert {p.stat().st_mode & 0o777 for p in endpoint.directory.iterdir()} == {0o600}


def test_options_are_defaults_that_a_task_may_overrule(tmp_path: Path) -> None:
    endpoint = ManagedEndpoint("m", tmp_path)
    odd = "echo \"{{ 1 }} {% x %}\" \\n\necho 'é' # $HOME"
    write_endpoint(endpoint, spec_of(tmp_path, "local", workers=3, worker_init=odd), [], SETTINGS)
    engine = rendered(endpoint, {})["engine"]
    assert engine["max_workers_per_node"] == 3
    assert engine["provider"]["worker_init"] == odd
    assert rendered(endpoint, {"workers": 5})["engine"]["max_workers_per_node"] == 5


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_a_literal_means_to_jinja_what_a_client_s_value_means(value: Any) -> None:
    import jinja2
    from globus_compute_endpoint.endpoint.config.utils import _sanitize_user_json

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    text = environment.from_string(
        "{%- set x = " + jinja_literal(value) + " %}{{ [x] | tojson }}"
    ).render()
    assert json.loads(text.replace("\\u0027", "'")) == [_sanitize_user_json({"x": value})["x"]]


def test_nothing_is_written_twice(tmp_path: Path) -> None:
    endpoint = ManagedEndpoint("m", tmp_path)
    spec = spec_of(tmp_path, "local", workers=1)
    assert len(write_endpoint(endpoint, spec, ["a"], SETTINGS)) == 4
    assert write_endpoint(endpoint, spec, ["a"], SETTINGS) == []
    assert write_endpoint(endpoint, spec, ["b"], SETTINGS) == ["config.yaml"]


def test_a_wrong_option_is_named_and_nothing_written(tmp_path: Path) -> None:
    endpoint = ManagedEndpoint("m", tmp_path)
    with pytest.raises(ComputeError, match="unknown option worker"):
        write_endpoint(endpoint, spec_of(tmp_path, "local", worker=3), [], SETTINGS)
    assert not endpoint.directory.exists()
