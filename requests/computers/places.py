"""Where the computer objects of an organisation live, and whose an object is (ORG-05)."""

from __future__ import annotations

from django.conf import settings

from portal.gateways.directory_names import path_below
from portal.orgs.models import Organisation

COMPUTERS, DELETED = "Computers", "Deleted"


def organisation_ou(organisation: Organisation) -> str:
    """The unit that holds everything of one organisation."""
    return f"OU={organisation.ou_name},{settings.DIRECTORY['root_ou']}"


def container_dn(path: str, organisation: Organisation) -> str:
    """The DN of a container written as people read it: "Computers/Floor 3" lies below the organisation's unit.

    Raises LookupError for "", which is no container of the organisation.
    """
    if not path:
        raise LookupError("no container")
    parts = "".join(f"OU={_escaped(part)}," for part in reversed(path.split("/")))
    return f"{parts}{organisation_ou(organisation)}"


def path_of(dn: str, organisation: Organisation) -> str:
    """A container as people read it, from the organisation's own unit down; "" outside of it."""
    return path_below(dn, organisation_ou(organisation))


def owner_code(dn: str) -> str:
    """The name of the unit below the root in which an object lies, in lower case; "" outside of all."""
    return path_below(dn, str(settings.DIRECTORY["root_ou"])).partition("/")[0].casefold()


def _escaped(part: str) -> str:
    return "".join(f"\\{char}" if char in ',+"\\<>;=#' else char for char in part)
