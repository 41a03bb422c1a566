"""Who waits for a person's word: candidates for a tier with their numbers, and first tiers that wait for a field."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.clock import now
from common.errors import Refused
from customers.models import Patronage
from staff.pages import PageRequest, found, person_of, tell, today_of
from tiering.axes import axis_order
from tiering.confirming import open_tiers
from tiering.forms_people import ConfirmForm
from tiering.selectors.candidates import rating_queue, suggested
from tiering.selectors.judged import schemes_in
from tiering.selectors.schemes import in_force_everywhere
from tiering.sentences import named
from tiering.services.judgements import judge


@require_safe
def candidates(request: PageRequest) -> HttpResponse:
    """Every axis in force: whom its rules suggest, who can be rated, who lacks a field."""
    return _show(request)


def _show(request: PageRequest, *, status: int = 200, **refused: Any) -> HttpResponse:
    store, day = request.principal.store, today_of(request)
    schemes = schemes_in(in_force_everywhere(store.pk, day))
    in_order = [schemes[axis] for axis in sorted(schemes, key=axis_order)]
    context = {
        "schemes": in_order,
        "suggested": [each for scheme in in_order if (each := suggested(store, scheme, day))],
        "queues": [queue for scheme in in_order if (queue := rating_queue(store, scheme, day))],
        "refused": refused,
    }
    return render(request, "tiering/candidates.html", context, status=status)


@require_POST
def candidate_confirm(request: PageRequest, pk: int) -> HttpResponse:
    """Give every judgement that the tier's rule waits for, with one reason; tonight's night counts them."""
    store, day = request.principal.store, today_of(request)
    patronage = found(
        Patronage.objects.filter(store=store, customer_id=pk).select_related("customer").first()
    )
    form = ConfirmForm(request.POST)
    scheme = found(schemes_in(in_force_everywhere(store.pk, day)).get(request.POST.get("axis", "")))
    waiting = found(
        next((each for each in open_tiers(scheme) if each.tier.code == request.POST.get("tier")), None)
    )
    if not form.is_valid():
        return _refuse(request, pk, form)
    try:
        with transaction.atomic():
            for code in waiting.codes:
                judge(
                    store=store, customer_id=pk, code=code, reason=form.cleaned_data["reason"],
                    actor=person_of(request), on=day, at=now(),
                )  # fmt: skip
    except Refused as refused:
        if refused.status == 404:
            tell(request, refused)
        form.refuse_all(refused)
        return _refuse(request, pk, form)
    words = {"who": patronage.customer.called, "tier": named(waiting.tier)}
    messages.success(request, _("已确认%(who)s为%(tier)s，今晚评级时生效。") % words)
    return redirect("candidates")


def _refuse(request: PageRequest, pk: int, form: ConfirmForm) -> HttpResponse:
    """The page again, with what was wrong beside the guest it was said of."""
    wrong = [error for errors in form.errors.values() for error in errors]
    return _show(
        request,
        status=422,
        pk=pk,
        tier=request.POST.get("tier", ""),
        reason=request.POST.get("reason", ""),
        errors=wrong,
    )
