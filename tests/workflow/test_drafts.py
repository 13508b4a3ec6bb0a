"""Drafts, copies, pulling back and withdrawing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.errors import ContentChanged, InvalidApplication, MoveNotAllowed, NotAllowed
from portal.workflow.models import Application, StageStatus, Status
from portal.workflow.verbs import Verb
from tests import factories
from tests.workflow import cards

pytestmark = pytest.mark.django_db
YESTERDAY = timezone.localdate() - dt.timedelta(days=1)


def save(application: Application, content: Content, version: int | None = None) -> Application:
    return services.save_draft(
        application_id=application.pk,
        actor=application.applicant,
        content=content,
        version=version,
        now=timezone.now(),
    )


def create(office: cards.Office, **values: Any) -> Application:
    arguments = {
        "kind": cards.CODE,
        "organisation_id": office.applicant.organisation_id,
        "actor": office.applicant,
        "now": timezone.now(),
    }
    return services.create_draft(**arguments | values)


def pull_back(application: Application, by: Any = None) -> Application:
    return services.pull_back(
        application_id=application.pk, actor=by or application.applicant, now=timezone.now()
    )


def withdraw(application: Application, by: Any = None, comment: str = "") -> Application:
    return services.withdraw(
        application_id=application.pk, actor=by or application.applicant, comment=comment, now=timezone.now()
    )


def test_a_draft_keeps_incomplete_and_wrong_lines_as_they_are(office: cards.Office) -> None:
    application = create(office, content=Content(lines=({}, {"name": "x" * 50}, {"colour": 7})))

    assert [line.payload for line in application.lines.all()] == [{}, {"name": "x" * 50}, {"colour": 7}]
    assert (application.status, application.line_count) == (Status.DRAFT, 3)
    assert application.events.get().verb == Verb.CREATED


def test_a_draft_is_found_by_its_number_and_subject(office: cards.Office) -> None:
    application = create(office, content=cards.content("Sato"))

    assert application.subject == "Sato"
    assert application.number.casefold() in application.search_text
    assert "sato" in application.search_text


def test_who_may_not_apply_makes_no_draft(office: cards.Office) -> None:
    with pytest.raises(NotAllowed):
        create(office, actor=office.approver)
    with pytest.raises(NotAllowed):  # ORG-02: nor for another federation
        create(office, organisation_id=factories.organisation("27").pk)
    with pytest.raises(NotAllowed):  # an organisation that does not exist says no more than that
        create(office, organisation_id=999_999)


def test_a_kind_that_the_organisation_may_not_have_is_refused(office: cards.Office) -> None:  # ACC-15, ORG-06
    person = factories.applicant(code="maintenance")

    with pytest.raises(NotAllowed):
        create(office, actor=person, organisation_id=person.organisation_id)


def test_an_unknown_kind_is_refused(office: cards.Office) -> None:
    with pytest.raises(InvalidApplication) as caught:
        create(office, kind="no.such")

    assert set(caught.value.errors) == {"kind"}


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (Content(reason="x" * 2001), "reason"),
        (Content(reason="a\x00b"), "reason"),
        (Content(reason="\ud800"), "reason"),
        (Content(lines=({"name": "a\x00"},)), "lines.0.name"),
        (Content(lines=({}, {"name": ["ok", "\udfff"]})), "lines.1.name"),
        (Content(lines=({"name": {"deep": 1}},)), "lines.0.name"),
        (Content(lines=({"name": float("nan")},)), "lines.0.name"),
        (Content(lines=({"name": "x" * 10_001},)), "lines.0.name"),
        (Content(lines=({"is_admin": True},)), "lines.0.is_admin"),
        (Content(lines=({},) * 6), "lines"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_place(
    content: Content, path: str, office: cards.Office
) -> None:
    with pytest.raises(InvalidApplication) as caught:
        create(office, content=content)

    assert set(caught.value.errors) == {path}
    assert all(caught.value.errors[path])
    assert not Application.system.exists()


def test_saving_replaces_adds_and_removes_lines(office: cards.Office) -> None:
    application = create(office, content=cards.content("a", "b", "c"))

    application = save(application, cards.content("x", "y"))
    assert [line.payload["name"] for line in application.lines.all()] == ["x", "y"]

    application = save(application, cards.content("x", "y", "z"))
    assert [line.payload["name"] for line in application.lines.all()] == ["x", "y", "z"]
    assert application.line_count == 3


def test_saving_with_an_old_version_is_refused(office: cards.Office) -> None:
    application = create(office, content=cards.content("a"))
    seen = application.version
    save(application, cards.content("b"), version=seen)

    with pytest.raises(ContentChanged):
        save(application, cards.content("c"), version=seen)
    assert application.lines.get().payload["name"] == "b"


def test_saving_the_same_again_changes_nothing(office: cards.Office) -> None:
    application = create(office, content=cards.content("a"))
    entries = TrailEntry.objects.count()

    assert save(application, cards.content("a")).version == application.version
    assert TrailEntry.objects.count() == entries


def test_only_the_applicant_saves(office: cards.Office) -> None:
    application = create(office)

    with pytest.raises(NotAllowed):
        services.save_draft(
            application_id=application.pk,
            actor=factories.applicant(),
            content=cards.content("a"),
            version=None,
            now=timezone.now(),
        )


def test_what_is_in_review_cannot_be_changed(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)

    with pytest.raises(MoveNotAllowed):
        save(application, cards.content("other"))


def test_a_returned_application_keeps_its_name_while_it_is_edited(office: cards.Office) -> None:  # ACC-06
    application = cards.submitted(office.applicant, "sato")
    services.return_(**cards.seen(application, office.approver), comment="直して")

    save(application, cards.content("sato", reason="直しました"))

    with pytest.raises(InvalidApplication):
        cards.submitted(office.applicant, "sato")


def test_a_copy_has_the_content_without_date_and_files(office: cards.Office) -> None:
    source = cards.draft(office.applicant, "sato", "ito", desired_on=timezone.localdate())
    services.add_attachment(
        application_id=source.pk, actor=office.applicant, name="a.txt", data=b"x", now=timezone.now()
    )
    cards.submit(source)
    colleague = factories.applicant()

    made = services.copy(application_id=source.pk, actor=colleague, now=timezone.now())

    assert (made.status, made.applicant, made.copied_from) == (Status.DRAFT, colleague, source)
    assert made.number != source.number
    assert (made.reason, made.desired_on, made.attachments.count()) == (source.reason, None, 0)
    assert [line.payload["name"] for line in made.lines.all()] == ["sato", "ito"]
    assert not made.lines.filter(is_open=True).exists()


def test_who_may_not_apply_there_copies_nothing(office: cards.Office) -> None:
    source = cards.submitted(office.applicant)

    with pytest.raises(NotAllowed):
        services.copy(application_id=source.pk, actor=factories.applicant(code="27"), now=timezone.now())


def test_pulling_back_ends_the_review_and_tells_who_was_asked(office: cards.Office) -> None:
    application = pull_back(cards.submitted(office.applicant, "sato"))

    assert (application.status, application.due_on) == (Status.PULLED_BACK, None)
    assert {s.status for s in application.stages.all()} == {StageStatus.CANCELLED}
    assert Notice.system.get(template="application_withdrawn").to_user == office.approver
    assert application.lines.get().is_open


def test_pulling_back_is_too_late_once_somebody_decided(office: cards.Office) -> None:
    application = cards.approve(cards.submitted(office.applicant), office.approver)

    with pytest.raises(MoveNotAllowed):
        pull_back(application)


def test_a_decision_on_an_earlier_revision_does_not_forbid_to_pull_back(office: cards.Office) -> None:
    application = cards.approve(cards.submitted(office.applicant), office.approver)
    services.return_(**cards.seen(application, office.operator), comment="直して")
    cards.submit(application)

    assert pull_back(application).status == Status.PULLED_BACK


def test_only_the_applicant_pulls_back(office: cards.Office) -> None:
    with pytest.raises(NotAllowed):
        pull_back(cards.submitted(office.applicant), by=factories.applicant())


def test_withdrawing_ends_it_and_frees_the_name(office: cards.Office) -> None:  # ACC-06
    application = withdraw(cards.submitted(office.applicant, "sato"), comment="異動が取りやめになりました")

    assert application.status == Status.WITHDRAWN
    assert {s.status for s in application.stages.all()} == {StageStatus.CANCELLED}
    assert application.events.get(verb=Verb.WITHDRAWN).comment
    assert Notice.system.filter(template="application_withdrawn", to_user=office.approver).exists()
    assert cards.submitted(office.applicant, "sato").status == Status.IN_REVIEW


def test_a_draft_can_be_withdrawn_without_mail(office: cards.Office) -> None:
    assert withdraw(create(office)).status == Status.WITHDRAWN
    assert not Notice.system.exists()


def test_what_is_approved_cannot_be_withdrawn(office: cards.Office) -> None:
    application = cards.approved(office.applicant, office.approver, office.operator)

    with pytest.raises(MoveNotAllowed):
        withdraw(application)


def test_a_colleague_withdraws_only_when_the_applicant_is_gone(office: cards.Office) -> None:
    application, colleague = cards.submitted(office.applicant), factories.applicant()

    with pytest.raises(NotAllowed):
        withdraw(application, by=colleague)
    office.applicant.memberships.update(valid_until=YESTERDAY)
    with pytest.raises(NotAllowed):  # somebody who may not apply there
        withdraw(application, by=factories.user(Role.USER))

    assert withdraw(application, by=colleague).status == Status.WITHDRAWN
