"""The addresses of the list of notices."""

from django.urls import path

from portal.notices import views

urlpatterns = [
    path("notices/", views.notice_list, name="notice_list"),
    path("notices/read/", views.notice_read, name="notice_read"),
    path("notices/<int:pk>/send-again/", views.notice_send_again, name="notice_send_again"),
]
