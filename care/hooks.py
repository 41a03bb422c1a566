"""The addresses the SMS providers push to. Nothing is decided here: read, keep with one insert, say thank
you.
"""

from collections.abc import Callable, Sequence

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from care.channels import PROVIDERS
from care.channels.base import BadCallback, Receipt, Reply
from care.services.inbox import keep
from common.clock import now

MAX_BODY = 1 << 20


@csrf_exempt
@require_POST
def receipts(request: HttpRequest, provider: str) -> HttpResponse:
    """Delivery reports. 404 for a provider we do not know, 400 for a body that is not of its form."""
    return _take(request, provider, "receipt", lambda name, body: PROVIDERS[name].parse_receipts(body))


@csrf_exempt
@require_POST
def replies(request: HttpRequest, provider: str) -> HttpResponse:
    """What guests answered. It comes once and can never be asked for, so 200 means: it is in the database."""
    return _take(request, provider, "reply", lambda name, body: PROVIDERS[name].parse_replies(body))


def _take(
    request: HttpRequest,
    provider: str,
    kind: str,
    parse: Callable[[str, bytes], Sequence[Receipt | Reply]],
) -> HttpResponse:
    if provider not in PROVIDERS:
        return _say(404, b"no such provider")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAX_BODY:
        return _say(413, b"too large")
    try:
        pushed = parse(provider, request.body)
    except (BadCallback, RecursionError):
        return _say(400, b"malformed")
    try:
        keep(kind, provider, pushed, at=now())
    except DatabaseError:
        # Not thanked for: the provider pushes it again.
        return _say(503, b"try again")
    return HttpResponse(PROVIDERS[provider].acknowledgement, content_type="application/json; charset=utf-8")


def _say(status: int, words: bytes) -> HttpResponse:
    return HttpResponse(words + b"\n", status=status, content_type="text/plain")
