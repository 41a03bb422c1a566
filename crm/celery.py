"""Celery: the timetable is one dictionary with one tick; PostgreSQL says what is due. Redis only wakes workers."""

import os

from celery import Celery, bootsteps

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
