"""Computer names as NetBIOS and the one domain allow them: 1 to 15 ASCII letters, digits and hyphens."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from portal.common.forms import IdentifierField
from portal.common.text import hyphenated

NAME_LENGTH = 15
_ALLOWED = re.compile(r"[A-Z0-9-]*")


def computer_name(value: str) -> str:
    """A name as it is stored: half-width, upper case, every dash a hyphen, no spaces."""
    return hyphenated(value).upper()


def name_problem(name: str) -> str:
    """What is wrong with a corrected name as a sentence; "" when nothing."""
    if not _ALLOWED.fullmatch(name):
        strange = "".join(dict.fromkeys(c for c in name if not _ALLOWED.fullmatch(c)))
        return _(
            "A computer name holds only letters, digits and hyphens. These characters cannot be used: %(characters)s"
        ) % {"characters": strange}
    if len(name) > NAME_LENGTH:
        return _("A computer name has at most 15 characters (now %(count)d).") % {"count": len(name)}
    if name.startswith("-") or name.endswith("-"):
        return _("A computer name neither begins nor ends with a hyphen.")
    if name.isdigit():
        return _("A computer name must not consist of digits only.")
    return ""


class ComputerNameField(IdentifierField):
    """One computer name, corrected and checked by the rules of NetBIOS."""

    normalise = staticmethod(computer_name)

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.widget.attrs["data-w"] = "20"

    def validate(self, value: object) -> None:
        """The rules of NetBIOS, each with its own sentence."""
        super(IdentifierField, self).validate(value)
        if value and (problem := name_problem(str(value))):
            raise ValidationError(problem, code="computer_name")
