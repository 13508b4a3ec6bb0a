"""What this app gives to the evidence log (SEC-02)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.trail.sources import register_source


def register() -> None:
    """Called once at start."""
    register_source(
        name="requests.enquiry_message",
        label=_("enquiries and answers"),
        table="change_requests_enquirymessage",
        columns="id enquiry_id organisation_id kind internal at author_id author_name author_organisation text",
    )
    register_source(
        name="requests.enquiry_file",
        label=_("files of enquiries"),
        table="change_requests_enquiryfile",
        columns="id message_id organisation_id name content_type size sha256",
    )
    register_source(
        name="requests.enquiry_file_content",
        label=_("contents of files of enquiries"),
        table="change_requests_enquiryfilecontent",
        columns="file_id data",
        key="file_id",
    )
    register_source(
        name="requests.outage_event",
        label=_("history of planned outages"),
        table="change_requests_outageevent",
        columns="id outage_id organisation_id at actor_id actor_name verb text",
    )
    register_source(
        name="requests.own_change",
        label=_("own changes"),
        table="change_requests_ownchange",
        columns="id number organisation_id subject equipment item item_key system_name before after differs reason changed_at changed_by recorded_at recorded_by_id corrects_id digest",
    )
    register_source(
        name="requests.bundle_event",
        label=_("history of PCs that come and go"),
        table="change_requests_bundleevent",
        columns="id bundle_id organisation_id at actor_id actor_name verb note",
    )
    register_source(
        name="requests.computer_object_event",
        label=_("history of computer objects"),
        table="change_requests_computerobjectevent",
        columns="id computer_object_id organisation_id at verb application_number changes",
    )
    register_source(
        name="requests.managed_event",
        label=_("history of managed machines"),
        table="change_requests_managedmachineevent",
        columns="id machine_id organisation_id line_id at recorded_by_id done_at done_by verb application_number changes note seen",
    )
    register_source(
        name="requests.password_lifetime_event",
        label=_("history of password lifetimes"),
        table="change_requests_passwordlifetimeevent",
        columns="id lifetime_id organisation_id at actor_id actor_name verb application_number changes counts",
    )
