"""The addresses of the screens about machines and devices."""

from django.urls import path

from devices.computers import views as computers
from devices.segments import views as segments

urlpatterns = [
    path("computers/", computers.ListView.as_view(), name="computer_list"),
    path("computers/export/", computers.ExportView.as_view(), name="computer_export"),
    path("computers/print/", computers.PrintView.as_view(), name="computer_print"),
    path("computers/<uuid:uid>/", computers.DetailView.as_view(), name="computer_detail"),
    path("segments/", segments.ListView.as_view(), name="segment_list"),
    path("segments/<int:pk>/end/", segments.EndView.as_view(), name="segment_end"),
]
