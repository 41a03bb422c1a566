"""What the machine did. Bottom of the stairs: store and person are loose ids, never relations."""

from django.db import models


class Run(models.Model):
    """One night of one store: asked for, taken by a worker, done. `token` is the fence.

    Whoever takes the run raises `token`; a worker that comes back from a pause finds its token old and
    its transaction rolls back. The counts of each execution are in the run's steps.
    """

    class State(models.TextChoices):
        NEW = "new"
        RUNNING = "running"
        DONE = "done"
        HELD = "held"
        FAILED = "failed"

    kind = models.CharField(max_length=20, default="night")
    store_id = models.BigIntegerField()
    business_date = models.DateField()
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    token = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    approved_by_id = models.BigIntegerField(null=True)
    error = models.TextField(default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "store_id", "business_date"], name="one_run_a_night"),
        ]
        indexes = [models.Index(fields=["store_id", "-business_date"], name="run_by_store")]

    def __str__(self) -> str:
        return f"{self.kind} {self.business_date} store {self.store_id}: {self.state}"


class Step(models.Model):
    """One step of one execution of a run (`token` says which), with what it counted."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    token = models.IntegerField()
    position = models.SmallIntegerField()
    name = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ["token", "position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "token", "position"], name="one_row_a_step"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.counts}"


class Job(models.Model):
    """Work in the background that a person waits for: an import, with its progress and its findings."""

    class State(models.TextChoices):
        NEW = "new"
        RUNNING = "running"
        DONE = "done"
        REFUSED = "refused"
        FAILED = "failed"

    kind = models.CharField(max_length=30)
    store_id = models.BigIntegerField()
    person_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    params = models.JSONField(default=dict)
    payload = models.BinaryField(null=True)
    progress = models.SmallIntegerField(default=0)
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["store_id", "-id"], name="job_by_store")]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class Heartbeat(models.Model):
    """The last sign of life of a process, by name: worker, beat, relay."""

    name = models.CharField(max_length=40, primary_key=True)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.beat_at:%F %T}"


class KeyMark(models.Model):
    """The fingerprint of the keys that encrypted this database; one row, checked at every start."""

    fingerprint = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.fingerprint
