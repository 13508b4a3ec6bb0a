"""What people change about themselves. Name, department and mail address are the directory's."""

from __future__ import annotations

from django.conf import settings

from portal.orgs.models import User


def set_language(*, actor: User, language: str) -> None:
    """Remember the language of a person; an unknown one is ignored."""
    if language in dict(settings.LANGUAGES) and language != actor.language:
        User.objects.filter(pk=actor.pk).update(language=language)
        actor.language = language
