"""Finding a guest and listing them."""

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import push_url

from common.errors import Refused
from common.phones import normalise_phone
from customers.forms import FilterForm
from customers.selectors.listing import Card, Filters, Page, count_guests, find_guests, look_up
from customers.selectors.people import labels_in_use, masked_numbers, words_in_use
from staff.access import staff_of
from staff.pages import PageRequest, go, today_of

Ask = dict[str, str]
# What stands between four and eleven digits is neither the last four nor a number.
_BETWEEN_DIGITS = str.maketrans("", "", " -+()（）")


@require_http_methods(["GET", "POST", "HEAD"])
def customers(request: PageRequest) -> HttpResponse:
    """The store's guests. A search is posted, so that a whole number never stands in an address."""
    if request.method == "POST":
        return _searched(request)
    ask = {name: value for name, value in request.GET.items() if isinstance(value, str) and value}
    if is_number(ask.get("q", "")):
        return redirect("customers")
    return _listed(request, ask)


def is_number(text: str) -> bool:
    """Whether a query is (or begins) a telephone number: five digits or more."""
    digits = text.translate(_BETWEEN_DIGITS)
    return len(digits) >= 5 and digits.isdigit()


def _searched(request: PageRequest) -> HttpResponse:
    ask = {name: value for name, value in request.POST.items() if isinstance(value, str) and value}
    ask = {name: ask[name] for name in ("q", "tier", "owner", "lapsed", "tag", "month") if name in ask}
    query = ask.get("q", "").strip()
    if is_number(query):
        return _by_number(request, query)
    address = f"{reverse('customers')}?{urlencode(ask)}" if ask else reverse("customers")
    if not request.htmx:
        return redirect(address)
    return push_url(_listed(request, ask), address)


def _by_number(request: PageRequest, query: str) -> HttpResponse:
    try:
        phone = normalise_phone(query)
    except Refused as refused:
        hint = _("电话请输入完整号码，或只输入最后四位。%(why)s") % {"why": refused}
        return _listed(request, {"q": query}, page=Page([], ""), hint=hint)
    cards = look_up(request.principal.store, phone)
    here = [card for card in cards if card.here]
    if len(here) == 1 and len(cards) == 1 and not request.htmx:
        return go(request, reverse("customer", args=[here[0].customer_id]))
    response = _listed(request, {"q": query}, page=Page([], ""), cards=cards, number=phone)
    response.headers["Cache-Control"] = "no-store"
    return response


def _listed(
    request: PageRequest,
    ask: Ask,
    *,
    page: Page | None = None,
    cards: list[Card] | None = None,
    number: str = "",
    hint: str = "",
) -> HttpResponse:
    store, day = request.principal.store, today_of(request)
    form = _form(request, ask, day)
    filters = form.filters()
    query = form.cleaned_data.get("q", "")
    if page is None:
        try:
            page = find_guests(store, query, filters, ask.get("cursor", ""))
        except Refused:
            page = find_guests(store, query, filters)
    narrowed = filters != Filters()
    context: dict[str, Any] = {
        "form": form,
        "query": query,
        "page": page,
        "numbers": masked_numbers(row.customer_id for row in page.rows),
        "cards": cards,
        "number": number,
        "hint": hint,
        "narrowed": narrowed,
        "total": count_guests(store, filters) if narrowed and not query else None,
        "next": urlencode({**{k: v for k, v in ask.items() if k != "cursor"}, "cursor": page.next_cursor}),
        "paged": "cursor" in ask,
    }
    name = "customers/results.html" if request.htmx else "customers/list.html"
    return render(request, name, context)


def _form(request: PageRequest, ask: Ask, day: date) -> FilterForm:
    store = request.principal.store
    return FilterForm(
        ask,
        tiers=[(code, code) for code in labels_in_use(store)],
        people=[person for person, _role in staff_of(store, day)],
        words=words_in_use(store),
        today=day,
    )
