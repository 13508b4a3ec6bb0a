"""The addresses of the months of the audit."""

from django.urls import path, re_path

from audit.cycles import deadline_views, views

MONTH = "(?P<key>20[0-9]{2}-[0-9]{2})"

urlpatterns = [
    path("audit/calendar/", views.CalendarView.as_view(), name="audit_calendar"),
    path("audit/calendar/ics/", views.FileView.as_view(), name="audit_calendar_ics"),
    re_path(rf"^audit/cycles/{MONTH}/$", views.CycleView.as_view(), name="audit_cycle"),
    path("audit/deadlines/", deadline_views.PoliciesView.as_view(), name="audit_deadlines"),
    path("audit/deadlines/new/", deadline_views.NewView.as_view(), name="audit_deadlines_new"),
    re_path(
        rf"^audit/deadlines/{MONTH}/$", deadline_views.PolicyView.as_view(), name="audit_deadlines_version"
    ),
    path("audit/closures/", deadline_views.ClosuresView.as_view(), name="audit_closures"),
    path(
        "audit/closures/<int:pk>/remove/",
        deadline_views.ClosureRemoveView.as_view(),
        name="audit_closure_remove",
    ),
]
