"""Which DNS the settings name (docs/adr/0026)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portal.gateways import directory_factory
from portal.gateways.dns_factory import get_dns, reset_dns
from portal.gateways.dns_ldap3 import AdDns
from portal.gateways.dns_rfc2136 import Rfc2136Dns

SIGNED = {"backend": "rfc2136", "key_name": "portal", "key_secret": "c2VjcmV0", "zones": ["Kokuho.pr"]}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    reset_dns()
    yield
    reset_dns()


def test_the_directory_s_zones_unless_it_is_told(settings: Any) -> None:
    settings.DNS = settings.DNS | {"servers": ["10.0.0.1", "10.0.0.2:5353"]}

    made = get_dns()

    assert isinstance(made, AdDns)
    assert made.servers == ("10.0.0.1", "10.0.0.2:5353")
    assert get_dns() is made


def test_servers_with_signed_updates(settings: Any) -> None:
    settings.DNS = settings.DNS | SIGNED | {"servers": ["10.0.0.1"], "protected": ["dns1.kokuho.pr"]}

    made = get_dns()

    assert isinstance(made, Rfc2136Dns)
    assert made.owned_by_directory("dns1.kokuho.pr")
    assert made.owned_by_directory("_ldap._tcp.kokuho.pr")
    assert not made.owned_by_directory("pc1.kokuho.pr")


@pytest.mark.parametrize(
    "wrong",
    [
        {"backend": "bind"},
        SIGNED,  # no server
        SIGNED | {"servers": ["10.0.0.1"], "key_secret": ""},
        {"servers": ["dns1.kokuho.pr"]},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: Any, wrong: dict[str, Any]) -> None:
    settings.DNS = settings.DNS | wrong

    with pytest.raises(ValueError):
        get_dns()


def test_another_account_for_the_zones_is_not_minded_with_the_service_account(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    minder = object()
    monkeypatch.setattr(directory_factory, "_guards", [minder])

    assert get_dns()._kept._guard is minder  # type: ignore[attr-defined]
    reset_dns()
    settings.DNS = settings.DNS | {"bind_dn": "CN=svc-dns,DC=kokuho,DC=pr", "bind_password": "x"}
    own = get_dns()._kept  # type: ignore[attr-defined]
    assert own._guard is not minder
    assert own._settings.bind_dn == "CN=svc-dns,DC=kokuho,DC=pr"
