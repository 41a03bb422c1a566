"""The addresses of this room: pages for people, callbacks for providers."""

from django.urls import path

from care import hooks, views

urlpatterns = [
    path("customers/<int:pk>/care/", views.customer_care, name="customer-care"),
    path("tasks/", views.tasks, name="tasks"),
    path("tasks/<int:pk>/", views.task_act, name="task-act"),
    path("plan/", views.plan, name="plan"),
    path("outbox/", views.outbox, name="outbox"),
    path("hooks/sms/<slug:provider>/receipts/", hooks.receipts, name="hook-receipts"),
    path("hooks/sms/<slug:provider>/replies/", hooks.replies, name="hook-replies"),
]
