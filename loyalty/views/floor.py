"""From the tablet: a voucher is used, a gift is given, one of what is kept is brought to the table."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from common.clock import now
from common.errors import Refused
from customers.models.consent import Source
from customers.selectors.listing import guests_of
from loyalty.forms import GiftForm
from loyalty.selectors.giving import items_of, kept_for
from loyalty.services.keeping import take_one
from loyalty.views.guest import give_from_form
from loyalty.views.vouchers import redeem_page
from staff.pages import PageRequest, found, person_of, tell


@require_http_methods(["GET", "POST", "HEAD"])
def use(request: PageRequest) -> HttpResponse:
    """Use a voucher on a bill, at the table."""
    return redeem_page(request, "loyalty/floor_redeem.html", "tablet", Source.TABLET)


@require_http_methods(["GET", "POST", "HEAD"])
def gift(request: PageRequest, pk: int) -> HttpResponse:
    """Give the guest something: what, what it cost, why."""
    patronage = found(guests_of(request.principal.store).filter(customer_id=pk).first())
    items = list(items_of(request.principal.store))
    form = GiftForm(request.POST, items=items) if request.method == "POST" else GiftForm(items=items)
    try:
        if form.is_bound and give_from_form(request, form, pk):
            return redirect("tablet-guest", pk)
    except Refused as refused:
        tell(request, refused)
    context = {"patronage": patronage, "form": form}
    return render(request, "loyalty/floor_gift.html", context, status=422 if form.errors else 200)


@require_POST
def kept(request: PageRequest, pk: int) -> HttpResponse:
    """One of what is kept for the guest is brought to the table."""
    store = request.principal.store
    found(guests_of(store).filter(customer_id=pk).first())
    wanted, was = request.POST.get("kept", ""), request.POST.get("was", "")
    row = found(next((each for each in kept_for(store, pk) if str(each.pk) == wanted), None))
    try:
        left = take_one(
            store=store, kept_id=row.pk, was=int(was) if was.isascii() and was.isdigit() else -1,
            actor=person_of(request), at=now(),
        )  # fmt: skip
    except Refused as refused:
        tell(request, refused)
    else:
        messages.success(request, _("%(what)s还剩 %(n)s 份。") % {"what": left.what, "n": left.left})
    return redirect("tablet-guest", pk)
