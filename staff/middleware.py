"""On the way in: the language, the person for the history, the store, and the gate."""

from collections.abc import Callable
from typing import Any

import pghistory.middleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
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
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if request.path.startswith(API_PREFIX):
            return None
        match = request.resolver_match
        let_in = who_may(match.view_name if match else None, request.method or "GET")
        if PUBLIC in let_in:
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        principal = principal_for(request)
        if SIGNED_IN in let_in:
            return None
        if principal is None:
            raise PermissionDenied(_("您目前没有任何门店的岗位，请联系店长。"))
        if principal.role not in let_in:
            raise PermissionDenied(_("您的岗位不能打开这一页。"))
        return None


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
