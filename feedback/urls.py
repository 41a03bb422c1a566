"""The addresses of this room."""

from django.urls import path

from feedback import views

urlpatterns = [
    path("feedback/", views.board, name="feedback"),
    path("customers/<int:pk>/feedback/", views.customer_feedback, name="customer-feedback"),
    path("customers/<int:pk>/complaints/", views.complaint_open, name="complaint-open"),
    path("customers/<int:pk>/suggestions/", views.suggestion_record, name="suggestion-record"),
    path("complaints/<int:pk>/", views.complaint_act, name="complaint-act"),
    path("suggestions/<int:pk>/", views.suggestion_act, name="suggestion-act"),
    path("tablet/guests/<int:pk>/feedback/", views.floor, name="tablet-feedback"),
]
