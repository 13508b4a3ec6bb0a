"""The addresses of the calendar."""

from django.urls import path

from portal.workflow.calendar import views

urlpatterns = [
    path("calendar/", views.CalendarView.as_view(), name="calendar"),
    path("calendar/export/", views.FileView.as_view(), name="calendar_export"),
    path("calendar/freezes/", views.FreezesView.as_view(), name="freeze_list"),
    path("calendar/freezes/<int:pk>/end/", views.FreezeEndView.as_view(), name="freeze_end"),
]
