"""The pages on which people look after their own password."""

from django.urls import path

from accounts import self_service_views as views
from accounts.reminder import views as reminder

urlpatterns = [
    path("profile/password/", views.password_change, name="password_change"),
    path("profile/password/first/", views.initial_password_change, name="initial_password_change"),
    path("profile/address/", views.own_address, name="own_address"),
    path("password/change/", views.public_password_change, name="public_password_change"),
    path("password/forgotten/", reminder.AskView.as_view(), name="reminder_ask"),
    path("password/forgotten/code/", reminder.CodeView.as_view(), name="reminder_code"),
    path("password/forgotten/factor/", reminder.FactorView.as_view(), name="reminder_factor"),
    path("identity/<slug:purpose>/", reminder.IdentityAskView.as_view(), name="identity_ask"),
    path("identity/<slug:purpose>/code/", reminder.IdentityCodeView.as_view(), name="identity_code"),
    path("identity/<slug:purpose>/factor/", reminder.IdentityFactorView.as_view(), name="identity_factor"),
    path("password/forgotten/new/", reminder.ChooseView.as_view(), name="reminder_choose"),
]
