"""The addresses of this room: pages for people, callbacks for providers."""

from django.urls import path

from care import hooks, list_views, message_views, outcome_views, plan_views, views

urlpatterns = [
    path("customers/<int:pk>/care/", views.customer_care, name="customer-care"),
    path("tasks/", views.tasks, name="tasks"),
    path("tasks/<int:pk>/", views.task_act, name="task-act"),
    path("lists/birthdays/", list_views.birthdays, name="list-birthdays"),
    path("lists/absent/", list_views.absent, name="list-absent"),
    path("lists/absent/<int:pk>/owner/", list_views.owner, name="list-owner"),
    path("lists/briefing/", list_views.briefing, name="list-briefing"),
    path("lists/contacts/", list_views.contacts, name="list-contacts"),
    path("lists/read/", list_views.read, name="list-read"),
    path("tasks/hand-over/", views.task_hand_over, name="task-hand-over"),
    path("tasks/people/", views.people_leaving, name="people-leaving"),
    path("plan/", plan_views.plan, name="plan"),
    path("plan/act/", plan_views.plan_act, name="plan-act"),
    path("plan/rules/", plan_views.care_rules, name="care-rules"),
    path("plan/lines/new/", plan_views.plan_line_new, name="plan-line-new"),
    path("plan/lines/<slug:code>/", plan_views.plan_line, name="plan-line"),
    path("plan/versions/", plan_views.plan_history, name="plan-history"),
    path("plan/versions/<int:pk>/", plan_views.plan_version, name="plan-version"),
    path("outbox/", message_views.outbox, name="outbox"),
    path("outbox/rules/", message_views.text_rules, name="text-rules"),
    path("outbox/replies/", message_views.replies, name="replies"),
    path("outbox/replies/read/", message_views.replies_read, name="replies-read"),
    path("outbox/replies/<int:pk>/", message_views.reply_act, name="reply-act"),
    path("care/results/", outcome_views.results, name="care-results"),
    path("care/results/days/", outcome_views.results_days, name="care-results-days"),
    path("hooks/sms/<slug:provider>/receipts/", hooks.receipts, name="hook-receipts"),
    path("hooks/sms/<slug:provider>/replies/", hooks.replies, name="hook-replies"),
]
