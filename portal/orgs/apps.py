from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrgsConfig(AppConfig):
    name = "portal.orgs"
    label = "orgs"
    verbose_name = _("organisations and people")

    def ready(self) -> None:
        """Keep the old and new values of people, roles, deputies and recipients (SEC-02); never a password or digest.

        A new second factor ends the sessions from before it, whoever adds it.
        """
        from allauth.mfa.models import Authenticator
        from auditlog.registry import auditlog
        from django.db.models.signals import post_save

        from portal.orgs import factors
        from portal.orgs.models import Deputy, Membership, Organisation, PasswordRecipient, User

        auditlog.register(Organisation)
        auditlog.register(User, exclude_fields=["password", "last_login", "updated_at"])
        auditlog.register(Membership, exclude_fields=["updated_at"])
        auditlog.register(Deputy, exclude_fields=["updated_at"])
        auditlog.register(PasswordRecipient, exclude_fields=["confirmation_digest", "updated_at"])
        post_save.connect(factors.end_sessions_without, sender=Authenticator, dispatch_uid="factors")
