"""The application screens; portal.urls mounts them at the root."""

from django.urls import include, path

from portal.workflow import views, views_decisions, views_editing, views_lists
from portal.workflow.catalogue import views as catalogue

_ONE = "applications/<str:number>/"

urlpatterns = [
    path("", views_lists.HomeView.as_view(), name="home"),
    path("applications/", views_lists.ListView.as_view(), name="application_list"),
    path("applications/export/", views_lists.ExportView.as_view(), name="application_export"),
    path("applications/print/", views_lists.PrintView.as_view(), name="application_print"),
    path("applications/inbox/", views_lists.InboxView.as_view(), name="inbox"),
    path("applications/drafts/", views_lists.DraftsView.as_view(), name="draft_list"),
    path("applications/filters/", views_lists.FilterSaveView.as_view(), name="filter_save"),
    path(
        "applications/filters/<int:pk>/remove/", views_lists.FilterRemoveView.as_view(), name="filter_remove"
    ),
    path("applications/new/", catalogue.CatalogueView.as_view(), name="application_new"),
    path("applications/new/print/", catalogue.CatalogueView.as_view(printed=True), name="catalogue_print"),
    path("applications/new/<str:kind>/", views_editing.CreateView.as_view(), name="application_create"),
    path(_ONE, views.DetailView.as_view(), name="application_detail"),
    path(f"{_ONE}edit/", views_editing.EditView.as_view(), name="application_edit"),
    path(f"{_ONE}confirm/", views_editing.ConfirmView.as_view(), name="application_confirm"),
    path(f"{_ONE}submit/", views_editing.SubmitView.as_view(), name="application_submit"),
    path(f"{_ONE}decide/", views_decisions.DecideView.as_view(), name="application_decide"),
    path(f"{_ONE}approve/", views_decisions.DecisionView.as_view(how="approve"), name="application_approve"),
    path(f"{_ONE}reject/", views_decisions.DecisionView.as_view(how="reject"), name="application_reject"),
    path(f"{_ONE}return/", views_decisions.DecisionView.as_view(how="return"), name="application_return"),
    path(f"{_ONE}pull-back/", views_decisions.PullBackView.as_view(), name="application_pull_back"),
    path(f"{_ONE}withdraw/", views_decisions.WithdrawView.as_view(), name="application_withdraw"),
    path(f"{_ONE}copy/", views_editing.CopyView.as_view(), name="application_copy"),
    path(f"{_ONE}attachments/", views_editing.AttachmentAddView.as_view(), name="attachment_add"),
    path(
        f"{_ONE}attachments/<int:attachment_id>/",
        views_editing.AttachmentView.as_view(),
        name="attachment_download",
    ),
    path(
        f"{_ONE}attachments/<int:attachment_id>/remove/",
        views_editing.AttachmentRemoveView.as_view(),
        name="attachment_remove",
    ),
    path("", include("portal.workflow.reports.urls")),
    path("", include("portal.workflow.calendar.urls")),
    path("", include("portal.workflow.bulk.urls")),
    path("", include("portal.workflow.route_urls")),
]
