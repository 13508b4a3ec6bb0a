"""All migrations from nothing, in a fraction of the time: for the demonstration and for databases of tests.

Before each step Django makes the classes of all models anew that are related to the one that changes, through any number
of others. Here every model is related to every other one by its organisation, and four fifths of the time went there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.migrations.state import ProjectState


@contextmanager
def swift_migrations() -> Iterator[None]:
    """While it lasts each step renders the model that it changes and no other.

    The classes of its relatives count as delayed, as Django calls it: a migration that runs Python on rows gets all of them
    anew, as always. Steps that change tables look at nothing but the model itself. Production migrates without this.
    """
    original = ProjectState._find_reload_model  # type: ignore[attr-defined]

    def itself(
        state: ProjectState, app_label: str, model_name: str, delay: bool = False
    ) -> set[tuple[str, str]]:
        state.is_delayed = True
        return {(app_label, model_name)}

    ProjectState._find_reload_model = itself  # type: ignore[attr-defined]
    try:
        yield
    finally:
        ProjectState._find_reload_model = original  # type: ignore[attr-defined]


def main() -> None:
    """`manage.py migrate` on the database of the environment."""
    import django
    from django.core.management import call_command

    django.setup()
    with swift_migrations():
        call_command("migrate", interactive=False, verbosity=0)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.local")
    main()
