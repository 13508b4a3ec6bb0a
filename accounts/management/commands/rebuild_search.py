"""manage.py rebuild_search: after an update that changed what people are found by."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.register import rebuild_search_texts as of_accounts
from portal.workflow.upkeep import name_open_subjects
from portal.workflow.upkeep import rebuild_search_texts as of_applications


class Command(BaseCommand):
    """Folds the search texts of all accounts and applications anew; may run while the portal is used, and again."""

    help = "Fold the search texts of all accounts and applications anew."

    def handle(self, *args: Any, **options: Any) -> None:
        """Work through both registers in batches."""
        print(f"accounts: {of_accounts()}")
        print(f"applications: {of_applications()}")
        print(f"subjects of open applications: {name_open_subjects()}")
