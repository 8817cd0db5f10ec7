from __future__ import annotations

from pathlib import Path

import pytest

from headrace.facility import (
    FacilityError,
    compute_environment,
    missing_requirements,
    store_compute_settings,
)
from headrace.facility.compute_service import private_broker
from headrace.facility.compute_service.settings import ComputeSettings, compute_settings


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEADRACE_COMPUTE_PORT", "HEADRACE_BROKER"):
        monkeypatch.delenv(name, raising=False)


def test_nothing_is_served_unless_it_is_chosen(tmp_path: Path) -> None:
    assert compute_settings(tmp_path) == ComputeSettings()
    with pytest.raises(FacilityError, match="run `headrace facility up --compute`"):
        compute_environment(tmp_path)


def test_a_choice_is_kept_until_it_is_changed(tmp_path: Path) -> None:
    assert store_compute_settings(tmp_path, True)
    assert not store_compute_settings(tmp_path, True)
    assert compute_settings(tmp_path) == ComputeSettings(5000, "rabbitmq")
    environment = compute_environment(tmp_path)
    assert environment["GLOBUS_SDK_SERVICE_URL_AUTH"] == "http://127.0.0.1:5000/"
    assert environment == compute_environment(tmp_path)
    assert store_compute_settings(tmp_path, False)
    assert compute_settings(tmp_path) == ComputeSettings()


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_COMPUTE_PORT", "5001")
    assert compute_settings(tmp_path) == ComputeSettings(5001, "rabbitmq")
    monkeypatch.setenv("HEADRACE_BROKER", "amqp://user:pass@127.0.0.1/")
    assert compute_settings(tmp_path).broker == "amqp://user:pass@127.0.0.1/"


@pytest.mark.parametrize("port", ["x", "-1", "70000", "5000.0"])
def test_a_port_must_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("HEADRACE_COMPUTE_PORT", port)
    with pytest.raises(FacilityError, match="must be a port number"):
        compute_settings(tmp_path)


def test_a_wrong_broker_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_BROKER", "http://user:secret@host/")
    with pytest.raises(FacilityError) as caught:
        compute_settings(tmp_path)
    assert str(caught.value) == "HEADRACE_BROKER: must be 'rabbitmq' or an amqp:// URL"


def test_what_is_missing_without_rabbitmq_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_broker, "rabbitmq_program", lambda: None)
    store_compute_settings(tmp_path, True)
    missing = missing_requirements(tmp_path)
    assert missing.startswith("RabbitMQ is not installed, which real endpoints and the Compute SDK")
    assert "\n" not in missing
    store_compute_settings(tmp_path, True, "amqp://user:pass@127.0.0.1/")
    assert missing_requirements(tmp_path) == ""


@pytest.mark.parametrize("name", ["compute_service.json", "compute_client.json"])
def test_a_broken_file_is_named(tmp_path: Path, name: str) -> None:
    store_compute_settings(tmp_path, True)
    (tmp_path / ".headrace" / name).write_text("[]")
    with pytest.raises(FacilityError, match=f"{name}: cannot be read .*remove the file"):
        compute_environment(tmp_path)


def test_the_secret_is_private(tmp_path: Path) -> None:
    store_compute_settings(tmp_path, True)
    compute_environment(tmp_path)
    path = tmp_path / ".headrace" / "compute_client.json"
    assert path.stat().st_mode & 0o777 == 0o600
