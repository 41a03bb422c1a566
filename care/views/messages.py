"""The outbox, what guests answered, the rules of texts."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from care.forms.messages import ReplyForm, TextRulesForm
from care.models import GuestReply, Message
from care.parts import cost_fen
from care.selectors.outbox import Span, month_of_texts, outbox_page, outbox_totals, replies_of, unread_replies
from care.services.replies import read_others, read_reply
from care.services.rules import change_rules, rules_of
from common.clock import add_months, moment_of, now
from common.errors import Refused
from staff.models import Store
from staff.pages import PageRequest, found, person_of, tell

LATELY = timedelta(days=30)
FIRST_YEAR, LAST_YEAR = 2000, 2200


@require_safe
def outbox(request: PageRequest) -> HttpResponse:
    """The texts of the last 30 days, or of a month: each with its state, its parts, and the reason in words where it
    was not sent; what the month costs.
    """
    store, at = request.principal.store, now()
    first = _month(request.GET.get("month", ""))
    within = _span(store, first) if first else (at - LATELY, at + timedelta(days=1))
    state = request.GET.get("state", "")
    state = state if state in Message.State.values else ""
    totals = outbox_totals(store, within)
    reasons = totals.reasons.get(state, {}) if state else {}
    reason = request.GET.get("reason", "")
    reason = reason if reason in reasons else ""
    page = outbox_page(store, state, reason, request.GET.get("cursor", "")[:100], within=within)
    month = month_of_texts(store.brand_id, store.timezone, at)
    ask = {"month": f"{first:%Y-%m}" if first else "", "state": state, "reason": reason}
    today = store.business_day(at)
    context = {
        "page": page,
        "totals": [
            (value, label, totals.states[value])
            for value, label in Message.State.choices
            if totals.states[value]
        ],
        "all": totals.total,
        "state": state,
        "reason": reason,
        "reasons": reasons,
        "next": urlencode({name: value for name, value in {**ask, "cursor": page.cursor}.items() if value}),
        "keep": urlencode({"month": ask["month"]}) if first else "",
        "paged": "cursor" in request.GET,
        "month": month,
        "first": first,
        "earlier": add_months(first or today.replace(day=1), -1 if first else 0),
        "later": add_months(first, 1) if first and add_months(first, 1) <= today else None,
        "waiting_parts": totals.parts[Message.State.PENDING],
        "waiting_fen": cost_fen(totals.parts[Message.State.PENDING], month.rules.thousand_parts_fen),
        "held_back": totals.reasons.get(Message.State.PENDING, {}).get("budget", 0),
        "unread": unread_replies(store),
    }
    return render(request, "care/outbox.html", context)


def _month(text: str) -> date | None:
    try:
        first = datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        return None
    return first if FIRST_YEAR <= first.year < LAST_YEAR else None


def _span(store: Store, first: date) -> Span:
    """A calendar month on the store's clock."""
    return (
        moment_of(first, time(), store.timezone),
        moment_of(add_months(first, 1), time(), store.timezone),
    )


@require_safe
def replies(request: PageRequest) -> HttpResponse:
    """What guests answered and a person has to read."""
    unread, read = replies_of(request.principal.store)
    context: dict[str, Any] = {
        "unread": unread,
        "read": read,
        "others": sum(not reply.stopped for reply in unread),
    }
    return render(request, "care/replies.html", context)


@require_POST
def reply_act(request: PageRequest, pk: int) -> HttpResponse:
    """Say what one reply means."""
    store = request.principal.store
    found(GuestReply.objects.filter(store=store, pk=pk).first())
    form = ReplyForm(request.POST)
    if form.is_valid():
        try:
            reply = read_reply(
                store=store,
                reply_id=pk,
                outcome=form.cleaned_data["outcome"],
                actor=person_of(request),
                at=now(),
            )
            messages.success(request, str(GuestReply.Outcome(reply.outcome).label))
        except Refused as refused:
            tell(request, refused)
    return redirect("replies")


@require_POST
def replies_read(request: PageRequest) -> HttpResponse:
    """All replies that stopped nothing were read."""
    number = read_others(store=request.principal.store, actor=person_of(request), at=now())
    messages.success(request, _("%(n)s 条回复已看过。") % {"n": number})
    return redirect("replies")


def text_rules(request: PageRequest) -> HttpResponse:
    """The brand's caps, price and budget."""
    rules = rules_of(request.principal.store.brand_id)
    form = TextRulesForm(request.POST) if request.method == "POST" else TextRulesForm.showing(rules)
    if form.is_bound and form.is_valid():
        change_rules(form.put_into(rules), at=now())
        messages.success(request, _("短信规则已保存，对还没发的短信马上生效。"))
        return redirect(reverse("outbox"))
    return render(request, "care/text_rules.html", {"form": form}, status=422 if form.errors else 200)
