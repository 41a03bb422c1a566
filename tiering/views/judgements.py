"""What people say of a guest: judgements for the rules' manual lines, a tier by hand; and taking both back."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from common.clock import now
from common.errors import Refused
from customers.models import Patronage
from staff.pages import PageRequest, found, person_of, safe_next, tell, today_of
from tiering.axes import MAIN
from tiering.models import Judgement, Override
from tiering.selectors.judged import judgement_name, schemes_in
from tiering.selectors.schemes import in_force_everywhere
from tiering.services.judgements import judge, override_tier, withdraw_judgement, withdraw_override
from tiering.views.standing import judge_form, override_form, show_standing


def _guest(request: PageRequest, pk: int) -> Patronage:
    return found(Patronage.objects.filter(store=request.principal.store, customer_id=pk).first())


def _back(request: PageRequest, pk: int) -> HttpResponse:
    return redirect(safe_next(request, reverse("customer", args=[pk]) + "#standing"))


@require_POST
def customer_judge(request: PageRequest, pk: int) -> HttpResponse:
    """Say what a rule's manual line asks, or flag a likely rise; a form at fault comes back with its words."""
    store, day, patronage = request.principal.store, today_of(request), _guest(request, pk)
    schemes = schemes_in(in_force_everywhere(store.pk, day))
    form = judge_form(day, schemes, patronage, request.POST)
    if form.is_valid():
        try:
            said = judge(
                store=store, customer_id=pk, actor=person_of(request), on=day, at=now(), **form.cleaned_data
            )
        except Refused as refused:
            form.refuse_all(refused)
        else:
            name = judgement_name(said.code, schemes.get(MAIN))
            messages.success(request, _("已记下：%(name)s。今晚评级时算进去。") % {"name": name})
            return _back(request, pk)
    return show_standing(request, pk, status=422, judge_form=form)


@require_POST
def judgement_withdraw(request: PageRequest, pk: int, judgement_id: int) -> HttpResponse:
    """Take a judgement back; the row stays as history."""
    store = request.principal.store
    found(Judgement.objects.filter(store=store, customer_id=pk, pk=judgement_id).first())
    try:
        withdraw_judgement(store=store, judgement_id=judgement_id, actor=person_of(request), at=now())
        messages.success(request, _("已撤回，今晚评级时不再算。"))
    except Refused as refused:
        tell(request, refused)
    return _back(request, pk)


@require_POST
def customer_override(request: PageRequest, pk: int) -> HttpResponse:
    """Give a tier by hand, with a reason and a last day; a form at fault comes back with its words."""
    store, day = request.principal.store, today_of(request)
    _guest(request, pk)
    axis = request.POST.get("axis", MAIN)
    scheme = found(schemes_in(in_force_everywhere(store.pk, day)).get(axis))
    form = override_form(day, scheme, request.POST)
    if form.is_valid():
        try:
            override_tier(
                store=store, customer_id=pk, axis=axis, actor=person_of(request), on=day, at=now(),
                **form.cleaned_data,
            )  # fmt: skip
        except Refused as refused:
            form.refuse_all(refused)
        else:
            messages.success(request, _("已指定，今晚评级时生效；到期自动回到规则。"))
            return _back(request, pk)
    return show_standing(request, pk, axis, status=422, override_form=form)


@require_POST
def override_withdraw(request: PageRequest, pk: int, override_id: int) -> HttpResponse:
    """Let the rules decide again."""
    store = request.principal.store
    found(Override.objects.filter(store=store, customer_id=pk, pk=override_id).first())
    try:
        withdraw_override(store=store, override_id=override_id, actor=person_of(request), at=now())
        messages.success(request, _("已交还给规则，今晚评级时生效。"))
    except Refused as refused:
        tell(request, refused)
    return _back(request, pk)
