"""The addresses of this room: pages for people, callbacks for providers."""

from django.urls import path

from care import hooks, message_views, views

urlpatterns = [
    path("customers/<int:pk>/care/", views.customer_care, name="customer-care"),
    path("tasks/", views.tasks, name="tasks"),
    path("tasks/<int:pk>/", views.task_act, name="task-act"),
    path("plan/", views.plan, name="plan"),
    path("outbox/", message_views.outbox, name="outbox"),
    path("outbox/rules/", message_views.text_rules, name="text-rules"),
    path("outbox/replies/", message_views.replies, name="replies"),
    path("outbox/replies/read/", message_views.replies_read, name="replies-read"),
    path("outbox/replies/<int:pk>/", message_views.reply_act, name="reply-act"),
    path("hooks/sms/<slug:provider>/receipts/", hooks.receipts, name="hook-receipts"),
    path("hooks/sms/<slug:provider>/replies/", hooks.replies, name="hook-replies"),
]
