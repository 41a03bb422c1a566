"""Pages of what came of it: today, the nights, the ladder over the months."""

from django.urls import path

from reports import views

urlpatterns = [
    path("today/", views.today, name="today"),
    path("nights/", views.nights, name="nights"),
    path("nights/<int:pk>/approve/", views.approve, name="night-approve"),
    path("months/tiers/", views.tier_chart, name="tier-chart"),
]
