"""Applications as JSON. Every field is written out: nothing is shown or accepted because a model happens to have it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.common.api.parsing import StrictSerializer
from portal.orgs.models import Organisation, User
from portal.workflow import kinds
from portal.workflow.api.payloads import presentable
from portal.workflow.content import COMMENT_LENGTH, REASON_LENGTH
from portal.workflow.models import (
    Application,
    ApplicationEvent,
    ApplicationLine,
    ApprovalStage,
    StageStatus,
    Status,
)
from portal.workflow.plans import Plan
from portal.workflow.reports.api import ArrivalSerializer
from portal.workflow.verbs import Verb

MAX_LINES = 500  # the most that any kind could take; each kind has a limit of its own


class OrganisationReferenceSerializer(serializers.Serializer):
    """An organisation as other objects name it."""

    code = serializers.CharField()
    name = serializers.CharField()


class PersonReferenceSerializer(serializers.Serializer):
    """A person as other objects name them."""

    uid = serializers.UUIDField()
    name = serializers.CharField(source="display_name")


class ApplicationSummarySerializer(serializers.Serializer):
    """An application in a list."""

    number = serializers.CharField()
    kind = serializers.CharField()
    kind_label = serializers.SerializerMethodField()
    status = serializers.ChoiceField(choices=Status.choices)
    status_label = serializers.CharField(help_text="Says too when the result report is on its way")
    organisation = OrganisationReferenceSerializer()
    applicant = PersonReferenceSerializer()
    subject = serializers.CharField()
    line_count = serializers.IntegerField()
    revision = serializers.IntegerField()
    version = serializers.IntegerField(help_text="The number in the ETag")
    due_on = serializers.DateField(allow_null=True)
    created_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    report = ArrivalSerializer(
        allow_null=True, help_text="Of the result report; null: not ended, or ended before there were any"
    )

    def get_kind_label(self, application: Application) -> str:
        """The name of the kind; its code when no app brings it any more."""
        try:
            return str(kinds.get(application.kind).label)
        except KeyError:
            return application.kind


class ChangeSerializer(serializers.Serializer):
    """One value before and after."""

    action = serializers.CharField(help_text="add, change, remove or set")
    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    attribute = serializers.CharField()
    before = serializers.ListField(child=serializers.CharField())
    after = serializers.ListField(child=serializers.CharField())

    def get_label(self, change: Any) -> str:
        """What the value is, in the person's language."""
        return _(change.label) if change.label else ""


class CheckSerializer(serializers.Serializer):
    """One automatic check."""

    code = serializers.CharField()
    level = serializers.CharField(help_text="passed, warning or blocked")
    text = serializers.SerializerMethodField()

    def get_text(self, check: Any) -> str:
        """What was found, in the person's language."""
        return _(check.text) % check.values if check.text else ""


class PlanSerializer(serializers.Serializer):
    """What will change (or would, for a frozen plan), and what the portal checked."""

    changes = ChangeSerializer(many=True)
    checks = CheckSerializer(many=True)
    unavailable = serializers.CharField(allow_blank=True, help_text="Why a target could not be asked")


class LineSerializer(serializers.Serializer):
    """One subject of an application."""

    position = serializers.IntegerField()
    subject = serializers.CharField()
    payload = serializers.SerializerMethodField()
    plan = serializers.SerializerMethodField(help_text="As frozen at submission")
    result = serializers.JSONField()

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_payload(self, line: ApplicationLine) -> dict[str, Any]:
        """As `payload_schema` of the kind describes it; a draft may lack fields."""
        try:
            return presentable(kinds.get(line.application.kind), line.payload)
        except KeyError:
            return dict(line.payload)

    @extend_schema_field(PlanSerializer(allow_null=True))
    def get_plan(self, line: ApplicationLine) -> Any:
        """The frozen plan, null in a draft."""
        return PlanSerializer(Plan.from_json(line.plan)).data if line.plan else None


