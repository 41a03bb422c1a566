"""What we owe one guest: vouchers, gifts, what is kept, treatments. A slot of the guest's page, and its buttons."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.clock import now
from common.errors import Refused
from customers.models import Patronage
from customers.selectors.listing import guests_of
from loyalty.forms import GiftForm, KeepForm
from loyalty.models import Gift
from loyalty.selectors.giving import gifts_of, has_early_access, items_of, kept_for, uses_listed
from loyalty.selectors.vouchers import kind_choices, new_guests_brought, vouchers_of
from loyalty.services import keeping
from loyalty.services.gifts import give
from loyalty.services.issuing import issue_by_hand
from staff.pages import PageRequest, found, person_of, tell, today_of


@require_safe
def guest(request: PageRequest, pk: int) -> HttpResponse:
    """The guest's vouchers, gifts, what is kept, and the treatments given so far."""
    return _page(request, _file(request, pk))


def _file(request: PageRequest, pk: int) -> Patronage:
    return found(guests_of(request.principal.store).filter(customer_id=pk).first())


def _page(request: PageRequest, patronage: Patronage, status: int = 200, **forms: Any) -> HttpResponse:
    store, pk = request.principal.store, patronage.customer_id
    context = {
        "patronage": patronage,
        "vouchers": vouchers_of(store, pk),
        "brought": new_guests_brought(store, pk),
        "gifts": gifts_of(store, pk),
        "kept": kept_for(store, pk),
        "early": has_early_access(pk),
        "treated": uses_listed(store, pk),
        "kinds": kind_choices(store),
        "today_on": today_of(request),
        "gift_form": GiftForm(items=list(items_of(store))),
        "keep_form": KeepForm(),
        **forms,
    }
    name = "loyalty/guest.html" if request.htmx else "loyalty/guest_page.html"
    return render(request, name, context, status=status)


@require_POST
def act(request: PageRequest, pk: int) -> HttpResponse:
    """A voucher by hand, a gift, something to keep, one taken, kept no more, early access on or off."""
    patronage = _file(request, pk)
    try:
        bad = _act(request, patronage, request.POST)
    except Refused as refused:
        tell(request, refused)
        bad = {}
    if bad:
        return _page(request, patronage, status=422, **bad)
    return redirect(reverse("customer", args=[pk]) + "#loyalty")


def _act(request: PageRequest, patronage: Patronage, said: QueryDict) -> dict[str, Any]:
    """Do what the button says; a form that cannot be taken comes back."""
    store, pk = request.principal.store, patronage.customer_id
    who: dict[str, Any] = {"store": store, "actor": person_of(request), "at": now()}
    what = said.get("act", "")
    if what == "voucher":
        given = issue_by_hand(kind_id=_number(said.get("kind")), customer_id=pk, **who)
        told = (
            _("券已发给客人。")
            if given
            else _("今天已经给这位客人发过这种券了；一生一次的券只发一次，并且要有手机号。")
        )
        messages.success(request, told)
    elif what == "gift":
        form = GiftForm(said, items=list(items_of(store)))
        if not give_from_form(request, form, pk):
            return {"gift_form": form}
    elif what == "keep":
        keep_form = KeepForm(said)
        if not keep_form.is_valid():
            return {"keep_form": keep_form}
        keeping.keep(customer_id=pk, **keep_form.cleaned_data, **who)
        messages.success(request, _("已记下：%(what)s。") % {"what": keep_form.cleaned_data["what"]})
    elif what == "take":
        kept = keeping.take_one(kept_id=_own(patronage, said), was=_number(said.get("was")), **who)
        messages.success(request, _("%(what)s还剩 %(n)s 份。") % {"what": kept.what, "n": kept.left})
    elif what == "drop":
        keeping.stop_keeping(kept_id=_own(patronage, said), **who)
        messages.success(request, _("不再常备了。"))
    elif what in ("early", "late"):
        keeping.set_early_access(customer_id=pk, early=what == "early", **who)
        messages.success(request, _("新菜上市前会列出这位客人。") if what == "early" else _("不再抢先试菜。"))
    return {}


def give_from_form(request: PageRequest, form: GiftForm, pk: int) -> bool:
    """Give what the form says; False where it has to be typed again."""
    if not form.is_valid():
        return False
    try:
        gift = give(
            store=request.principal.store, customer_id=pk, actor=person_of(request), role=request.principal.role,
            at=now(), **form.said(),
        )  # fmt: skip
    except Refused as refused:
        if refused.status == 404:
            raise
        form.refuse(refused)
        return False
    if gift.state == Gift.State.WAITING:
        messages.warning(request, _("“%(what)s”超过您的送礼权限，等经理批准后再送。") % {"what": gift.what})
    else:
        messages.success(request, _("已记下送出：%(what)s。") % {"what": gift.what})
    return True


def _own(patronage: Patronage, said: QueryDict) -> int:
    """The kept thing that the form names, if it is this guest's."""
    wanted = _number(said.get("kept"))
    return found(
        next((row.pk for row in kept_for(patronage.store, patronage.customer_id) if row.pk == wanted), None)
    )


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
