"""The addresses of the account screens."""

from django.urls import path

from accounts import views
from accounts.delivery import views as delivery
from accounts.naming import views as naming

urlpatterns = [
    path("accounts/", views.ListView.as_view(), name="account_list"),
    path("accounts/export/", views.ExportView.as_view(), name="account_export"),
    path("accounts/print/", views.PrintView.as_view(), name="account_print"),
    path("accounts/<uuid:guid>/", views.DetailView.as_view(), name="account_detail"),
    path(
        "accounts/operations/<int:operation_id>/recipient/",
        views.ChangeRecipientView.as_view(),
        name="operation_recipient",
    ),
    path(
        "accounts/operations/<int:operation_id>/login-name/",
        naming.ChangeLoginNameView.as_view(),
        name="operation_login_name",
    ),
    path("organisations/<slug:code>/delivery/", delivery.delivery_setting, name="delivery_setting"),
    path("initial-passwords/", delivery.PickupListView.as_view(), name="pickup_list"),
    path("initial-passwords/<int:pk>/", delivery.PickupView.as_view(), name="pickup"),
    path("organisations/<slug:code>/naming/", naming.naming_rule, name="naming_rule"),
    path(
        "applications/<str:number>/login-name/", naming.ProposeNameView.as_view(), name="login_name_propose"
    ),
]
