"""The portal on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portal.embedded import samba
from portal.embedded import services as real
from portal.gateways.directory_factory import reset_directory


@pytest.fixture
def samba_env(settings: Any) -> Iterator[dict[str, str]]:
    """The portal's settings point to Samba AD over LDAPS."""
    env = dict(samba.env(real.DIRECTORY / "samba"))
    settings.DIRECTORY = settings.DIRECTORY | {
        "urls": [env["AD_LDAP_URLS"]],
        "tls_server_name": env["AD_TLS_SERVER_NAME"],
        "ca_file": env["AD_CA_FILE"],
        "base_dn": env["AD_BASE_DN"],
        "domain": env["AD_DOMAIN"],
        "bind_dn": env["AD_BIND_DN"],
        "bind_password": env["AD_BIND_PASSWORD"],
        "root_ou": env["AD_ROOT_OU"],
    }
    reset_directory()
    yield env
    reset_directory()
