"""Pages of the floor."""

from django.urls import path

from tablet import arrival_views, treat_views, views

urlpatterns = [
    path("tablet/", views.floor, name="tablet"),
    path("tablet/find/", views.find, name="tablet-find"),
    path("tablet/new/", views.new, name="tablet-new"),
    path("tablet/guests/<int:pk>/", views.guest, name="tablet-guest"),
    path("tablet/guests/<int:pk>/treat/", treat_views.treat, name="tablet-treat"),
    path("tablet/guests/<int:pk>/visit/", views.visit, name="tablet-visit"),
    path("tablet/guests/<int:pk>/seat/", arrival_views.seat, name="tablet-seat"),
    path("tablet/tables/", arrival_views.my_tables, name="tablet-tables"),
    path("tablet/alerts/", arrival_views.alerts, name="tablet-alerts"),
    path("arrivals/", arrival_views.arrivals, name="arrivals"),
    path("arrivals/<int:pk>/", arrival_views.arrival_act, name="arrival-act"),
]
