"""Celery: the timetable is one dictionary with one tick; PostgreSQL says what is due. Redis only wakes workers."""

import logging
import os
from datetime import timedelta

from celery import Celery, beat, bootsteps
from django.db import Error, connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

app = Celery("crm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_serializer="json",
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600, "socket_timeout": 10},
    timezone="UTC",
    # A tick that nobody took within the minute is stale: the next one asks the same question.
    beat_schedule={"tick": {"task": "crm.tick", "schedule": 60.0, "options": {"expires": 55}}},
    worker_hijack_root_logger=False,
    imports=["crm.tasks"],
)


class KeyStep(bootsteps.StartStopStep):
    """A worker does not start with other keys than those that encrypted the database."""

    def __init__(self, parent: object, **options: object) -> None:
        from crm.keycheck import refuse_foreign_keys

        refuse_foreign_keys()


app.steps["worker"].add(KeyStep)


class Timetable(beat.Scheduler):
    """Beat with its timetable in memory: the first tick at once, and a sign of life of its own."""

    def setup_schedule(self) -> None:
        super().setup_schedule()
        for entry in self.schedule.values():
            entry.last_run_at = self.app.now() - timedelta(minutes=1)

    def apply_entry(self, entry: beat.ScheduleEntry, producer: object = None) -> None:
        from crm.health import beat as sign_of_life

        super().apply_entry(entry, producer)
        try:
            sign_of_life("beat")
        except Error as error:  # the next minute asks again
            logging.getLogger(__name__).warning("no sign of life of beat: %s", error)
        finally:
            connection.close()


app.conf.beat_scheduler = Timetable
