"""A file brought through a page: kept with its job, imported by a worker, reported to whoever waits.

The file lies encrypted in the job's payload until the job ends; that of a trial run for another day, so that
whoever tried it can bring it in (`again`). A worker claims the job by raising its number of claims; what it writes
of guests or bills commits together with the job's end, so a worker that is killed leaves nothing behind, and one
that comes back from a pause finds another's claim and writes nothing.
"""

import base64
import logging
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import translation

from common.cells import TableError
from common.doorbell import ring
from common.errors import Refused
from common.fields import decrypt, encrypt
from common.keys import current_keys
from customers.imports.report import refusal_as_dict
from customers.imports.service import CUSTOMERS, VISITS, bring, take
from ops.models import Job
from staff.models import Person, Store

log = logging.getLogger(__name__)

KINDS = {"import_customers": CUSTOMERS, "import_visits": VISITS}
BELL = "job"
GIVEN_UP_AFTER = timedelta(minutes=2)
CLAIMS_AT_MOST = 3
_SECONDS_BETWEEN_BEATS = 1.0


class _Overtaken(Exception):
    """Another worker has claimed the job meanwhile."""


def start_import(
    *,
    store: Store,
    kind: str,
    filename: str,
    payload: bytes,
    dry_run: bool,
    actor: Person | None,
    at: datetime,
    accept_good_rows: bool = False,
) -> Job:
    """Keep a file for a worker and ring for one. `kind` is `customers` or `visits`.

    Refuses (TableError) an empty file and one over the web's limit. Every call is a job of its own.
    """
    if not payload:
        raise TableError("file_empty")
    if len(payload) > settings.IMPORT_MAX_BYTES:
        raise TableError("file_too_large", most=f"{settings.IMPORT_MAX_BYTES / 1024 / 1024:.0f}")
    job = Job.objects.create(
        kind=next(name for name, meaning in KINDS.items() if meaning == kind),
        store_id=store.pk,
        person_id=actor.pk if actor else None,
        params={"filename": filename, "dry_run": dry_run, "accept_good_rows": accept_good_rows},
        payload=_sealed(payload),
        created_at=at,
    )
    ring(BELL)
    return job


def waiting_imports(at: datetime) -> list[int]:
    """The jobs a worker may claim, oldest first: new ones, and those whose worker has been silent for two minutes."""
    silent = Q(state=Job.State.RUNNING, params__alive__lt=(at - GIVEN_UP_AFTER).timestamp())
    jobs = Job.objects.filter(Q(state=Job.State.NEW) | silent, kind__in=KINDS)
    return list(jobs.order_by("id").values_list("id", flat=True))


def run_import(job_id: int, at: datetime) -> Job | None:
    """Do the job, if nobody else does: None where there was nothing to claim. May be called any number of times.

    The job ends `done`, `refused` (the file, or a row of it; `result` says why) or `failed`. Raises what the
    database raises when it is away; the job then waits for another claim.
    """
    begun = time.monotonic()
    job = _claim(job_id, at)
    if job is None or job.state == Job.State.FAILED:
        return job
    person = Person.objects.filter(pk=job.person_id or 0).first()
    language = person.language if person else settings.LANGUAGE_CODE
    with translation.override("en" if language.startswith("en") else "zh-hans"):
        try:
            return _do(job, person, at, begun)
        except _Overtaken:
            return None
        except OperationalError:
            raise
        except Exception:
            log.exception("job %s failed", job.pk)
            return _end_failed(job, at, begun)


def rest_of(job: Job) -> str | None:
    """The CSV of the rows that a finished job did not take; None where there is none."""
    if job.payload is None or job.state != Job.State.DONE or job.params["dry_run"]:
        return None
    return _unsealed(job.payload).decode()


