"""What a person owes one guest on one day, and what came of it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from care.models.plan import Channel, PlanLine
from customers.models import Customer
from staff.models import Person, Role, Store


class Task(models.Model):
    """A gesture owed to one guest on one day, on one person's or one role's list.

    One row per guest, plan line and occasion: opening it twice is the same as once. BLOCKED: the plan says so, but a
    rule of the store or the kind of guest speaks against it; `reason` says which. `escalated_on`: when it was so late
    that it went on the list of those who lead. `words`: a text ready to be sent by hand.
    """

    class State(models.TextChoices):
        OPEN = "open", _("待办")
        DONE = "done", _("已完成")
        DECLINED = "declined", _("客人谢绝")
        CLOSED = "closed", _("已关闭")
        EXPIRED = "expired", _("已过期")
        BLOCKED = "blocked", _("未开出")

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    line = models.ForeignKey(PlanLine, on_delete=models.PROTECT, null=True, related_name="tasks")
    code = models.CharField(max_length=40)
    occasion = models.CharField(max_length=60)
    channel = models.CharField(max_length=10, choices=Channel)
    zh = models.CharField(max_length=160)
    en = models.CharField(max_length=200)
    tier = models.CharField(max_length=20, blank=True)
    role = models.CharField(max_length=10, choices=Role)
    assignee = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="tasks")
    event_on = models.DateField(null=True)
    due_on = models.DateField()
    close_on = models.DateField()
    opened_on = models.DateField()
    opened_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=40, blank=True)
    escalated_on = models.DateField(null=True)
    words = models.CharField(max_length=400, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "store", "code", "occasion"], name="owed_once"),
        ]
        indexes = [
            models.Index(fields=["store", "due_on"], condition=models.Q(state="open"), name="task_open"),
            models.Index(fields=["store", "-settled_at"], name="task_settled"),
        ]

    def __str__(self) -> str:
        return f"{self.due_on} {self.zh}"


class TaskEvent(models.Model):
    """What somebody did with a task: reached, not reached, postponed to, with a note. Append-only.

    `why` a guest has not come, as told on a call because of an absence.
    """

    class Outcome(models.TextChoices):
        DONE = "done", _("已完成")
        NOT_REACHED = "not_reached", _("未联系上")
        POSTPONED = "postponed", _("改期")
        DECLINED = "declined", _("客人谢绝")
        CLAIMED = "claimed", _("认领")
        HANDED = "handed", _("移交")
        ESCALATED = "escalated", _("逾期升级")

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="events")

    class Why(models.TextChoices):
        TRIP = "trip", _("出差")
        HOLIDAY = "holiday", _("度假")
        BUSY = "busy", _("忙其它事情")
        OTHER = "other", _("其他原因")

    outcome = models.CharField(max_length=12, choices=Outcome)
    note = models.CharField(max_length=400, blank=True)
    why = models.CharField(max_length=8, choices=Why, blank=True, default="", db_default="")
    next_on = models.DateField(null=True)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.outcome
