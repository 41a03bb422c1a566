"""A treatment is given at the table: one tick, and one to take it back."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from care.services.treating import use_treatment
from common.cells import parse_amount
from common.clock import now
from common.errors import Refused
from common.money import show_yuan
from loyalty.models import TreatmentUse
from loyalty.services.keeping import take_back_treatment
from staff.pages import PageRequest, found, person_of, tell
from tiering.sentences import language


@require_POST
def treat(request: PageRequest, pk: int) -> HttpResponse:
    """Tick a treatment (`code`, with the `bill` where it takes something off), or take a tick back (`undo`)."""
    store, person, at = request.principal.store, person_of(request), now()
    undo, bill = request.POST.get("undo", ""), request.POST.get("bill", "").strip()
    try:
        if undo:
            mine = TreatmentUse.objects.filter(store=store, customer_id=pk)
            use = found(mine.filter(pk=int(undo)).first() if undo.isdecimal() and len(undo) < 19 else None)
            take_back_treatment(store=store, use_id=use.pk, actor=person, at=at)
            messages.success(request, _("已撤销，可以另选。"))
            return redirect("tablet-guest", pk)
        use = use_treatment(
            store=store, customer_id=pk, code=request.POST.get("code", "")[:40],
            bill_fen=parse_amount(bill) if bill else None, actor=person, at=at,
        )  # fmt: skip
    except Refused as refused:
        tell(request, refused)
        return redirect("tablet-guest", pk)
    said = use.zh if language() == "zh" else use.en
    if use.percent_off and use.pays_fen is not None:
        words = _("%(what)s：%(bill)s → 应收 %(pays)s") % {
            "what": said, "bill": show_yuan(use.bill_fen), "pays": show_yuan(use.pays_fen),
        }  # fmt: skip
    else:
        words = _("已记下：%(what)s。") % {"what": said}
    messages.success(request, words)
    return redirect("tablet-guest", pk)
