"""The page behind the link that the user of a device was mailed. It needs no login and shows one device, nothing else."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View

from devices.inventory import asking
from devices.inventory.errors import LinkInvalid, TooManyAttempts
from devices.inventory.forms import ReplyForm
from devices.inventory.models import InventoryLine
from portal.orgs.clients import client_ip
from portal.workflow.rounds.answers import InvalidAnswer


@method_decorator([login_not_required, never_cache], name="dispatch")
class QuestionView(View):
    """Looking at it changes nothing; its button answers, once."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A link that is no good says so, and nothing about what it was for.

        The page's address is told to no other site (SECURE_REFERRER_POLICY). Nothing stricter: with "no-referrer" a
        browser sends its answer with `Origin: null`, which the protection against forged requests refuses.
        """
        try:
            return super().dispatch(request, *args, **kwargs)
        except LinkInvalid:
            return render(request, "inventory/question.html", {"state": "gone"}, status=404)
        except TooManyAttempts:
            return render(request, "inventory/question.html", {"state": "wait"}, status=429)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """The device, and the question."""
        return self.page(self.line(token), ReplyForm())

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """The answer."""
        line, form = self.line(token), ReplyForm(request.POST)
        if not form.is_valid():
            return self.page(line, form, status=422)
        try:
            asking.reply(token=token, now=timezone.now(), **form.cleaned_data)
        except InvalidAnswer as error:
            for field, text in error.errors.items():
                form.add_error(field, text)
            return self.page(line, form, status=422)
        return render(request, "inventory/question.html", {"state": "done"})

    def line(self, token: str) -> InventoryLine:
        """The line that the link asks about."""
        return asking.find(token=token, ip=client_ip(self.request), now=timezone.now())

    def page(self, line: InventoryLine, form: ReplyForm, status: int = 200) -> HttpResponse:
        """The question."""
        context = {
            "state": "ask",
            "line": line,
            "form": form,
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(self.request, "inventory/question.html", context, status=status)
