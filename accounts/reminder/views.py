"""The pages of a forgotten password, one after the other, without login (ACC-11). No code and no password is in an address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from accounts import passwords, self_service
from accounts.reminder import choosing, proving, services, throttle
from accounts.reminder.forms import LoginNameForm, MailedCodeForm, NewPasswordForm
from accounts.reminder.models import PasswordReminder
from portal.common.forms import PortalForm
from portal.orgs import identity
from portal.orgs.clients import client_ip
from portal.orgs.login_forms import CodeForm, KeyForm

TOO_MANY = gettext_lazy("There were too many attempts. Wait an hour and try again.")
SILENT = {
    False: gettext_lazy("Active Directory does not answer. Nothing was changed. Try again in a few minutes."),
    True: gettext_lazy(
        "Active Directory did not confirm the change, and your old password may no longer work. Try again here in a few "
        "minutes; if you leave this page, start again with “forgotten password”."
    ),
}


@method_decorator(
    [login_not_required, sensitive_post_parameters(), never_cache],
    name="dispatch",
)
class ReminderView(View):
    """One page; whoever is logged in changes the password on their own page."""

    http_method_names = ("get", "head", "post")
    template = ""
    code = services.FORGOTTEN  # of the purpose
    for_others = "password_change"  # where people who are logged in go

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """People who are logged in have no need of it."""
        if request.user.is_authenticated:
            return redirect(self.for_others)
        return super().dispatch(request, *args, **kwargs)

    def found(self, step: Callable[[UUID, Any, str], PasswordReminder | None]) -> PasswordReminder | None:
        """The reminder of this browser when `step` says that it got so far."""
        uid = self.uid
        return step(uid, timezone.now(), self.code) if uid else None

    @property
    def uid(self) -> UUID | None:
        """The reminder that this browser asked for."""
        return proving.uid_of(self.request, self.code)

    def address(self, step: str) -> str:
        """Where a step of this purpose is: "ask", "code", "factor", and "last" after both proofs."""
        return reverse("reminder_choose" if step == "last" else f"reminder_{step}")

    def words(self) -> dict[str, Any]:
        """What the pages say about the purpose."""
        return {
            "heading": _("Forgotten password"),
            "intro": _(
                "For administrator accounts with a confirmed mail address and a second factor. You get a code by mail, show your second factor and choose a new password."
            ),
            "otherwise": _("Everybody else: ask an applicant of your organisation for a password reset."),
            "no_mail": _(
                "No mail? The address may not be confirmed, or the account cannot be helped this way. Ask an applicant of your organisation for a password reset."
            ),
            "ask_url": self.address("ask"),
        }

    def page(self, form: PortalForm, status: int = 200, **more: Any) -> HttpResponse:
        """The page with its form; with errors 422."""
        if form.is_bound and status == 200:
            status = 422
        problems = form.error_summary if form.is_bound else ()
        context = {"form": form, "problems": problems, **self.words(), **more}
        return render(self.request, self.template, context, status=status)


class AskView(ReminderView):
    """Whose password was forgotten: one answer for every name."""

    template = "accounts/reminder/ask.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(LoginNameForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = LoginNameForm(request.POST)
        if not form.is_valid():
            return self.page(form)
        try:
            reminder = services.ask(
                login_name=form.cleaned_data["login_name"],
                ip=client_ip(request),
                now=timezone.now(),
                purpose=self.code,
            )
        except throttle.TooManyAttempts:
            form.add_error(None, str(TOO_MANY))
            return self.page(form, status=429)
        request.session.cycle_key()
        request.session[proving.session_key(self.code)] = str(reminder.uid)
        return redirect(self.address("code"))


class CodeView(ReminderView):
    """The code out of the mail. The page says the same whether or not a mail was sent."""

    template = "accounts/reminder/code.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(MailedCodeForm()) if self.uid else redirect(self.address("ask"))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = MailedCodeForm(request.POST)
        if self.uid is None:
            return redirect(self.address("ask"))
        if not form.is_valid():
            return self.page(form)
        if not services.check_code(
            uid=self.uid, code=form.cleaned_data["code"], now=timezone.now(), purpose=self.code
        ):
            form.add_error(
                "code",
                _(
                    "This code is wrong, or it does not count any more. Check the mail, or ask for a new code."
                ),
            )
            return self.page(form)
        request.session.cycle_key()
        return redirect(self.address("factor"))


class FactorView(ReminderView):
    """The person's second factor: app, recovery code or security key."""

    template = "accounts/reminder/factor.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        reminder = self.found(services.after_code)
        return (
            self._page(reminder, CodeForm(user=reminder.user)) if reminder else redirect(self.address("ask"))
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        reminder = self.found(services.after_code)
        if reminder is None:
            return redirect(self.address("ask"))
        form_class = KeyForm if "credential" in request.POST else CodeForm
        form = form_class(user=reminder.user, data=request.POST)
        if not form.is_valid():
            return self._page(reminder, form)
        services.prove_factor(reminder=reminder, now=timezone.now())
        request.session.cycle_key()
        return redirect(self.address("last"))

    def _page(self, reminder: PasswordReminder, form: Any) -> HttpResponse:
        codes = form if isinstance(form, CodeForm) else CodeForm(user=reminder.user)
        keys = form if isinstance(form, KeyForm) else KeyForm(user=reminder.user)
        held = Authenticator.objects.filter(user=reminder.user, type=Authenticator.Type.WEBAUTHN)
        context = {
            "form": codes,
            "webauthn_form": keys if held.exists() else None,
            "problems": codes.error_summary if codes.is_bound else (),
            "js_data": {"request_options": webauthn.begin_authentication(reminder.user)},
            **self.words(),
        }
        return render(self.request, self.template, context, status=422 if form.is_bound else 200)


class ChooseView(ReminderView):
    """The new password, as often as AD refuses one; then to the login page."""

    template = "accounts/reminder/choose.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        reminder = self.found(services.after_factor)
        return self._page(reminder, NewPasswordForm()) if reminder else redirect(self.address("ask"))

    def post(self, request: HttpRequest) -> HttpResponse:
        reminder = self.found(services.after_factor)
        if reminder is None:
            return redirect(self.address("ask"))
        form = NewPasswordForm(request.POST)
        if not form.is_valid() or not self._chosen(reminder, form):
            return self._page(reminder, form)
        request.session.flush()
        messages.success(request, _("Your password was changed. Log in with the new one."))
        return redirect("account_login")

    def _chosen(self, reminder: PasswordReminder, form: NewPasswordForm) -> bool:
        """Set it; on failure the form carries the reasons."""
        try:
            choosing.choose_password(
                reminder=reminder, new_password=form.cleaned_data["new_password"], now=timezone.now()
            )
        except self_service.PasswordRefused as exc:
            for field, texts in exc.messages.items():
                form.add_error(field or None, [str(text) for text in texts])
            return False
        except self_service.DirectorySilent as exc:
            form.add_error(None, str(SILENT[exc.maybe_changed]))
            return False
        return True

    def _page(self, reminder: PasswordReminder, form: NewPasswordForm) -> HttpResponse:
        return self.page(
            form,
            rules=passwords.RULE_TEXTS.items(),
            person=reminder.user,
            name_run_length=settings.PASSWORD_NAME_RUN_LENGTH,
        )


@method_decorator([login_not_required, sensitive_post_parameters(), never_cache], name="dispatch")
class IdentityMixin(ReminderView):
    """The same proofs for another purpose (portal.orgs.identity), on pages of its own."""

    for_others = "home"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """An unknown purpose is an unknown page."""
        try:
            self.purpose = identity.purpose(kwargs.pop("purpose"))
        except KeyError as error:
            raise Http404 from error
        self.code = self.purpose.code
        return super().dispatch(request, *args, **kwargs)

    def address(self, step: str) -> str:
        """Below the purpose; the last page is the other room's."""
        return (
            reverse(self.purpose.goes_on) if step == "last" else reverse(f"identity_{step}", args=[self.code])
        )

    def words(self) -> dict[str, Any]:
        """The words of whoever registered the purpose."""
        return {
            "heading": self.purpose.label,
            "intro": self.purpose.intro,
            "otherwise": self.purpose.otherwise,
            "no_mail": _(
                "No mail? The address may not be confirmed, or the account cannot be helped this way."
            ),
            "ask_url": self.address("ask"),
        }


class IdentityAskView(IdentityMixin, AskView):
    """Who somebody is: one answer for every name."""


class IdentityCodeView(IdentityMixin, CodeView):
    """The code out of the mail."""


class IdentityFactorView(IdentityMixin, FactorView):
    """The second factor."""
