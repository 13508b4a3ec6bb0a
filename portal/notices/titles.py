"""What each kind of mail is about, in words for lists."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

_TITLES: dict[str, Any] = {
    "approval_request": _("An application waits for your decision"),
    "application_returned": _("Your application was returned"),
    "application_rejected": _("Your application was rejected"),
    "application_completed": _("Your application is completed"),
    "application_needs_attention": _("An application needs attention"),
    "application_withdrawn": _("An application was withdrawn"),
    "recipient_confirmation": _("Confirmation of a mail address"),
    "recipient_reconfirmation": _("Mail address to be confirmed again"),
    "login_name_changed": _("The login name of an application was changed"),
    "pickup_code": _("Code to pick up an initial password"),
    "initial_password_unused": _("An initial password is not used yet"),
    "initial_password_disabled": _("An account was disabled: its initial password was not used"),
    "initial_password": _("Initial password"),
    "reconciliation_findings": _("New findings of the reconciliation with AD"),
    "reconciliation_own": _("New findings about your organisation's accounts"),
    "reminder_code": _("Code for a forgotten password"),
    "reminder_no_factor": _("Your forgotten password"),
    "identity_code": _("Code to prove who you are"),
    "identity_no_factor": _("Your proof of identity"),
    "account_unlocked": _("Your account was unlocked"),
    "address_code": _("Code to confirm your mail address"),
    "password_changed": _("Your password was changed"),
    "password_expires": _("Your password ends soon"),
    "job_failed": _("A scheduled job failed"),
    "target_refused": _("The portal's service account is refused"),
    "exchange_problem": _("An acknowledgement of the two-factor system needs a look"),
    "guard_failed": _("A guard does not obey the newest whitelist"),
    "bundle_open": _("A PC that comes or goes is not finished"),
    "whitelist_ending": _("Entries of the whitelist end soon"),
    "device_approved": _("Your device was approved"),
    "device_to_register": _("A device waits for its registration in SKYSEA"),
    "device_registered": _("Your device is ready"),
    "device_renewed": _("The permit of your device was renewed"),
    "device_renewal_due": _("The permit of a device ends soon"),
    "device_expired": _("The permit of your device has ended"),
    "device_removal": _("A device permit was removed"),
    "device_to_remove": _("A device waits for its removal from SKYSEA"),
    "device_removed": _("A device was removed from SKYSEA"),
    "inventory_opened": _("The inventory of devices is open"),
    "inventory_reminder": _("The inventory of devices is still to be done"),
    "inventory_overdue": _("The inventory of devices is overdue"),
    "inventory_missing": _("Devices are missing"),
    "inventory_question": _("Do you still need this device?"),
    "dormant_list": _("A list of dormant accounts is to be answered"),
    "dormant_reminder": _("A list of dormant accounts is still to be answered"),
    "dormant_overdue": _("A list of dormant accounts is overdue"),
    "network_to_allot": _("A segment waits for its allotment"),
    "enquiry_new": _("A new enquiry"),
    "enquiry_reply": _("The asker wrote again"),
    "enquiry_assigned": _("An enquiry was assigned to you"),
    "enquiry_overdue": _("An enquiry is overdue"),
    "enquiry_answered": _("Your enquiry was answered"),
    "enquiry_asked_back": _("A question about your enquiry"),
    "enquiry_closing": _("Your enquiry will be closed soon"),
    "enquiry_closed": _("An enquiry was closed"),
    "faq_proposed": _("A FAQ entry waits for your confirmation"),
    "password_lifetime_review": _("A longer password lifetime ends soon"),
    "password_lifetime_ends": _("Please change your password"),
    "break_glass_used": _("A break-glass account was used"),
}


def title_of(template: str) -> str:
    """The title of a kind of mail; a plain one for a kind that is not listed."""
    return str(_TITLES.get(template, _("Notice of the portal")))