def _claim(job_id: int, at: datetime) -> Job | None:
    with transaction.atomic():
        job = (
            Job.objects.select_for_update(skip_locked=True)
            .filter(pk=job_id, kind__in=KINDS, state__in=[Job.State.NEW, Job.State.RUNNING])
            .first()
        )
        if job is None:
            return None
        alive = job.params.get("alive")
        if job.state == Job.State.RUNNING and alive >= (at - GIVEN_UP_AFTER).timestamp():
            return None
        claims = job.params.get("claims", 0)
        if claims >= CLAIMS_AT_MOST:
            job.state, job.finished_at, job.payload = Job.State.FAILED, at, None
            job.result = _failure(job, "import_interrupted", times=claims)
        else:
            job.state, job.started_at, job.progress = Job.State.RUNNING, job.started_at or at, 0
            job.params = {**job.params, "claims": claims + 1, "alive": at.timestamp()}
        job.save()
        return job


def _do(job: Job, person: Person | None, at: datetime, begun: float) -> Job:
    store = Store.objects.select_related("brand").get(pk=job.store_id)
    params = job.params
    assert job.payload is not None, "a job that can be claimed has its file"
    source = _unsealed(job.payload)
    try:
        brought = bring(
            KINDS[job.kind],
            store,
            source,
            params["filename"],
            at,
            _beats(job, at, begun),
            settings.IMPORT_MAX_BYTES,
        )
    except TableError as refusal:
        result = refusal_as_dict(params["filename"], store.code, params["dry_run"], refusal)
        return _end(job, Job.State.REFUSED, result, at, begun)
    with transaction.atomic():
        # Held to the end: nobody else can claim the job while its rows are being written.
        if _mine(job).select_for_update().first() is None:
            raise _Overtaken
        report = take(
            brought,
            store=store,
            actor=person,
            at=at,
            dry_run=params["dry_run"],
            accept_good_rows=params["accept_good_rows"],
        )
        state = Job.State.REFUSED if report.is_refused else Job.State.DONE
        return _end(job, state, report.as_dict(), at, begun, rest=report.rest)


def _mine(job: Job) -> Any:
    """The job as long as this worker's claim is the latest."""
    return Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, params__claims=job.params["claims"])


def _beats(job: Job, at: datetime, begun: float) -> Any:
    latest = begun

    def beat(percent: int) -> None:
        nonlocal latest
        now = time.monotonic()
        if now - latest < _SECONDS_BETWEEN_BEATS:
            return
        latest = now
        job.params = {**job.params, "alive": at.timestamp() + now - begun}
        if not _mine(job).update(progress=percent, params=job.params):
            raise _Overtaken

    return beat


def _end(
    job: Job, state: str, result: dict[str, Any], at: datetime, begun: float, rest: str | None = None
) -> Job:
    job.state, job.result, job.progress = state, result, 100
    if not (job.params["dry_run"] and state in (Job.State.DONE, Job.State.REFUSED)):
        job.payload = None if rest is None else _sealed(rest.encode())
    job.finished_at = at + timedelta(seconds=time.monotonic() - begun)
    if not _mine(job).update(
        state=state, result=result, progress=100, payload=job.payload, finished_at=job.finished_at
    ):
        raise _Overtaken
    return job


def _end_failed(job: Job, at: datetime, begun: float) -> Job | None:
    try:
        return _end(job, Job.State.FAILED, _failure(job, "import_failed"), at, begun)
    except _Overtaken:
        return None


def _failure(job: Job, code: str, **params: Any) -> dict[str, Any]:
    store = Store.objects.filter(pk=job.store_id).first()
    refusal = Refused(code, **params)
    return refusal_as_dict(
        job.params["filename"], store.code if store else "", job.params["dry_run"], refusal
    )


def _sealed(content: bytes) -> bytes:
    return encrypt(base64.b64encode(content).decode(), current_keys())


def _unsealed(payload: bytes | memoryview) -> bytes:
    return base64.b64decode(decrypt(bytes(payload), current_keys()))
