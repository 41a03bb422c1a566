"""What waits for an answer, what a guest told us, and the sentence a waiter writes down."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.clock import now
from common.errors import Refused
from customers.models import Patronage
from customers.selectors.listing import guests_of
from feedback import services as verbs
from feedback.forms import ComplaintActForm, ComplaintForm, FloorForm, SuggestionActForm, SuggestionForm
from feedback.models import Severity
from feedback.selectors import (
    complaints_of,
    feedback_of,
    open_complaints,
    open_complaints_of,
    suggestions_of,
    unjudged,
)
from staff.pages import PageRequest, found, person_of, safe_next, tell, today_of


@require_safe
def board(request: PageRequest) -> HttpResponse:
    """The store's open complaints, the oldest first, and the suggestions that wait for a judgement."""
    store = request.principal.store
    context = {"complaints": open_complaints(store), "suggestions": unjudged(store)}
    return render(request, "feedback/board.html", context)


@require_safe
def customer_feedback(request: PageRequest, pk: int) -> HttpResponse:
    """What a guest told us: a panel of the guest's page, or a page of its own."""
    return _told(request, _file(request, pk))


def _file(request: PageRequest, pk: int) -> Patronage:
    return found(guests_of(request.principal.store).filter(customer_id=pk).first())


def _told(request: PageRequest, patronage: Patronage, status: int = 200, **forms: Any) -> HttpResponse:
    today = today_of(request)
    context = {
        "patronage": patronage,
        "told": feedback_of(request.principal.store, patronage.customer_id),
        "complaint_form": ComplaintForm(today=today, prefix="complaint"),
        "suggestion_form": SuggestionForm(today=today, prefix="suggestion"),
        **forms,
    }
    name = "feedback/customer_feedback.html" if request.htmx else "feedback/customer_feedback_page.html"
    return render(request, name, context, status=status)


def _guest_page(pk: int) -> str:
    return reverse("customer", args=[pk]) + "#feedback"


@require_POST
def complaint_open(request: PageRequest, pk: int) -> HttpResponse:
    """Write a complaint down at the desk. A form that cannot be taken comes back with its words."""
    patronage = _file(request, pk)
    form = ComplaintForm(request.POST, today=today_of(request), prefix="complaint")
    if form.is_valid():
        try:
            verbs.open_complaint(
                store=request.principal.store, customer_id=pk, actor=person_of(request), at=now(),
                **form.cleaned_data,
            )  # fmt: skip
        except Refused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("已记下投诉，了结之前客人的页面和平板都会提醒。"))
            return redirect(safe_next(request, _guest_page(pk)))
    return _told(request, patronage, status=422, complaint_form=form)


@require_POST
def suggestion_record(request: PageRequest, pk: int) -> HttpResponse:
    """Write a suggestion down at the desk. A form that cannot be taken comes back with its words."""
    patronage = _file(request, pk)
    form = SuggestionForm(request.POST, today=today_of(request), prefix="suggestion")
    if form.is_valid():
        try:
            verbs.record_suggestion(
                store=request.principal.store, customer_id=pk, actor=person_of(request), at=now(),
                **form.cleaned_data,
            )  # fmt: skip
        except Refused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("已记下建议，等经理判定是否有效。"))
            return redirect(safe_next(request, _guest_page(pk)))
    return _told(request, patronage, status=422, suggestion_form=form)


@require_POST
def complaint_act(request: PageRequest, pk: int) -> HttpResponse:
    """Close a complaint, open it again, or take it back as a mistake."""
    store = request.principal.store
    found(complaints_of(store).filter(pk=pk).first())
    form = ComplaintActForm(request.POST)
    back = safe_next(request, reverse("feedback"))
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors.values()))[0]))
        return redirect(back)
    common: dict[str, Any] = {
        "store": store, "complaint_id": pk, "actor": person_of(request), "at": now(),
    }  # fmt: skip
    try:
        if form.cleaned_data["act"] == "close":
            verbs.close_complaint(**common, resolution=form.cleaned_data["resolution"])
            done = _("投诉已了结。")
        elif form.cleaned_data["act"] == "reopen":
            verbs.reopen_complaint(**common)
            done = _("投诉已重新打开。")
        else:
            verbs.withdraw_complaint(**common)
            done = _("已作为误记撤销：记录留着，哪里都不计。")
    except Refused as refused:
        tell(request, refused)
    else:
        messages.success(request, done)
    return redirect(back)


@require_POST
def suggestion_act(request: PageRequest, pk: int) -> HttpResponse:
    """Judge a suggestion, or take it back as a mistake."""
    store = request.principal.store
    found(suggestions_of(store).filter(pk=pk).first())
    form = SuggestionActForm(request.POST)
    back = safe_next(request, reverse("feedback"))
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors.values()))[0]))
        return redirect(back)
    common: dict[str, Any] = {
        "store": store, "suggestion_id": pk, "actor": person_of(request), "at": now(),
    }  # fmt: skip
    act = form.cleaned_data["act"]
    try:
        if act == "withdraw":
            verbs.withdraw_suggestion(**common)
            done = _("已作为误记撤销：记录留着，哪里都不计。")
        else:
            verbs.judge_suggestion(**common, valid=act == "valid")
            done = _("已判为有效建议。") if act == "valid" else _("已判为无效建议。")
    except Refused as refused:
        tell(request, refused)
    else:
        messages.success(request, done)
    return redirect(back)


@require_http_methods(["GET", "POST", "HEAD"])
def floor(request: PageRequest, pk: int) -> HttpResponse:
    """From the tablet: one sentence, and two keys that say what it is."""
    patronage = _file(request, pk)
    form = FloorForm(request.POST) if request.method == "POST" else FloorForm()
    if request.method == "POST" and form.is_valid():
        said: dict[str, Any] = {
            "store": request.principal.store, "customer_id": pk, "text": form.cleaned_data["text"],
            "actor": person_of(request), "at": now(),
        }  # fmt: skip
        try:
            if form.cleaned_data["kind"] == "complaint":
                severity = Severity.SERIOUS if form.cleaned_data["serious"] else ""
                verbs.open_complaint(**said, severity=severity)
                messages.success(request, _("已记下投诉，请马上告诉经理。"))
            else:
                verbs.record_suggestion(**said)
                messages.success(request, _("已记下建议，谢谢客人。"))
        except Refused as refused:
            form.refuse(refused)
        else:
            return redirect("tablet-guest", pk)
    context = {
        "patronage": patronage,
        "form": form,
        "complaints": open_complaints_of(request.principal.store, pk),
    }
    return render(request, "feedback/floor.html", context, status=422 if form.errors else 200)