class StageSerializer(serializers.Serializer):
    """One decision on one revision."""

    id = serializers.IntegerField()
    revision = serializers.IntegerField()
    position = serializers.IntegerField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    role = serializers.CharField()
    organisation = OrganisationReferenceSerializer()
    status = serializers.ChoiceField(choices=StageStatus.choices)
    is_fallback = serializers.BooleanField()
    due_on = serializers.DateField(allow_null=True)
    decided_by = PersonReferenceSerializer(allow_null=True)
    acted_for = PersonReferenceSerializer(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    comment = serializers.CharField()

    def get_label(self, stage: ApprovalStage) -> str:
        """The stage's name in the person's language."""
        return _(stage.label) if stage.label else ""


class EventSerializer(serializers.Serializer):
    """One step of the history."""

    at = serializers.DateTimeField()
    actor = serializers.CharField(source="actor_name")
    acted_for = PersonReferenceSerializer(allow_null=True)
    verb = serializers.ChoiceField(choices=Verb.choices)
    verb_label = serializers.SerializerMethodField()
    from_status = serializers.CharField()
    to_status = serializers.CharField()
    revision = serializers.IntegerField()
    comment = serializers.CharField()

    def get_verb_label(self, event: ApplicationEvent) -> str:
        """The step in the person's language."""
        return str(Verb(event.verb).label) if event.verb in Verb.values else event.verb


class AttachmentSerializer(serializers.Serializer):
    """A file of an application; its bytes are served by the web address only."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class ActionsSerializer(serializers.Serializer):
    """Which steps this person can take now."""

    edit = serializers.BooleanField()
    submit = serializers.BooleanField()
    decide = serializers.BooleanField()
    pull_back = serializers.BooleanField()
    withdraw = serializers.BooleanField()
    copy = serializers.BooleanField()
    attach = serializers.BooleanField()


class DecisionSerializer(serializers.Serializer):
    """What a decider has to name when deciding, and the live plans behind it."""

    stage_id = serializers.IntegerField()
    content_hash = serializers.CharField()
    plan_digest = serializers.CharField(allow_blank=True, help_text="Empty when a target could not be asked")
    plan_changed = serializers.BooleanField()
    acts_for = PersonReferenceSerializer(allow_null=True)
    plans = PlanSerializer(many=True)
    changes = ChangeSerializer(many=True, help_text="Between the frozen and the live plan")


class ApplicationSerializer(ApplicationSummarySerializer):
    """An application with all that belongs to it."""

    reason = serializers.CharField()
    desired_on = serializers.DateField(allow_null=True)
    content_hash = serializers.CharField()
    lines = LineSerializer(many=True)
    stages = StageSerializer(many=True)
    events = EventSerializer(many=True)
    attachments = AttachmentSerializer(many=True)
    actions = ActionsSerializer(help_text="Which steps this person can take now")
    decision = DecisionSerializer(allow_null=True, help_text="For a person who may decide now, else null")


class KindSerializer(serializers.Serializer):
    """A kind of application."""

    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    description = serializers.CharField()
    max_lines = serializers.IntegerField()
    max_bulk_lines = serializers.IntegerField()
    organisations = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the organisations for which this person may apply"
    )
    payload_schema = serializers.JSONField(help_text="JSON schema of one line")


class DateField(serializers.DateField):
    """A date as 2026-12-01. Text only: nothing else is read as a date."""

    def to_internal_value(self, value: Any) -> Any:
        """The date; raises ValidationError."""
        if not isinstance(value, str) or len(value) != 10:
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class TextField(serializers.CharField):
    """Text only: a number or a truth value is refused instead of being spelled out."""

    def to_internal_value(self, data: Any) -> str:
        """The text; raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class LinesField(serializers.ListField):
    """The lines as objects; which fields they may have is the kind's business."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.DictField(), max_length=MAX_LINES, **kwargs)


class ContentSerializer(StrictSerializer):
    """What PATCH may change; what is left out stays as it is."""

    reason = TextField(required=False, allow_blank=True, max_length=REASON_LENGTH, trim_whitespace=False)
    desired_on = DateField(required=False, allow_null=True)
    lines = LinesField(
        required=False, help_text="Each as `payload_schema` of the kind says; may be incomplete"
    )


class NewApplicationSerializer(ContentSerializer):
    """A new draft."""

    kind = TextField()
    organisation = TextField(help_text="Code of an organisation for which the person may apply")

    def validate_kind(self, code: str) -> str:
        """A registered kind."""
        try:
            return kinds.get(code).code
        except KeyError:
            raise serializers.ValidationError(_("There is no such kind. See GET kinds/.")) from None

    def validate_organisation(self, code: str) -> Organisation:
        """One that this person sees; another federation is as unknown as a code that does not exist (ORG-02)."""
        actor: User = self.context["request"].user
        for membership in actor.current_memberships:
            if membership.organisation.code == code:
                return membership.organisation
        raise serializers.ValidationError(_("There is no such organisation among yours. See GET me/."))


class DecideSerializer(StrictSerializer):
    """A decision: which stage, and what was seen (both out of `decision` of the application)."""

    stage_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    content_hash = TextField(max_length=64)
    plan_digest = TextField(max_length=64, allow_blank=True)
    comment = TextField(required=False, default="", allow_blank=True, max_length=COMMENT_LENGTH)


class CommentSerializer(StrictSerializer):
    """A withdrawal, with a word why."""

    comment = TextField(required=False, default="", allow_blank=True, max_length=COMMENT_LENGTH)
