"""Which organisation a place in the directory belongs to (ORG-05)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.conf import settings

from accounts.reconciliation.snapshot import fold_dn
from portal.gateways.directory_names import parent_dn
from portal.orgs.models import Organisation


@dataclass
class Places:
    """The OUs of all organisations. Containers repeat, so each is worked out once."""

    by_ou: dict[str, int]
    _known: dict[str, int | None]

    @classmethod
    def read(cls) -> Self:
        """From the organisations as they are now."""
        root = settings.DIRECTORY["root_ou"]
        rows = Organisation.objects.values_list("ou_name", "pk")
        return cls({fold_dn(f"OU={name},{root}"): pk for name, pk in rows}, {})

    def organisation_id_of(self, dn: str) -> int | None:
        """The organisation whose OU holds the object; None outside of all of them."""
        container = parent_dn(dn)
        if container not in self._known:
            self._known[container] = self._find(container)
        return self._known[container]

    def _find(self, container: str) -> int | None:
        while container:
            if (found := self.by_ou.get(fold_dn(container))) is not None:
                return found
            container = parent_dn(container)
        return None
