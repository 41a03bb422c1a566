"""The kinds of voucher, issuing them to many, using one on a bill."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.clock import now
from common.errors import Refused
from common.money import show_yuan
from customers.models.consent import Source
from loyalty.forms import IssueForm, KindForm, RedeemForm, TakeBackForm
from loyalty.models import Redemption, VoucherKind
from loyalty.selectors.vouchers import guests_by_tier, kinds_listed, kinds_of, last_redemptions
from loyalty.services import kinds as verbs
from loyalty.services.issuing import issue_to_group
from loyalty.services.redeeming import Bill, find_voucher, redeem, take_back
from staff.pages import PageRequest, found, person_of, tell
from tiering.selectors.pages import scheme_behind_labels
from tiering.selectors.segments import segments_of
from tiering.sentences import tier_name


@require_safe
def vouchers(request: PageRequest) -> HttpResponse:
    """The kinds with what became of them, and what was used last."""
    store = request.principal.store
    context = {"rows": kinds_listed(store), "used": last_redemptions(store)[:20], "tab": "vouchers"}
    return render(request, "loyalty/vouchers.html", context)


def kind_new(request: PageRequest) -> HttpResponse:
    """A new kind of voucher."""
    form = KindForm(request.POST) if request.method == "POST" else KindForm(initial=KindForm.EMPTY)
    return _kind_form(request, form, None)


def kind(request: PageRequest, pk: int) -> HttpResponse:
    """A kind to change, or to issue no more of."""
    store = request.principal.store
    row = found(VoucherKind.objects.filter(store=store, pk=pk, retired_at=None).first())
    if request.method == "POST" and request.POST.get("act") == "retire":
        verbs.retire_kind(store=store, kind_id=pk, at=now())
        messages.success(request, _("“%(name)s”不再发了，客人手里的还能用。") % {"name": row.name})
        return redirect("vouchers")
    form = KindForm(request.POST) if request.method == "POST" else KindForm(initial=KindForm.showing(row))
    return _kind_form(request, form, row)


def _kind_form(request: PageRequest, form: KindForm, row: VoucherKind | None) -> HttpResponse:
    if form.is_bound and form.is_valid():
        try:
            kept = verbs.save_kind(
                store=request.principal.store, said=form.said(), actor=person_of(request), at=now(),
                kind_id=row.pk if row else None,
            )  # fmt: skip
        except Refused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("“%(name)s”已保存。") % {"name": kept.name})
            return redirect("vouchers")
    context = {"form": form, "row": row, "tab": "vouchers"}
    return render(request, "loyalty/kind.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST", "HEAD"])
def issue(request: PageRequest) -> HttpResponse:
    """Give a kind to everybody of some tiers or of a segment; beside each tier how many they are."""
    store = request.principal.store
    scheme = scheme_behind_labels(store.pk)
    sizes = guests_by_tier(store)
    tiers = []
    if scheme is not None:
        told = _("%(tier)s（%(n)s 位）")
        tiers = [
            (code, told % {"tier": tier_name(scheme, code), "n": sizes.get(code, 0)}) for code in scheme.codes
        ]
    known: dict[str, Any] = {"kinds": list(kinds_of(store)), "tiers": tiers, "segments": segments_of(store)}
    if request.method == "POST":
        form = IssueForm(request.POST, **known)
    else:
        form = IssueForm(initial={"own": True, "friends": 0, "kind": request.GET.get("kind", "")}, **known)
    if form.is_bound and form.is_valid():
        try:
            number = issue_to_group(store=store, actor=person_of(request), at=now(), **form.said())
        except Refused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("已发出 %(n)s 张券；已经有的客人没有重复发。") % {"n": number})
            return redirect("vouchers")
    context = {"form": form, "tab": "issue"}
    return render(request, "loyalty/issue.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST", "HEAD"])
def use(request: PageRequest) -> HttpResponse:
    """Use a voucher on a bill, at the desk."""
    return redeem_page(request, "loyalty/redeem.html", "voucher-redeem", Source.DESK)


def redeem_page(request: PageRequest, template: str, back: str, source: str) -> HttpResponse:
    """The form for a code and a bill; with a code in the address, what the voucher is."""
    store = request.principal.store
    if request.method == "POST":
        form = RedeemForm(request.POST)
    else:
        form = RedeemForm(initial={"code": request.GET.get("code", "")[:20]})
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        try:
            used = redeem(
                store=store, code=data["code"], bill=Bill(data["bill"], data["number"]), phone=data["phone"],
                name=data["name"], actor=person_of(request), at=now(), source=source,
            )  # fmt: skip
        except Refused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _used_words(used))
            return redirect(back)
    said = str(form["code"].value() or "")
    context = {"form": form, "voucher": find_voucher(store, said) if said else None, "tab": "redeem"}
    return render(request, template, context, status=422 if form.errors else 200)


def _used_words(used: Redemption) -> str:
    name = used.voucher.kind.name
    if used.saved_fen is None:
        words = _("已核销“%(name)s”：送%(what)s。") % {"name": name, "what": used.voucher.kind.item}
    else:
        words = _("已核销“%(name)s”：%(bill)s 减 %(saved)s，应收 %(pays)s。") % {
            "name": name,
            "bill": show_yuan(used.bill_fen),
            "saved": show_yuan(used.saved_fen),
            "pays": show_yuan(used.bill_fen - used.saved_fen),
        }
    return words + (_("新客人已建档，记作持券客人介绍的。") if used.is_new else "")


@require_POST
def redemption_back(request: PageRequest, pk: int) -> HttpResponse:
    """A use that was a mistake: the voucher is good again."""
    store = request.principal.store
    found(Redemption.objects.filter(store=store, pk=pk).first())
    form = TakeBackForm(request.POST)
    form.is_valid()
    reason = form.cleaned_data.get("reason", "")
    try:
        take_back(store=store, redemption_id=pk, reason=reason, actor=person_of(request), at=now())
    except Refused as refused:
        tell(request, refused)
    else:
        messages.success(request, _("已撤销这次核销，券还能用。"))
    return redirect("vouchers")
