"""Who may open the screens of this app."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from portal.orgs.permissions import READ_DEVICES
from portal.workflow import registers
from portal.workflow.views import PersonView


class DevicesView(PersonView):
    """A view for those who may read devices."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403, whatever the device."""
        if request.user.is_authenticated and not self.user.may(READ_DEVICES):
            raise PermissionDenied(_("Your role does not allow you to see PCs and devices."))
        return super().dispatch(request, *args, **kwargs)


class RegisterView(registers.RegisterView, DevicesView):
    """The common part of a register's list, file and print view, for those who may read devices."""
