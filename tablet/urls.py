"""Pages of the floor."""

from django.urls import path

from tablet import treat_views, views

urlpatterns = [
    path("tablet/", views.floor, name="tablet"),
    path("tablet/find/", views.find, name="tablet-find"),
    path("tablet/new/", views.new, name="tablet-new"),
    path("tablet/guests/<int:pk>/", views.guest, name="tablet-guest"),
    path("tablet/guests/<int:pk>/treat/", treat_views.treat, name="tablet-treat"),
    path("tablet/guests/<int:pk>/visit/", views.visit, name="tablet-visit"),
]
