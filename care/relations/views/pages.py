"""The nine steps, the library, a guest's topics, the question asked again, the numbers of the store."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_POST, require_safe

from care.models import Piece
from care.relations.forms import AskedForm, NumberForm, PieceForm, TopicForm
from care.relations.rules import STEPS
from care.relations.selectors.card import next_of, topics_of
from care.relations.selectors.steps import month_of_steps, step_of, stuck_guests
from care.relations.services import notes
from care.relations.services.opening import rules_of
from care.views.lists import month_of
from common.clock import add_months, now
from common.errors import Refused
from customers.selectors.listing import guests_of
from feedback.models import Complaint
from staff.pages import PageRequest, found, person_of, safe_next, tell, today_of
from tiering.selectors.pages import ladder

STEP_WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
    "define": (_lazy("定义"), _lazy("店长这个月想认识多少人")),
    "recognise": (_lazy("识别"), _lazy("这个月建了档")),
    "develop": (_lazy("开发"), _lazy("有了负责人，或联系过")),
    "respond": (_lazy("响应"), _lazy("联系上了，或回了短信")),
    "receive": (_lazy("接待"), _lazy("来店消费过")),
    "serve": (_lazy("服务"), _lazy("记下了谁接待、点了什么、有什么观察")),
    "care": (_lazy("关怀"), _lazy("知道喜好忌口，或送过礼、给过待遇")),
    "return": (_lazy("回访"), _lazy("来过之后回访过")),
    "interact": (_lazy("互动"), _lazy("参加活动、提建议、带新客")),
}


@require_safe
def steps(request: PageRequest) -> HttpResponse:
    """The funnel of the guests put on file in a month, and who stands still at one of the steps."""
    store, today = request.principal.store, today_of(request)
    first = month_of(request.GET.get("month", "")) or today.replace(day=1)
    days = rules_of(store).stuck_days
    month = month_of_steps(store, first, days, today)
    chosen = request.GET.get("step", "")
    step = (
        chosen
        if chosen in STEPS[1:-1]
        else next((each for each in STEPS[1:-1] if month.stuck.get(each)), STEPS[1])
    )
    context = {
        "tab": "steps", "first": first, "month": month, "days": days, "step": step, "step_name": STEP_WORDS[step][0],
        "rows": [
            {"code": code, "name": STEP_WORDS[code][0], "what": STEP_WORDS[code][1], "reached": reached, "share": share,
             "at": month.at.get(code, 0), "stuck": month.stuck.get(code, 0)}
            for code, reached, share in month.rows
        ],
        "most": max([reached or 0 for _code, reached, _share in month.rows] + [1]),
        "guests": stuck_guests(store, month, step, days, today), "scheme": ladder(store, today).scheme,
        "before": add_months(first, -1), "after": add_months(first, 1), "today_on": today,
    }  # fmt: skip
    return render(request, "care/relations/steps.html", context)


@require_POST
def steps_target(request: PageRequest) -> HttpResponse:
    """How many people are to be made guests in a month."""
    first = found(month_of(request.POST.get("month", "")))
    form = NumberForm(request.POST)
    if form.is_valid():
        try:
            notes.set_target(store=request.principal.store, month=first, number=form.cleaned_data["number"])
            messages.success(request, _("本月目标已保存。"))
        except Refused as refused:
            tell(request, refused)
    else:
        messages.error(request, _("请填一个数字。"))
    return redirect(f"{reverse('relation-steps')}?month={first:%Y-%m}")


@require_POST
def rules(request: PageRequest) -> HttpResponse:
    """One of the numbers of the store; back to the page that asks for it."""
    form = NumberForm(request.POST)
    if form.is_valid():
        try:
            notes.change_rule(
                store=request.principal.store,
                name=request.POST.get("name", ""),
                days=form.cleaned_data["number"],
            )
            messages.success(request, _("已保存。"))
        except Refused as refused:
            tell(request, refused)
    else:
        messages.error(request, _("请填一个数字。"))
    return redirect(safe_next(request, reverse("relation-steps")))


def library(request: PageRequest) -> HttpResponse:
    """Small texts to say or to send: what to ask on a return visit, knowledge of food, guides."""
    store = request.principal.store
    form = PieceForm(request.POST or None)
    if request.method == "POST" and (gone := request.POST.get("remove", "")):
        try:
            notes.remove_piece(
                store=store, pk=int(gone) if gone.isascii() and gone.isdigit() and len(gone) < 19 else 0
            )
        except Refused as refused:
            tell(request, refused)
        return redirect("care-library")
    if request.method == "POST" and form.is_valid():
        try:
            notes.add_piece(store=store, actor=person_of(request), at=now(), **form.cleaned_data)
            messages.success(request, _("已保存。"))
            return redirect("care-library")
        except Refused as refused:
            form.refuse(refused)
    pieces = list(Piece.objects.filter(store=store).select_related("made_by").order_by("pk"))
    kinds = [(label, [each for each in pieces if each.kind == code]) for code, label in Piece.Kind.choices]
    context = {"form": form, "kinds": [kind for kind in kinds if kind[1]]}
    return render(request, "care/relations/library.html", context, status=422 if form.errors else 200)


@require_safe
def customer_relation(request: PageRequest, pk: int) -> HttpResponse:
    """Where a guest stands in the nine steps, and what to talk about: a panel of the guest's page, or a page."""
    store, today = request.principal.store, today_of(request)
    patronage = found(guests_of(store).filter(customer_id=pk).first())
    topics = topics_of(store, pk)
    standing = step_of(store, pk, today)
    context: dict[str, Any] = {
        "patronage": patronage, "topics": list(reversed(topics)), "next": next_of(topics), "standing": standing,
        "form": TopicForm(),
        "steps": [(code, STEP_WORDS[code][0]) for code in STEPS[1:]],
        "passed": STEPS[1 : STEPS.index(standing.step) + 1] if standing else (),
    }  # fmt: skip
    name = "care/relations/panel.html" if request.htmx else "care/relations/panel_page.html"
    return render(request, name, context)


