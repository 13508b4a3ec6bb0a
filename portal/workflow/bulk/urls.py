"""The addresses of bulk application; portal.workflow.urls includes them."""

from django.urls import path

from portal.workflow.bulk import line_views, views

_ONE = "applications/<str:number>/"

urlpatterns = [
    path("applications/new/<str:kind>/file/", views.FileView.as_view(), name="application_file"),
    path("applications/new/<str:kind>/template/", views.TemplateView.as_view(), name="application_template"),
    path("uploads/<int:pk>/", views.UploadView.as_view(), name="upload_rows"),
    path("uploads/<int:pk>/errors/", views.ErrorsFileView.as_view(), name="upload_errors"),
    path("uploads/<int:pk>/take-over/", views.TakeOverView.as_view(), name="upload_take_over"),
    path("uploads/<int:pk>/discard/", views.DiscardView.as_view(), name="upload_discard"),
    path(f"{_ONE}lines/", line_views.LinesView.as_view(), name="application_lines"),
    path(f"{_ONE}lines/file/", line_views.LinesFileView.as_view(), name="application_lines_file"),
    path(f"{_ONE}lines/table/", line_views.ReopenView.as_view(), name="application_reopen"),
    path(f"{_ONE}results/", line_views.ResultsFileView.as_view(), name="application_results"),
    path(f"{_ONE}progress/", line_views.ProgressView.as_view(), name="application_progress"),
]
