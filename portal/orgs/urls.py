"""The pages of organisations, people and the person's own profile."""

from django.urls import path

from portal.orgs import people_views as people
from portal.orgs import views

urlpatterns = [
    path("profile/", views.profile_page, name="profile"),
    path("profile/tokens/", views.token_list, name="token_list"),
    path("profile/tokens/new/", views.token_create, name="token_create"),
    path("profile/tokens/<int:pk>/revoke/", views.token_revoke, name="token_revoke"),
    path("columns/<slug:table>/", views.columns_choose, name="columns_choose"),
    path("organisations/", people.organisation_list, name="organisation_list"),
    path("organisations/<slug:code>/", people.organisation_detail, name="organisation_detail"),
    path("organisations/<slug:code>/members/add/", people.member_add, name="member_add"),
    path("memberships/<int:pk>/end/", people.membership_end, name="membership_end"),
    path("people/<uuid:uid>/shut-out/", people.person_set_active, {"active": False}, name="person_shut_out"),
    path("people/<uuid:uid>/let-in/", people.person_set_active, {"active": True}, name="person_let_in"),
    path("deputies/", people.deputy_list, name="deputy_list"),
    path("deputies/<slug:code>/add/", people.deputy_add, name="deputy_add"),
    path("deputies/<int:pk>/end/", people.deputy_end, name="deputy_end"),
    path("recipients/", people.recipient_list, name="recipient_list"),
    path("recipients/<slug:code>/add/", people.recipient_add, name="recipient_add"),
    path("recipients/<int:pk>/resend/", people.recipient_resend, name="recipient_resend"),
    path("recipients/<int:pk>/end/", people.recipient_end, name="recipient_end"),
    path("recipients/confirm/<str:token>/", people.recipient_confirm, name="recipient_confirm"),
]
