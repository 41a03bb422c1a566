"""Pages of the organisations with an agreement."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from care.models import Agreement, Piece
from care.relations.forms import AgreementForm, NoteForm
from care.relations.selectors.accounts import account_page, accounts_of
from care.relations.services import accounts as verbs
from common.clock import now
from common.errors import Refused
from customers.models import Patronage
from staff.pages import PageRequest, found, person_of, tell, today_of
from tiering.selectors.pages import ladder


@require_safe
def accounts(request: PageRequest) -> HttpResponse:
    """The organisations with an agreement, the overdue first; those that were ended below."""
    store, today = request.principal.store, today_of(request)
    ended = Agreement.objects.filter(store=store, ended_at__isnull=False).order_by("-ended_at", "-pk")
    context = {"tab": "accounts", "rows": accounts_of(store, today), "ended": list(ended[:50])}
    return render(request, "care/relations/accounts.html", context)


def account_new(request: PageRequest) -> HttpResponse:
    """A new agreement; `?contact=` names the guest to begin with."""
    store, today = request.principal.store, today_of(request)
    initial = {"contact": request.GET.get("contact", "")[:64], "valid_from": today, "level": 1}
    form = AgreementForm(request.POST or None, store=store, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.make_agreement(
                store=store, terms=form.agreed(), actor=person_of(request), at=now(), today=today
            )
            messages.success(request, _("已和“%(name)s”签下协议。") % {"name": made.employer})
            return redirect("account", made.pk)
        except Refused as refused:
            form.refuse(refused)
    context = {"tab": "accounts", "form": form}
    return render(request, "care/relations/account_form.html", context, status=422 if form.errors else 200)


def account_edit(request: PageRequest, pk: int) -> HttpResponse:
    """Other terms for the same organisation."""
    store, today = request.principal.store, today_of(request)
    agreement = found(Agreement.objects.filter(store=store, pk=pk).first())
    contact = Patronage.objects.filter(store=store, customer_id=agreement.contact_id).first()
    initial = AgreementForm.showing(agreement, contact.external_id if contact else "")
    form = AgreementForm(request.POST or None, store=store, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.change_agreement(store=store, pk=pk, terms=form.agreed(), at=now(), today=today)
            messages.success(request, _("协议已保存。"))
            return redirect("account", pk)
        except Refused as refused:
            form.refuse(refused)
    context = {"tab": "accounts", "form": form, "agreement": agreement}
    return render(request, "care/relations/account_form.html", context, status=422 if form.errors else 200)


@require_safe
def account(request: PageRequest, pk: int) -> HttpResponse:
    """One organisation: the agreement, how content they are, its people and what they spend, what was done together."""
    return _page(request, pk, NoteForm(initial={"on": today_of(request)}))


def _page(request: PageRequest, pk: int, form: NoteForm, status: int = 200) -> HttpResponse:
    store, today = request.principal.store, today_of(request)
    agreement = found(
        Agreement.objects.select_related("contact", "made_by").filter(store=store, pk=pk).first()
    )
    context = {
        "tab": "accounts", "agreement": agreement, "page": account_page(store, agreement, today), "form": form,
        "scheme": ladder(store, today).scheme,
        "pieces": Piece.objects.filter(store=store).exclude(kind=Piece.Kind.SCRIPT).order_by("kind", "pk"),
    }  # fmt: skip
    return render(request, "care/relations/account.html", context, status=status)


@require_POST
def account_act(request: PageRequest, pk: int) -> HttpResponse:
    """Write a note, take one away (`remove`: its id), or end the agreement (`act=end`)."""
    store = request.principal.store
    found(Agreement.objects.filter(store=store, pk=pk).first())
    gone = request.POST.get("remove", "")
    try:
        if request.POST.get("act") == "end":
            verbs.end_agreement(store=store, pk=pk, actor=person_of(request), at=now())
            messages.success(request, _("协议已终止。"))
        elif gone:
            _number(gone, lambda number: verbs.remove_note(store=store, pk=pk, note_id=number))
        else:
            form = NoteForm(request.POST)
            if not form.is_valid():
                return _page(request, pk, form, status=422)
            verbs.write_note(
                store=store, pk=pk, actor=person_of(request), at=now(), today=today_of(request),
                **form.cleaned_data,
            )  # fmt: skip
            messages.success(request, _("已记下。"))
    except Refused as refused:
        tell(request, refused)
    return redirect("account", pk)


def _number(text: str, do: Callable[[int], None]) -> None:
    do(int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0)
