"""The addresses of this room: pages for people, callbacks for providers."""

from django.urls import include, path

from care import hooks
from care.events.urls import urlpatterns as events
from care.views import answers, campaigns, costs, festivals, lists, messages, outcomes, plans, tasks

urlpatterns = [
    path("customers/<int:pk>/care/", tasks.customer_care, name="customer-care"),
    path("customers/<int:pk>/care/anniversaries/", answers.anniversary, name="customer-anniversary"),
    path("tasks/", tasks.tasks, name="tasks"),
    path("tasks/<int:pk>/", tasks.task_act, name="task-act"),
    path("lists/birthdays/", lists.birthdays, name="list-birthdays"),
    path("lists/absent/", lists.absent, name="list-absent"),
    path("lists/absent/<int:pk>/owner/", lists.owner, name="list-owner"),
    path("lists/briefing/", lists.briefing, name="list-briefing"),
    path("lists/contacts/", lists.contacts, name="list-contacts"),
    path("lists/tables/", answers.tables, name="list-tables"),
    path("lists/served/", answers.served, name="list-served"),
    path("lists/read/", lists.read, name="list-read"),
    path("tasks/hand-over/", tasks.task_hand_over, name="task-hand-over"),
    path("tasks/people/", tasks.people_leaving, name="people-leaving"),
    path("schemes/<slug:code>/cost/", costs.scheme_cost, name="scheme-cost"),
    path("plan/", plans.plan, name="plan"),
    path("plan/act/", plans.plan_act, name="plan-act"),
    path("plan/rules/", plans.care_rules, name="care-rules"),
    path("plan/ready/", plans.plan_ready, name="plan-ready"),
    path("plan/lines/new/", plans.plan_line_new, name="plan-line-new"),
    path("plan/lines/<slug:code>/", plans.plan_line, name="plan-line"),
    path("plan/versions/", plans.plan_history, name="plan-history"),
    path("plan/versions/<int:pk>/", plans.plan_version, name="plan-version"),
    path("care/news/", answers.news, name="trade-news"),
    path("care/quotas/", answers.quota, name="care-quotas"),
    path("care/calendar/", festivals.calendar, name="festivals"),
    path("care/calendar/act/", festivals.calendar_act, name="festivals-act"),
    path("outbox/", messages.outbox, name="outbox"),
    path("outbox/rules/", messages.text_rules, name="text-rules"),
    path("outbox/replies/", messages.replies, name="replies"),
    path("outbox/replies/read/", messages.replies_read, name="replies-read"),
    path("outbox/replies/<int:pk>/", messages.reply_act, name="reply-act"),
    path("care/campaigns/", campaigns.campaigns, name="campaigns"),
    path("care/campaigns/new/", campaigns.campaign_new, name="campaign-new"),
    path("care/campaigns/<int:pk>/", campaigns.campaign, name="campaign"),
    path("care/campaigns/<int:pk>/edit/", campaigns.campaign_edit, name="campaign-edit"),
    path("care/campaigns/<int:pk>/approve/", campaigns.campaign_approve, name="campaign-approve"),
    path("care/campaigns/<int:pk>/cancel/", campaigns.campaign_cancel, name="campaign-cancel"),
    *events,
    path("care/results/", outcomes.results, name="care-results"),
    path("care/results/days/", outcomes.results_days, name="care-results-days"),
    path("", include("care.relations.urls")),
    path("hooks/sms/<slug:provider>/receipts/", hooks.receipts, name="hook-receipts"),
    path("hooks/sms/<slug:provider>/replies/", hooks.replies, name="hook-replies"),
]
