"""Pages of organisations, their people, deputies and recipients of initial passwords."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.common.pagination import paginate
from portal.orgs import deputies, errors, people, recipients, selectors
from portal.orgs.forms import DeputyForm, EndForm, MemberForm, RecipientForm
from portal.orgs.http import PersonRequest
from portal.orgs.models import Deputy, Membership, Organisation, PasswordRecipient, User
from portal.orgs.permissions import APPLY
from portal.trail import services as trail

View = Callable[..., HttpResponse]
_form_page = require_http_methods(["GET", "HEAD", "POST"])


def translated(view: View) -> View:
    """Refusals of the services become 403 with their reason, what is out of scope or unknown becomes 404 (ORG-02)."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except errors.NotAllowed as exc:
            raise PermissionDenied(exc.reason) from exc
        except (
            Organisation.DoesNotExist,
            Membership.DoesNotExist,
            Deputy.DoesNotExist,
            PasswordRecipient.DoesNotExist,
            User.DoesNotExist,
        ) as exc:
            raise Http404 from exc

    return inner


def attempt(form: Any, call: Callable[[], object]) -> bool:
    """Check the form and call the service; on refusal the form carries the reason at its field."""
    if not form.is_valid():
        return False
    try:
        call()
    except errors.Refused as exc:
        form.add_error(exc.field if exc.field in form.fields else None, str(exc.message))
    except errors.DirectoryOutOfReach:
        text = _(
            "Active Directory does not answer, so this cannot be checked. Nothing was saved. Try again in a few minutes."
        )
        form.add_error(None, text)
    else:
        return True
    return False


def show_form(request: PersonRequest, template: str, form: Any, **context: Any) -> HttpResponse:
    """The page with the form; 422 when it was sent and refused."""
    context |= {"form": form, "problems": form.error_summary if form.is_bound else ()}
    return render(request, template, context, status=422 if form.is_bound else 200)


@require_safe
def organisation_list(request: PersonRequest) -> HttpResponse:
    """The organisations within the person's scope."""
    rows = selectors.organisations_with_counts(request.user, timezone.localdate())
    return render(request, "orgs/organisation_list.html", {"organisations": rows})


@require_safe
@translated
def organisation_detail(request: PersonRequest, code: str) -> HttpResponse:
    """One organisation with the people who hold a role in it."""
    organisation = selectors.organisation(request.user, code)
    if not selectors.may_read_people(request.user, organisation.pk):
        raise PermissionDenied(_("Your role does not show who works in an organisation."))
    day, ended = timezone.localdate(), request.GET.get("ended") == "1"
    page = paginate(
        selectors.memberships(request.user, organisation, ended=ended, day=day),
        request.GET.get("cursor"),
        size=200,
    )
    trail.record(
        action="organisation.view",
        now=timezone.now(),
        actor=request.user,
        object_type="orgs.organisation",
        object_id=organisation.pk,
        object_label=organisation.short_name,
        object_organisation=organisation,
    )
    context = {
        "organisation": organisation,
        "page": page,
        "ended": ended,
        "today": day,
        "may_manage": people.may_manage(request.user, organisation.pk),
        "may_apply": request.user.may(APPLY, organisation.pk),
        "shut_out": User.objects.filter(organisation=organisation, is_active=False).order_by("login_name"),
    }
    return render(request, "orgs/organisation_detail.html", context)


@_form_page
@never_cache
@translated
def member_add(request: PersonRequest, code: str) -> HttpResponse:
    """Give the owner of an administrator account a role."""
    organisation = selectors.organisation(request.user, code)
    people.require_manager(request.user, organisation.pk)
    form = MemberForm(request.POST or None, organisation=organisation)
    if form.is_bound and attempt(
        form,
        lambda: people.add_person(
            actor=request.user, organisation_id=organisation.pk, now=timezone.now(), **form.cleaned_data
        ),
    ):
        messages.success(request, _("The role was given."))
        return redirect("organisation_detail", code=code)
    return show_form(request, "orgs/member_add.html", form, organisation=organisation)


@_form_page
@never_cache
@translated
def membership_end(request: PersonRequest, pk: int) -> HttpResponse:
    """End a role, at once or after a day."""
    membership = Membership.objects.visible_to(request.user).select_related("user", "organisation").get(pk=pk)
    people.require_manager(request.user, membership.organisation_id)
    form = EndForm(request.POST if request.method == "POST" else None)
    if form.is_bound and attempt(
        form,
        lambda: people.end_membership(
            membership_id=pk, actor=request.user, last_day=form.cleaned_data["last_day"], now=timezone.now()
        ),
    ):
        messages.success(request, _("The end of the role was recorded."))
        return redirect("organisation_detail", code=membership.organisation.code)
    return show_form(request, "orgs/membership_end.html", form, membership=membership)


@require_POST
@translated
def person_set_active(request: PersonRequest, uid: str, active: bool) -> HttpResponse:
    """Shut a person out, or let them in again."""
    person = selectors.person(request.user, uid)
    people.set_active(user_id=person.pk, actor=request.user, active=active, now=timezone.now())
    said = _("The person can log in again.") if active else _("The person is shut out from now on.")
    messages.success(request, said)
    return redirect("organisation_detail", code=person.organisation.code)


