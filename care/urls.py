"""The addresses of this room."""

from django.urls import path

from care import hooks

urlpatterns = [
    path("hooks/sms/<slug:provider>/receipts/", hooks.receipts, name="hook-receipts"),
    path("hooks/sms/<slug:provider>/replies/", hooks.replies, name="hook-replies"),
]
