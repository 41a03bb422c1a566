"""The register of gifts, the stock, what waits for a yes; what is kept for guests, who tries new dishes first; the rules."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.clock import now
from common.errors import Refused
from loyalty.forms import ItemForm, RulesForm, StockForm
from loyalty.models import Gift, GiftItem
from loyalty.selectors.giving import (
    early_list,
    items_of,
    kept_in,
    last_gifts,
    month_by_person,
    waiting_gifts,
)
from loyalty.services import gifts as verbs
from staff.access import who_may
from staff.pages import PageRequest, found, person_of, tell, today_of


@require_safe
def gifts(request: PageRequest) -> HttpResponse:
    """What waits for a yes, what was given by whom, what lies in stock."""
    return _page(request, ItemForm())


def _page(request: PageRequest, form: ItemForm, status: int = 200) -> HttpResponse:
    store = request.principal.store
    context = {
        "waiting": waiting_gifts(store),
        "given": last_gifts(store),
        "months": month_by_person(store, today_of(request)),
        "items": list(items_of(store)),
        "form": form,
        "tab": "gifts",
    }
    return render(request, "loyalty/gifts.html", context, status=status)


@require_POST
def item_new(request: PageRequest) -> HttpResponse:
    """A thing more that the house gives away."""
    form = ItemForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            verbs.save_item(
                store=request.principal.store,
                name=data["name"],
                cost_fen=data["cost"],
                left=data["left"],
                at=now(),
            )
        except Refused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("“%(name)s”已加到礼品里。") % {"name": data["name"]})
            return redirect("gifts")
    return _page(request, form, status=422)


@require_POST
def item_act(request: PageRequest, pk: int) -> HttpResponse:
    """How many are left now; or it is given away no more."""
    store = request.principal.store
    item = found(GiftItem.objects.filter(store=store, pk=pk).first())
    try:
        if request.POST.get("act") == "retire":
            verbs.retire_item(store=store, item_id=pk, at=now())
            messages.success(request, _("“%(name)s”不再送了。") % {"name": item.name})
            return redirect("gifts")
        left = StockForm(request.POST)
        if not left.is_valid():
            messages.error(request, str(next(iter(left.errors.values()))[0]))
            return redirect("gifts")
        verbs.save_item(
            store=store,
            name=item.name,
            cost_fen=item.cost_fen,
            left=left.cleaned_data["left"],
            at=now(),
            item_id=pk,
        )
        messages.success(request, _("“%(name)s”的库存已改。") % {"name": item.name})
    except Refused as refused:
        tell(request, refused)
    return redirect("gifts")


@require_POST
def gift_decide(request: PageRequest, pk: UUID) -> HttpResponse:
    """Yes or no to a gift beyond what its giver may give."""
    store = request.principal.store
    found(Gift.objects.filter(store=store, pk=pk).first())
    if request.POST.get("act") not in ("yes", "no"):
        return redirect("gifts")
    try:
        gift = verbs.decide_gift(
            store=store, gift_id=pk, yes=request.POST["act"] == "yes", actor=person_of(request),
            role=request.principal.role, at=now(),
        )  # fmt: skip
    except Refused as refused:
        tell(request, refused)
    else:
        done = _("已批准：%(what)s。") if gift.state == Gift.State.GIVEN else _("没有批准：%(what)s。")
        messages.success(request, done % {"what": gift.what})
    return redirect("gifts")


@require_safe
def kept(request: PageRequest) -> HttpResponse:
    """What the store keeps for its guests, what to buy first; who tries the dishes whose launch is near."""
    store = request.principal.store
    context = {"rows": kept_in(store), "early": early_list(store, today_of(request)), "tab": "kept"}
    return render(request, "loyalty/kept.html", context)


@require_http_methods(["GET", "POST", "HEAD"])
def rules(request: PageRequest) -> HttpResponse:
    """What each role may give by itself, and the days and hours of this room."""
    row = verbs.loyalty_rules_of(request.principal.store)
    form = RulesForm(request.POST) if request.method == "POST" else RulesForm(initial=RulesForm.showing(row))
    if form.is_bound and form.is_valid():
        verbs.change_loyalty_rules(form.put_into(row))
        messages.success(request, _("送礼权限已保存。"))
        return redirect("gifts")
    may = request.principal.role in who_may("loyalty-rules", "POST")
    context = {"form": form, "may_change": may, "tab": "gifts"}
    return render(request, "loyalty/rules.html", context, status=422 if form.errors else 200)
