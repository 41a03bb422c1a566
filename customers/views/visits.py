"""Visits at the desk: taken back, or waiting for a nod."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.clock import now
from common.errors import Refused
from customers.forms import ReasonForm
from customers.models import Visit
from customers.selectors.people import held_visits
from customers.services.companions import unseat_guest
from customers.services.visits import release_visit, void_visit
from staff.pages import PageRequest, found, person_of, safe_next, tell


@require_safe
def visits_held(request: PageRequest) -> HttpResponse:
    """Visits that came in more than seven days late: they count after a nod, or never."""
    return render(request, "customers/held.html", {"visits": held_visits(request.principal.store)})


@require_POST
def visit_release(request: PageRequest, pk: UUID) -> HttpResponse:
    """The nod."""
    try:
        release_visit(store=request.principal.store, visit_id=pk, actor=person_of(request), at=now())
    except Refused as refused:
        tell(request, refused)
    else:
        messages.success(request, _("已确认，这次消费开始计入。"))
    return redirect("visits-held")


@require_POST
def visit_void(request: PageRequest, pk: UUID) -> HttpResponse:
    """Take a visit back, with a reason; it stays on file."""
    form = ReasonForm(request.POST)
    back = safe_next(request, reverse("visits-held"))
    if not form.is_valid():
        messages.error(request, _("没有作废：请写明原因，至少两个字。"))
        return redirect(back)
    try:
        void_visit(
            store=request.principal.store, visit_id=pk, reason=form.cleaned_data["reason"],
            actor=person_of(request), at=now(),
        )  # fmt: skip
    except Refused as refused:
        tell(request, refused)
    else:
        messages.success(request, _("已作废，记录和原因都留着。"))
    return redirect(back)


@require_POST
def visit_unseat(request: PageRequest, pk: UUID, seat_id: int) -> HttpResponse:
    """Take a companion off the table again."""
    visit = found(Visit.objects.filter(store=request.principal.store, pk=pk).first())
    try:
        unseat_guest(
            store=request.principal.store, visit_id=pk, seat_id=seat_id, actor=person_of(request), at=now()
        )
    except Refused as refused:
        tell(request, refused)
    else:
        messages.success(request, _("已从同席名单里去掉。"))
    home = reverse("customer", args=[visit.customer_id]) if visit.customer_id else reverse("customers")
    return redirect(safe_next(request, home))
