"""What a scheme would do in every store that a person answers for."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from common.clock import now
from staff.pages import PageRequest, found, person_of, today_of
from tiering.selectors.chain import answered_for, chain_page
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
    stores = answered_for(person_of(request), store.brand_id, at)
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
