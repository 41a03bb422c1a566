"""Thin doors of the workers: the tick, the bells, one night of one store, one job."""

from datetime import date

from celery import shared_task

from common.clock import now
from crm import nightly
from crm.health import beat
from customers.imports.jobs import run_import, waiting_imports


@shared_task(name="crm.tick")
def tick() -> None:
    """Once a minute: a sign of life of the worker, and every tray looked into."""
    beat("worker")
    for bell in BELLS:
        answer_bell(bell)


@shared_task(name="crm.answer_bell")
def answer_bell(bell: str) -> None:
    """Look into the tray that `bell` stands for; unknown bells of another version are let ring."""
    if bell in BELLS:
        BELLS[bell]()


def _nights() -> None:
    for store_id, on in nightly.due(now()):
        run_night.delay(store_id, on.isoformat())


def _jobs() -> None:
    for job_id in waiting_imports(now()):
        run_job.delay(job_id)


BELLS = {"night": _nights, "job": _jobs}


@shared_task(name="crm.run_night")
def run_night(store_id: int, on: str) -> None:
    """One night of one store; a run that another worker holds is left alone."""
    nightly.run(store_id, date.fromisoformat(on), at=now(), by_hand=False)


@shared_task(name="crm.run_job")
def run_job(job_id: int) -> None:
    """One import that a person waits for."""
    run_import(job_id, now())
