"""Signs of life, and the two health endpoints."""

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from common.clock import now
from ops.models import Heartbeat

FRESH = timedelta(seconds=150)


def beat(name: str) -> None:
    """Write that the process `name` lives."""
    Heartbeat.objects.update_or_create(name=name, defaults={"beat_at": now()})


def healthz(request: HttpRequest) -> HttpResponse:
    """200 as soon as the web answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Each part by name, true when up; 200 when all are."""
    parts: dict[str, bool] = {"database": False, "broker": _broker_answers()}
    try:
        executor = MigrationExecutor(connection)
        parts["migrations"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        parts["database"] = True
        beats = dict(Heartbeat.objects.values_list("name", "beat_at"))
        for name in ("worker", "beat", "relay"):
            parts[name] = name in beats and now() - beats[name] < FRESH
    except Exception:  # whatever the database says, the answer is that it is not ready
        for name in ("migrations", "worker", "beat", "relay"):
            parts.setdefault(name, False)
    return JsonResponse(parts, status=200 if all(parts.values()) else 503)


def _broker_answers() -> bool:
    if not settings.REDIS_URL:
        return False
    import redis

    from crm.embedded.urls import cache_url

    try:
        return bool(redis.from_url(cache_url(settings.REDIS_URL), socket_timeout=2).ping())
    except redis.RedisError:
        return False
