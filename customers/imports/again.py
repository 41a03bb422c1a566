"""A file that was tried, brought in without being uploaded a second time."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.doorbell import ring
from common.errors import NotHere, Refused
from common.messages import add_sentences
from customers.imports.jobs import BELL, KINDS
from ops.models import Job
from staff.models import Person, Store

KEPT_FOR = timedelta(days=1)

add_sentences({"tried_file_gone": _("试读过的文件只保留一天，请重新上传。")})


def is_kept(job: Job, at: datetime) -> bool:
    """Whether the file of this trial run is still there."""
    tried = job.params.get("dry_run") and job.state in (Job.State.DONE, Job.State.REFUSED)
    fresh = job.finished_at is not None and job.finished_at > at - KEPT_FOR
    return bool(tried and fresh and job.payload is not None)


@transaction.atomic
def bring_in(*, store: Store, job_id: int, accept_good_rows: bool, actor: Person | None, at: datetime) -> Job:
    """A job that does in earnest what the trial run `job_id` only tried; the file moves over to it.

    Refuses (409) a trial whose file is gone: kept for a day, and brought in once.
    """
    tried = Job.objects.select_for_update().filter(store_id=store.pk, pk=job_id, kind__in=KINDS).first()
    if tried is None:
        raise NotHere()
    if not is_kept(tried, at):
        raise Refused("tried_file_gone", status=409)
    params = {"filename": tried.params["filename"], "dry_run": False, "accept_good_rows": accept_good_rows}
    job = Job.objects.create(
        kind=tried.kind,
        store_id=store.pk,
        person_id=actor.pk if actor else None,
        params=params,
        payload=bytes(tried.payload or b""),
        created_at=at,
    )
    tried.payload = None
    tried.save(update_fields=["payload"])
    ring(BELL)
    return job


def drop_old_files(at: datetime) -> int:
    """Let go of the files of trial runs that nobody brought in within a day; returns how many."""
    old = Job.objects.filter(kind__in=KINDS, params__dry_run=True, finished_at__lte=at - KEPT_FOR)
    return old.exclude(payload=None).update(payload=None)
