"""The tables of the long relation. `care.models` has them, too."""

import pghistory
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from care.models.task import TaskEvent
from common.fields import EncryptedTextField
from customers.models import Customer
from feedback.models import Complaint, Suggestion
from loyalty.models import Voucher
from staff.models import Person, Store


@pghistory.track()
class Agreement(models.Model):
    """What a store and an organisation agreed on: level, days, a price reduction, how often we ask.

    `employer` is the name as in the profiles of its people (compared without case and blanks around it); `contact` one of
    them. `discount` in percent off the bill. `call_days` from one contact to the next; `renewal_days` before `valid_to` the
    renewal is on somebody's list. Ended, it stays on file; an organisation has one that is not ended.
    """

    class Level(models.IntegerChoices):
        FIRST = 1, _("一级")
        SECOND = 2, _("二级")

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    employer = models.CharField(max_length=80)
    level = models.PositiveSmallIntegerField(choices=Level)
    contact = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    valid_from = models.DateField()
    valid_to = models.DateField()
    terms = models.TextField(blank=True)
    discount = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    call_days = models.PositiveSmallIntegerField()
    renewal_days = models.PositiveSmallIntegerField(default=60)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "store", Lower("employer"), condition=models.Q(ended_at=None), name="one_living_agreement"
            ),
            models.CheckConstraint(
                condition=models.Q(valid_to__gte=models.F("valid_from")), name="agreement_days_in_order"
            ),
            models.CheckConstraint(
                condition=models.Q(discount=None) | models.Q(discount__gt=0, discount__lt=100),
                name="agreement_discount_is_percent",
            ),
        ]

    def __str__(self) -> str:
        return self.employer


class AccountNote(models.Model):
    """Something done together with an organisation, or a contact that was no task (a letter, an e-mail), with its day."""

    class Kind(models.TextChoices):
        EVENT = "event", _("联合活动")
        CONTACT = "contact", _("邮件、信函、面谈")

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="notes")
    kind = models.CharField(max_length=8, choices=Kind)
    on = models.DateField()
    words = models.CharField(max_length=200)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    def __str__(self) -> str:
        return f"{self.on} {self.words[:20]}"


class Piece(models.Model):
    """A small text the store keeps to send or to say: what to ask on a return visit, knowledge of food, a guide."""

    class Kind(models.TextChoices):
        SCRIPT = "script", _("回访话术")
        FOOD = "food", _("饮食知识")
        GUIDE = "guide", _("使用指南")
        OTHER = "other", _("其他")

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    title = models.CharField(max_length=60)
    words = models.CharField(max_length=1000)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    def __str__(self) -> str:
        return self.title


class CallAnswer(models.Model):
    """What a guest said on a call, a visit or by message, beside the note: belongs to the event that completed the task.

    `score` 1–5: how content. `cause` the guest stopped coming, and the `measure` against it: of a call to win back.
    `suggestion`: what the guest would do better, in the list of suggestions. `voucher`: the one that was given on the call.
    """

    class Cause(models.TextChoices):
        TASTE = "taste", _("口味")
        PRICE = "price", _("价格")
        MOVED = "moved", _("搬家、换单位")
        SERVICE = "service", _("服务")
        OTHER = "other", _("其他原因")

    class Measure(models.TextChoices):
        COUPON = "coupon", _("送券")
        DISH = "dish", _("调整菜品")
        SERVICE = "service", _("改进服务")
        INVITE = "invite", _("邀请再来")
        NONE = "none", _("不做什么")

    event = models.OneToOneField(TaskEvent, on_delete=models.CASCADE, primary_key=True, related_name="told")
    score = models.PositiveSmallIntegerField(null=True)
    cause = models.CharField(max_length=8, choices=Cause, blank=True)
    measure = models.CharField(max_length=8, choices=Measure, blank=True)
    suggestion = models.ForeignKey(Suggestion, on_delete=models.SET_NULL, null=True, related_name="+")
    voucher = models.ForeignKey(
        Voucher, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(score__range=(1, 5)), name="call_score_1_to_5"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id}"


class AskedAgain(models.Model):
    """A guest whose complaint was closed was asked, when next there, whether all is well now. Append-only.

    One that is not content opens the complaint again; closed again, it is asked again.
    """

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="asked_again")
    content = models.BooleanField()
    words = EncryptedTextField(null=True)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    def __str__(self) -> str:
        return f"{self.complaint_id} {self.content}"


class Topic(models.Model):
    """Something to talk about with a guest that is no business: a son enters university. `depth` 1 (small talk) to 3.

    `used_at`: when a call for which it was suggested was done; it is not suggested again.
    """

    class Depth(models.IntegerChoices):
        LIGHT = 1, _("1 寒暄")
        DAILY = 2, _("2 家事、爱好")
        CLOSE = 3, _("3 知心")

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="topics")
    words = EncryptedTextField()
    depth = models.PositiveSmallIntegerField(choices=Depth)
    noted_at = models.DateTimeField()
    noted_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    used_at = models.DateTimeField(null=True)
    used_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(depth__range=(1, 3)), name="topic_depth_1_to_3"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.depth}"


class RelationRules(models.Model):
    """The numbers of the long relation that a store may set; a store without a row keeps to the defaults.

    `win_back_days`: who comes within them after the call was won back. `follow_up_days` after a complaint was closed the
    guest is called. `stuck_days` in one of the nine steps is too long.
    """

    store = models.OneToOneField(
        Store, on_delete=models.CASCADE, primary_key=True, related_name="relation_rules"
    )
    win_back_days = models.PositiveSmallIntegerField(default=60)
    follow_up_days = models.PositiveSmallIntegerField(default=3)
    stuck_days = models.PositiveSmallIntegerField(default=30)

    def __str__(self) -> str:
        return f"{self.store_id}"


class StepTarget(models.Model):
    """How many people a store wrote down to make its guests in a month: the first of the nine steps."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    month = models.DateField()
    number = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "month"], name="step_target_once")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.number}"