@require_safe
def deputy_list(request: PersonRequest) -> HttpResponse:
    """Deputies of today and to come that concern this person."""
    context = {
        "deputies": selectors.deputies(request.user, timezone.localdate()),
        "organisations": selectors.deputy_organisations(request.user),
        "managed": set(selectors.managed_organisations(request.user).values_list("pk", flat=True)),
        "today": timezone.localdate(),
    }
    return render(request, "orgs/deputy_list.html", context)


@_form_page
@never_cache
@translated
def deputy_add(request: PersonRequest, code: str) -> HttpResponse:
    """Name a deputy, for oneself or as a manager."""
    organisation = selectors.organisation(request.user, code)
    day = timezone.localdate()
    principals = selectors.principals(request.user, organisation, day)
    if not principals.exists():
        raise PermissionDenied(people.NOT_A_MANAGER)
    form = DeputyForm(
        request.POST or None,
        organisation=organisation,
        principals=principals,
        deputies=selectors.possible_deputies(organisation, day),
    )
    if form.is_bound and attempt(form, lambda: _name_deputy(request, organisation, form.cleaned_data)):
        messages.success(request, _("The deputy was named."))
        return redirect("deputy_list")
    return show_form(request, "orgs/deputy_add.html", form, organisation=organisation)


def _name_deputy(request: PersonRequest, organisation: Organisation, data: dict[str, Any]) -> Deputy:
    return deputies.add_deputy(
        actor=request.user,
        principal_id=data["principal"].pk,
        deputy_id=data["deputy"].pk,
        organisation_id=organisation.pk,
        role=data["role"],
        valid_from=data["valid_from"],
        valid_until=data["valid_until"],
        now=timezone.now(),
    )


@require_POST
@translated
def deputy_end(request: PersonRequest, pk: int) -> HttpResponse:
    """End it at once."""
    deputy = Deputy.objects.visible_to(request.user).get(pk=pk)
    deputies.end_deputy(deputy_id=deputy.pk, actor=request.user, now=timezone.now())
    messages.success(request, _("The deputy no longer decides."))
    return redirect("deputy_list")


@require_safe
@translated
def recipient_list(request: PersonRequest) -> HttpResponse:
    """Who receives initial passwords."""
    managed = selectors.managed_organisations(request.user)
    if not any(selectors.may_read_people(request.user, pk) for pk in _scope_ids(request.user)):
        raise PermissionDenied(_("Your role does not show who receives initial passwords."))
    page = paginate(
        selectors.recipients(request.user, request.GET.get("organisation", "")), request.GET.get("cursor")
    )
    trail.record(
        action="recipient.view", now=timezone.now(), actor=request.user, object_type="orgs.passwordrecipient"
    )
    context = {
        "page": page,
        "organisations": managed,
        "managed": set(managed.values_list("pk", flat=True)),
        "chosen": request.GET.get("organisation", ""),
        "to_confirm": {row.pk for row in page.rows if recipients.needs_confirmation(row, timezone.now())},
    }
    return render(request, "orgs/recipient_list.html", context)


def _scope_ids(user: User) -> list[int]:
    return [membership.organisation_id for membership in user.current_memberships]


@_form_page
@never_cache
@translated
def recipient_add(request: PersonRequest, code: str) -> HttpResponse:
    """Register a recipient; the address counts when the person confirmed it (ACC-09)."""
    organisation = selectors.organisation(request.user, code)
    people.require_manager(request.user, organisation.pk)
    form = RecipientForm(request.POST or None)
    if form.is_bound and attempt(
        form,
        lambda: recipients.register(
            actor=request.user, organisation_id=organisation.pk, now=timezone.now(), **form.cleaned_data
        ),
    ):
        messages.success(
            request, _("Registered. The person now receives a mail with a link that confirms the address.")
        )
        return redirect("recipient_list")
    return show_form(request, "orgs/recipient_add.html", form, organisation=organisation)


@require_POST
@translated
def recipient_resend(request: PersonRequest, pk: int) -> HttpResponse:
    """Mail the confirming link again."""
    recipient = PasswordRecipient.objects.visible_to(request.user).get(pk=pk)
    try:
        recipients.resend(recipient_id=recipient.pk, actor=request.user, now=timezone.now())
    except errors.Refused as exc:
        messages.warning(request, str(exc.message))
    else:
        messages.success(request, _("The link was sent again. The earlier one no longer works."))
    return redirect("recipient_list")


@require_POST
@translated
def recipient_end(request: PersonRequest, pk: int) -> HttpResponse:
    """No more initial passwords to this person."""
    recipient = PasswordRecipient.objects.visible_to(request.user).get(pk=pk)
    recipients.end(recipient_id=recipient.pk, actor=request.user, now=timezone.now())
    messages.success(request, _("The person no longer receives initial passwords."))
    return redirect("recipient_list")


@_form_page
@never_cache
@login_not_required
def recipient_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the mailed link. Looking at it changes nothing; its button confirms."""
    recipient = recipients.find_by_token(token, timezone.now())
    if recipient is None:
        return render(request, "orgs/recipient_confirm.html", {"state": "gone"}, status=404)
    if request.method != "POST":
        return render(request, "orgs/recipient_confirm.html", {"state": "ask", "recipient": recipient})
    try:
        recipients.confirm(token=token, now=timezone.now())
    except errors.Refused:
        return render(request, "orgs/recipient_confirm.html", {"state": "gone"}, status=409)
    return render(request, "orgs/recipient_confirm.html", {"state": "done", "recipient": recipient})
