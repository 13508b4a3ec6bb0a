from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    label = "accounts"
    verbose_name = _("accounts")

    def ready(self) -> None:
        """Register this app's kinds and handlers, and the register for field-level history (SEC-02)."""
        from auditlog.registry import auditlog

        from accounts import continuity, evidence, kinds, waiting
        from accounts.administrators import kinds as administrators
        from accounts.models import DirectoryAccount
        from accounts.naming import free
        from accounts.reconciliation import before_queue
        from accounts.reconciliation import kinds as reconciliation
        from accounts.reminder import addresses, proving, services
        from portal.continuity import parts, reserve
        from portal.fulfilment import gate
        from portal.notices import messages
        from portal.orgs import identity

        kinds.register_all()
        evidence.register()
        waiting.register_all()
        parts.register(continuity.sheets)
        free.kept_aside.append(reserve.kept_aside)
        gate.register_check("reconciliation", before_queue.check)
        administrators.register_all()
        # The codes of these mails are drawn when the mail is made and never stored.
        messages.provide("reminder_code", services.code_for_mail)
        messages.provide("address_code", addresses.code_for_mail)
        messages.provide("identity_code", services.code_for_mail)
        messages.provide("identity_no_factor", services.what_for)
        identity.set_prover(proving.Prover())
        reconciliation.register_all()  # the last: any of the kinds may have to be restored
        auditlog.register(
            DirectoryAccount, exclude_fields=["created_at", "updated_at", "search_text", "written"]
        )
