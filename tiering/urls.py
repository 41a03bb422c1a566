"""Pages of standings and schemes."""

from django.urls import path

from tiering import views

urlpatterns = [
    path("customers/<int:pk>/standing/", views.customer_standing, name="customer-standing"),
    path("schemes/", views.schemes, name="schemes"),
    path("schemes/adopt/", views.scheme_adopt, name="scheme-adopt"),
    path("schemes/<slug:code>/", views.scheme, name="scheme"),
]
