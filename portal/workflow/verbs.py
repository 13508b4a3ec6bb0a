"""What can happen to an application, as ApplicationEvent.verb stores it and the history shows it."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Verb(TextChoices):
    """The steps of the history."""

    CREATED = "CREATED", _("draft created")
    SUBMITTED = "SUBMITTED", _("submitted")
    RESUBMITTED = "RESUBMITTED", _("submitted again")
    APPROVED = "APPROVED", _("approved")
    REJECTED = "REJECTED", _("rejected")
    RETURNED = "RETURNED", _("returned")
    PULLED_BACK = "PULLED_BACK", _("pulled back")
    WITHDRAWN = "WITHDRAWN", _("withdrawn")
    HANDED_TO_OPERATIONS = "HANDED_TO_OPERATIONS", _("handed to network operations for decision")
    CONTINUED = "CONTINUED", _("being carried out again")
    PARTLY_COMPLETED = "PARTLY_COMPLETED", _("partly completed")
    NEEDS_ATTENTION = "NEEDS_ATTENTION", _("needs attention")
    COMPLETED = "COMPLETED", _("completed")
    NOT_DONE = "NOT_DONE", _("closed without result")
    RESULT_TOLD = "RESULT_TOLD", _("the result was told to the applicant")
