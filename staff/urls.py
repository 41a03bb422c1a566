"""Signing in, the language, the store one works in, and the store's settings."""

from django.urls import path

from staff import views

urlpatterns = [
    path("", views.home, name="home"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", views.leave, name="logout"),
    path("language/", views.language, name="language"),
    path("store/", views.choose_store, name="choose-store"),
    path("settings/", views.store_settings, name="settings"),
    path("settings/tokens/", views.token_issue, name="token-issue"),
    path("settings/tokens/<int:pk>/revoke/", views.token_revoke, name="token-revoke"),
]
