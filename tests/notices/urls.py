"""The pages that mails point to, by name: notices stand below the rooms that own them."""

from django.http import HttpResponse
from django.urls import path

urlpatterns = [
    path("applications/<str:number>/", lambda request, number: HttpResponse(), name="application_detail"),
    path("operations/", lambda request: HttpResponse(), name="operation_list"),
    path("trail/", lambda request: HttpResponse(), name="trail_list"),
]
