"""The addresses of reconciliation."""

from django.urls import path

from accounts.reconciliation import views

urlpatterns = [
    path("findings/", views.ListView.as_view(), name="finding_list"),
    path("findings/export/", views.ExportView.as_view(), name="finding_export"),
    path("findings/print/", views.PrintView.as_view(), name="finding_print"),
    path("findings/<int:pk>/", views.DetailView.as_view(), name="finding_detail"),
    path("findings/<int:pk>/answer/", views.AnswerView.as_view(), name="finding_answer"),
    path("findings/<int:pk>/confirm/", views.ConfirmView.as_view(), name="finding_confirm"),
    path("findings/<int:pk>/take-back/", views.TakeBackView.as_view(), name="finding_take_back"),
    path("reconciliation/", views.RunsView.as_view(), name="reconciliation_list"),
    path("reconciliation/start/", views.StartView.as_view(), name="reconciliation_start"),
]
