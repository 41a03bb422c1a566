"""What every page shares: who asks, which day it is there, and the ways back."""

from datetime import date, datetime
from typing import TypeVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from common.clock import now
from common.errors import Refused
from staff.access import Principal
from staff.models import Person

Thing = TypeVar("Thing")


class PageRequest(HttpRequest):
    """A request that came through the gate: somebody in a store."""

    principal: Principal
    htmx: HtmxDetails


def person_of(request: PageRequest) -> Person:
    """The person at the keyboard: pages are for people, the gate sees to that."""
    person = request.principal.person
    if person is None:
        raise Http404
    return person


def today_of(request: PageRequest, at: datetime | None = None) -> date:
    """The business day of the request's store."""
    return request.principal.store.business_day(at or now())


def found(thing: Thing | None) -> Thing:
    """The thing, or "not found": another store's looks the same as none at all."""
    if thing is None:
        raise Http404
    return thing


def safe_next(request: HttpRequest, default: str) -> str:
    """The address that the form asked to return to, if it is one of ours."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    # A word without a slash would be taken for the name of a page.
    ours = "/" in target and url_has_allowed_host_and_scheme(
        target, {request.get_host()}, require_https=request.is_secure()
    )
    return target if ours else default


def go(request: HttpRequest, target: str) -> HttpResponse:
    """Off to another page: a redirect, told to htmx in its own way."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    if htmx:
        return HttpResponseClientRedirect(target)
    return redirect(target)


def tell(request: HttpRequest, refused: Refused) -> None:
    """Say why something was not done, on the page that comes next; what is not here is not found."""
    if refused.status == 404:
        raise Http404
    messages.error(request, str(refused))