@require_POST
def customer_topic(request: PageRequest, pk: int) -> HttpResponse:
    """A topic, noted or (`forget`: its id) taken away; back to the guest."""
    store = request.principal.store
    back = redirect(safe_next(request, reverse("customer", args=[pk])))
    forget = request.POST.get("forget", "")
    form = TopicForm(request.POST)
    try:
        if forget.isascii() and forget.isdigit() and len(forget) < 19:
            notes.forget_topic(store=store, customer_id=pk, pk=int(forget))
            messages.success(request, _("已删除这个话题。"))
        elif form.is_valid():
            notes.note_topic(
                store=store, customer_id=pk, actor=person_of(request), at=now(), **form.cleaned_data
            )
            messages.success(request, _("已记下话题，下次联系时会提醒。"))
        else:
            found(guests_of(store).filter(customer_id=pk).first())
            messages.error(request, str(next(iter(form.errors.values()))[0]))
    except Refused as refused:
        tell(request, refused)
    return back


@require_POST
def asked_again(request: PageRequest, pk: int) -> HttpResponse:
    """What the guest said when asked about a closed complaint; back to the guest's card on the floor."""
    store = request.principal.store
    complaint = found(Complaint.objects.filter(store=store, pk=pk, withdrawn_at=None).first())
    form = AskedForm(request.POST)
    if form.is_valid():
        try:
            notes.answer_again(
                store=store, complaint_id=pk, content=form.cleaned_data["content"] == "yes",
                words=form.cleaned_data["words"], actor=person_of(request), at=now(),
            )  # fmt: skip
            messages.success(request, _("已记下客人的回答。"))
        except Refused as refused:
            tell(request, refused)
    else:
        messages.error(request, _("请选客人现在满意还是不满意。"))
    return redirect("tablet-guest", complaint.customer_id)
