"""The portal's URLs and one reference view: the smallest thing a Django view with one insert can be."""

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


@login_not_required
def insert_one_row(request: HttpRequest) -> HttpResponse:
    """One row, one commit, no template."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_reference DEFAULT VALUES")
    return HttpResponse("done")


urlpatterns = [path("bench/insert/", insert_one_row), path("", include("portal.urls"))]
