"""What a scheme would do in every store that a person answers for."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from common.clock import now
from staff.access import stores_of, who_may
from staff.models import Store
from staff.pages import PageRequest, found, person_of, today_of
from tiering.selectors.chain import chain_page
from tiering.selectors.pages import written
from tiering.services.chain import Progress, chain_preview

# Seconds a request may spend on counting facts: a page comes at once, and whoever waits asks again.
AT_FIRST, AGAIN = 0.5, 2.0


@require_safe
def scheme_chain(request: PageRequest, code: str) -> HttpResponse:
    """All stores under a scheme, side by side; until the facts are counted, how far that is.

    Every request counts for a moment and no request for long: nothing times out, nothing runs behind anybody's back.
    """
    store, day, at = request.principal.store, today_of(request), now()
    number = request.GET.get("v", "")
    text = found(written(store, code, int(number) if number.isdecimal() and len(number) < 10 else None))
    stores = _answered_for(request)
    tried = chain_preview(
        stores=stores, scheme=text.scheme, on=day, at=at, seconds=AGAIN if request.htmx else AT_FIRST
    )
    context = {
        "text": text,
        "scheme": text.scheme,
        "code": code,
        "stores": stores,
        "day": day,
        "progress": tried if isinstance(tried, Progress) else None,
        "tried": None if isinstance(tried, Progress) else tried,
        "page": None if isinstance(tried, Progress) else chain_page(tried, stores, text.scheme),
    }
    return render(request, "tiering/chain_state.html" if request.htmx else "tiering/chain.html", context)


def _answered_for(request: PageRequest) -> list[Store]:
    """The stores of the brand in which the person may see this page."""
    brand_id = request.principal.store.brand_id
    let_in = who_may("scheme-chain", "GET")
    mine = stores_of(person_of(request), now())
    return [store for store, role in mine if store.brand_id == brand_id and role in let_in]
