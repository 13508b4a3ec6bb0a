"""The units and groups of an organisation that its accounts may be put into: nobody else's, and no privileged ones (ORG-02)."""

from __future__ import annotations

from collections.abc import Iterable

from accounts import asking
from accounts.attributes import container_of, container_path, groups_container, organisation_ou
from accounts.recipients import once
from portal.gateways.directory import Directory, DirectoryGroup
from portal.gateways.directory_names import path_below
from portal.orgs.models import Organisation


def containers(organisation: Organisation, account_type: str) -> list[str]:
    """Paths of the unit for accounts of this type and of all units below it. Raises DirectoryError."""
    base = container_path(container_of(organisation, account_type), organisation)
    return [path for path in container_dns(organisation) if path == base or path.startswith(f"{base}/")]


def container_dns(organisation: Organisation) -> dict[str, str]:
    """Every unit of the organisation: its DN by its path, asked for once per page. Raises DirectoryError."""

    def read() -> dict[str, str]:
        return asking.ask(lambda directory: dns_of_containers(directory, organisation))

    return once(organisation, "containers", read)


def dns_of_containers(directory: Directory, organisation: Organisation) -> dict[str, str]:
    """Every unit of the organisation: its DN by its path. Raises DirectoryError."""
    return {
        container_path(dn, organisation): dn
        for dn in directory.find_containers(organisation_ou(organisation))
    }


def groups(organisation: Organisation) -> list[str]:
    """Paths of the groups that accounts may be members of, asked for once per page. Raises DirectoryError."""

    def read() -> list[str]:
        return asking.ask(lambda directory: sorted(offered_groups(directory, organisation)))

    return once(organisation, "groups", read)


def offered_groups(directory: Directory, organisation: Organisation) -> dict[str, DirectoryGroup]:
    """The organisation's own global groups without privileges, by their path. Raises DirectoryError."""
    base = groups_container(organisation)
    found = directory.find_groups(base)
    return {path_below(group.dn, base): group for group in found if group.is_global and not group.privileged}


def not_offered(paths: Iterable[str], offered: Iterable[str]) -> list[str]:
    """Those of the paths that are not offered, whatever their case."""
    known = {path.casefold() for path in offered}
    return [path for path in paths if path.casefold() not in known]
