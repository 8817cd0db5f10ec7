from __future__ import annotations

import os
import urllib.request

import pytest
import requests

from headrace._internal.loopback import LOOPBACK, bypass_proxies, without_proxy

PROXY = "http://proxy.example.org:3128"


@pytest.mark.parametrize(
    ("named", "then"),
    [
        ("", "127.0.0.1,localhost,::1"),
        ("example.org", "example.org,127.0.0.1,localhost,::1"),
        (" .example.org , localhost ,", ".example.org,localhost,127.0.0.1,::1"),
        ("127.0.0.1,localhost,::1", "127.0.0.1,localhost,::1"),
        ("*", "*"),
        ("a,*", "*"),
    ],
)
def test_what_was_named_stays_and_loopback_comes_behind(named: str, then: str) -> None:
    assert without_proxy(named) == then


def test_either_spelling_of_the_variable_counts_and_both_are_set() -> None:
    environment = {"no_proxy": "one.example.org", "NO_PROXY": "two.example.org"}
    bypass_proxies(environment)
    both = "one.example.org,two.example.org,127.0.0.1,localhost,::1"
    assert environment == {"no_proxy": both, "NO_PROXY": both}
    bypass_proxies(environment)
    assert environment["no_proxy"] == both


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("host", LOOPBACK)
def test_no_client_of_this_process_asks_a_proxy_for_loopback(
    monkeypatch: pytest.MonkeyPatch, variable: str, host: str
) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv(variable, PROXY)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    bypass_proxies(os.environ)
    bracketed = f"[{host}]" if ":" in host else host
    url = f"http://{bracketed}:8080/runs"
    assert requests.utils.get_environ_proxies(url) == {}
    assert urllib.request.proxy_bypass_environment(f"{host}:8080" if ":" not in host else host)
    assert PROXY in requests.utils.get_environ_proxies("http://flows.example.org/").values()
