"""The frame of the pages: what leads where, for whom."""

from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from staff.access import who_may
from staff.models import Role

register = template.Library()

# URL name, label, icon, and the pages that belong under it.
DESK = [
    ("today", _("今日"), "sun-high", ("visits-held",)),
    (
        "customers", _("客户"), "users",
        (
            "customer", "customer-new", "customer-edit", "customer-standing", "customer-care",
            "customer-feedback", "complaint-open", "suggestion-record", "customer-loyalty", "customer-loyalty-act",
            "customer-relation", "customer-topic",
        ),
    ),
    (
        "tier-groups", _("客群"), "users-group",
        ("tier-group", "tier-group-guests", "segments", "segment", "segment-new", "segment-edit", "candidates", "leads",
         "accounts", "account", "account-new", "account-edit", "account-act", "relation-steps"),
    ),
    (
        "bookings", _("预订"), "armchair",
        ("booking", "booking-new", "booking-change", "waiting-join", "arrivals", "dining-tables"),
    ),
    ("tasks", _("任务"), "checklist", ("task-act", "people-leaving")),
    (
        "list-briefing", _("名单"), "clipboard-list",
        (
            "list-birthdays", "list-absent", "list-contacts", "list-tables", "list-served",
            "list-win-back", "list-returns", "list-labels",
        ),
    ),
    ("feedback", _("意见与投诉"), "message-exclamation", ("complaint-act", "suggestion-act", "feedback-guests")),
    (
        "vouchers", _("券与礼品"), "ticket",
        ("voucher-kind-new", "voucher-kind", "voucher-issue", "voucher-redeem", "gifts", "gift-item-new",
         "loyalty-rules", "kept"),
    ),
    (
        "plan", _("关怀计划"), "heart-handshake",
        (
            "plan-line", "plan-line-new", "plan-ready", "plan-history", "plan-version", "care-rules", "festivals",
            "trade-news", "care-library",
        ),
    ),
    ("campaigns", _("活动通知"), "speakerphone", ("campaign", "campaign-new", "campaign-edit", "campaign-approve")),
    ("events", _("活动与宴请"), "confetti", ("event", "event-new", "event-edit", "event-sheet", "event-dinner")),
    ("care-results", _("关怀成效"), "chart-bar", ("care-results-days", "care-quotas")),
    (
        "schemes", _("等级方案"), "stairs-up",
        ("scheme", "scheme-adopt", "scheme-new", "scheme-edit", "scheme-compare", "scheme-chain", "scheme-cost",
         "tier-chart"),
    ),
    ("outbox", _("短信"), "message", ("replies", "text-rules")),
    ("nights", _("夜间作业"), "moon", ("night-approve",)),
    ("imports", _("导入"), "table-import", ("import-job",)),
    ("settings", _("设置"), "settings", ("token-issue", "token-revoke", "dishes", "dish-withdraw")),
]  # fmt: skip


@register.inclusion_tag("parts/nav.html", takes_context=True)
def navigation(context: dict[str, Any]) -> dict[str, Any]:
    """The pages this role may open, the present one marked."""
    principal, here = context.get("principal"), context.get("url_name", "")
    role = principal.role if principal else ""
    return {
        "items": [
            {"url": name, "label": label, "icon": icon, "here": here == name or here in under}
            for name, label, icon, under in DESK
            if role in who_may(name, "GET")
        ],
        "floor": role in who_may("tablet", "GET"),
    }


@register.simple_tag(takes_context=True)
def may(context: dict[str, Any], url_name: str, method: str = "POST") -> bool:
    """Whether the person at the keyboard may use a page: `{% may "visit-void" as ok %}`."""
    principal = context.get("principal")
    return principal is not None and principal.role in who_may(url_name, method)


@register.simple_tag(takes_context=True)
def guest_page(context: dict[str, Any], pk: int) -> str:
    """Where the person at the keyboard reads about a guest: the desk's page, or the floor's where only that is open."""
    return reverse("customer" if may(context, "customer", "GET") else "tablet-guest", args=[pk])


@register.filter
def role_name(role: str) -> str:
    """店长, 经理 …; nothing for a machine."""
    return str(Role(role).label) if role in Role.values else ""
