"""Metrics in Prometheus's text format, read again by the parser of Prometheus's own library."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from headrace.facility.counters import FacilityCounters, provider_name
from headrace.facility.exposition import Metric, metric_text
from headrace.facility.providers.addresses import COMPUTE_V2, COMPUTE_V3, TRANSFER


@given(st.text(), st.floats())
def test_any_label_and_value_is_read_again(label: str, value: float) -> None:
    metric = Metric(
        "headrace_x", "gauge", "What\\it\nis.", [({"flow": label, "status": "A"}, value)]
    )
    (family,) = text_string_to_metric_families(metric_text([metric]))
    (sample,) = family.samples
    shown = label.encode("utf-8", "replace").decode()
    assert sample.labels == {"flow": shown, "status": "A"}
    assert (family.name, family.type) == ("headrace_x", "gauge")
    assert family.documentation == "What\\it\nis."
    assert sample.value == value or (math.isnan(sample.value) and math.isnan(value))


def test_counters_and_metrics_without_samples() -> None:
    text = metric_text(
        [Metric("a_total", "counter", "A.", [({}, 3)]), Metric("b", "gauge", "None yet.")]
    )
    assert text == (
        "# HELP a_total A.\n# TYPE a_total counter\na_total 3\n# HELP b None yet.\n# TYPE b gauge\n"
    )
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["a"].type == "counter"
    assert families["b"].samples == []


@pytest.mark.parametrize(
    "metric", [Metric("a-b", "gauge", ""), Metric("a", "gauge", "", [({"1x": ""}, 1)])]
)
def test_wrong_names_are_refused(metric: Metric) -> None:
    with pytest.raises(ValueError, match="is no name"):
        metric_text([metric])


def test_providers_that_people_add_have_one_name() -> None:
    assert provider_name(f"{TRANSFER}transfer") == "transfer/transfer"
    assert {provider_name(url) for url in (*COMPUTE_V2, COMPUTE_V3)} == {"compute"}
    assert {provider_name(f"https://{n}.example/action") for n in range(1000)} == {"other"}


def test_actions_and_bytes_are_counted() -> None:
    counters = FacilityCounters()
    counters.count_action(f"{TRANSFER}transfer", "SUCCEEDED", {"bytes_transferred": 7})
    counters.count_action(f"{TRANSFER}transfer/", "SUCCEEDED", {"bytes_transferred": "many"})
    counters.count_action(f"{TRANSFER}delete", "FAILED", None)
    assert counters.transferred_bytes == 7
    assert counters.actions == {
        ("transfer/transfer", "SUCCEEDED"): 2,
        ("transfer/delete", "FAILED"): 1,
    }
