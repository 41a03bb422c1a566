"""On the way in: the language, the person for the history, the store, and the gate."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pghistory.middleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from common.clock import now
from staff.access import PUBLIC, SIGNED_IN, Principal, principal_of, stores_of, who_may

Handler = Callable[[HttpRequest], HttpResponse]
API_PREFIX = "/api/v1/"


class LanguageMiddleware:
    """The person's language; before signing in the one chosen on the login page, else Chinese."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        language = getattr(user, "language", None) or request.COOKIES.get("language") or "zh-hans"
        translation.activate("en" if language.startswith("en") else "zh-hans")
        request.LANGUAGE_CODE = translation.get_language()
        response = self.get_response(request)
        response.headers.setdefault("Content-Language", translation.get_language() or "zh-hans")
        return response


class HistoryMiddleware(pghistory.middleware.HistoryMiddleware):
    """Who acted, for the history rows: the person. No URL: numbers and names stay out of it."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": request.user.pk if request.user.is_authenticated else None}


class AccessMiddleware:
    """The gate for pages: deny by default, by the permission file. The JSON API asks the same file itself."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = not request.path.startswith(API_PREFIX) and isinstance(response, HttpResponseNotAllowed)
        if is_page and request.user.is_authenticated:
            # Reloaded, or opened after signing in anew: what takes forms only has no page of its own.
            response.content = render_to_string("405.html", request=request)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if request.path.startswith(API_PREFIX):
            return None
        if "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("a NUL in the address")  # no page asks for one, and the database takes none
        match = request.resolver_match
        name = match.view_name if match else None
        let_in = who_may(name, request.method or "GET")
        if PUBLIC in let_in:
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(_page_of(request))
        if not let_in and request.method in ("GET", "HEAD") and who_may(name, "POST"):
            return HttpResponseNotAllowed(["POST"])
        principal = principal_for(request)
        if SIGNED_IN in let_in:
            return None
        if principal is None:
            raise PermissionDenied(_("您目前没有任何门店的岗位，请联系店长。"))
        if principal.role not in let_in:
            raise PermissionDenied(_("您的岗位不能打开这一页。"))
        return None


def _page_of(request: HttpRequest) -> str:
    """The page to come back to after signing in: the one asked for, or the one whose form was sent."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    sent_from = urlsplit(request.headers.get("Referer", ""))
    return (sent_from.path or "/") if sent_from.netloc == request.get_host() else "/"


def principal_for(request: HttpRequest) -> Principal | None:
    """The signed-in person in the store chosen for this session; asked of the database once a request."""
    if not hasattr(request, "principal"):
        request.principal = (  # type: ignore[attr-defined]
            principal_of(request.user, request.session.get("store"), now())
            if request.user.is_authenticated
            else None
        )
    return request.principal  # type: ignore[attr-defined]


def frame(request: HttpRequest) -> dict[str, Any]:
    """What the frame of every page shows: the store, the role, the stores to switch to, today."""
    principal: Principal | None = getattr(request, "principal", None)
    if principal is None or principal.person is None:
        return {}
    store = principal.store
    at = now()
    return {
        "principal": principal,
        "store": store,
        "my_stores": lambda: stores_of(principal.person, at),  # type: ignore[arg-type]
        "business_day": store.business_day(at),
        "url_name": request.resolver_match.view_name if request.resolver_match else "",
    }
