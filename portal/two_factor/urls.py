"""The addresses of the two-factor exchange."""

from django.urls import path

from portal.two_factor import views

urlpatterns = [
    path("operations/two-factor/", views.ListView.as_view(), name="exchange_list"),
    path("operations/two-factor/upload/", views.UploadView.as_view(), name="exchange_upload"),
    path("operations/two-factor/mapping/", views.MappingView.as_view(), name="exchange_mapping"),
    path("operations/two-factor/batches/<int:number>/", views.BatchView.as_view(), name="exchange_batch"),
    path(
        "operations/two-factor/batches/<int:number>/file/",
        views.DownloadView.as_view(),
        name="exchange_download",
    ),
    path("operations/two-factor/answers/<int:pk>/", views.AnswerView.as_view(), name="exchange_answer"),
]
