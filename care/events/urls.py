"""The addresses of events."""

from django.urls import path

from care.events import views

urlpatterns = [
    path("care/events/", views.events, name="events"),
    path("care/events/new/", views.event_new, name="event-new"),
    path("care/events/dinners/<int:pk>/", views.event_dinner, name="event-dinner"),
    path("care/events/<int:pk>/", views.event, name="event"),
    path("care/events/<int:pk>/edit/", views.event_edit, name="event-edit"),
    path("care/events/<int:pk>/invite/", views.event_invite, name="event-invite"),
    path("care/events/<int:pk>/guests/", views.event_guest, name="event-guest"),
    path("care/events/<int:pk>/answer/", views.event_answer, name="event-answer"),
    path("care/events/<int:pk>/results/", views.event_results, name="event-results"),
    path("care/events/<int:pk>/cancel/", views.event_cancel, name="event-cancel"),
    path("care/events/<int:pk>/list/", views.event_sheet, name="event-sheet"),
]
