"""What we do about it: the plan per tier, tasks for people, messages for guests, what came of each."""

import uuid

import pghistory
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from care.answer_models import Anniversary as Anniversary
from care.answer_models import ListRead as ListRead
from care.answer_models import Served as Served
from care.answer_models import TableAnswer as TableAnswer
from care.answer_models import TradeNews as TradeNews
from care.calendar_models import FestivalChange as FestivalChange
from care.calendar_models import OwnFestival as OwnFestival
from care.campaign_models import DUE_ORDER
from care.campaign_models import Campaign as Campaign
from care.campaign_models import CampaignGuest as CampaignGuest
from care.outcome_models import Baseline as Baseline
from care.outcome_models import Outcome as Outcome
from care.outcome_models import OutcomeDays as OutcomeDays
from common.fields import EncryptedTextField
from customers.models import Customer
from staff.models import Brand, Person, Role, Store


class Channel(models.TextChoices):
    """How a gesture reaches the guest."""

    PHONE = "phone", _("电话")
    VISIT = "visit", _("拜望")
    GIFT = "gift", _("礼品")
    CARD = "card", _("贺卡")
    SMS = "sms", _("短信")
    WECHAT = "wechat", _("微信")
    EVENT = "event", _("宴请")
    IN_STORE = "in_store", _("到店")


class Trigger(models.TextChoices):
    """What makes a plan line due."""

    BIRTHDAY = "birthday", _("生日")
    FESTIVAL = "festival", _("节日")
    MONTHLY = "monthly", _("每月")
    WEEKLY = "weekly", _("每周")
    HALF_YEAR = "half_year", _("每半年")
    YEARLY = "yearly", _("每年")
    ABSENCE = "absence", _("未到店")
    AFTER_VISIT = "after_visit", _("消费后")
    FALLING = "falling", _("将要降级")
    ANNIVERSARY = "anniversary", _("纪念日")
    NEW_GUEST = "new_guest", _("新客建档")
    EACH_VISIT = "each_visit", _("每次到店")
    CAMPAIGN = "campaign", _("活动")
    NEW_DISH = "new_dish", _("新菜")
    SUGGESTION = "suggestion", _("建议采纳")
    ANY_TIME = "any_time", _("随时")


class Plan(models.Model):
    """The gestures a store owes its tiers under one scheme: one living version at a time.

    `inherits`: a tier is given what the tiers below it are given, too.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="plans")
    scheme_code = models.SlugField(max_length=60)
    number = models.IntegerField(default=1)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(null=True)
    inherits = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "scheme_code", "number"], name="plan_version_once"),
            models.UniqueConstraint(
                fields=["store", "scheme_code"], condition=models.Q(retired_at=None), name="one_living_plan"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scheme_code} v{self.number}"


class PlanLine(models.Model):
    """One gesture: for which tier (`*` for everybody), when, through what, by whom.

    `role` is who does it; `owner_first`: the guest's owner where there is one, else the role. `times` a period
    for cadences; `lead_days` before an occasion; `after_days` of absence or after a visit; `window_days` to do it.
    `small`: a coupon or a small gift, which some kinds of guests do not like.
    """

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="lines")
    code = models.CharField(max_length=40)
    tier = models.CharField(max_length=20)
    trigger = models.CharField(max_length=12, choices=Trigger)
    occasions = models.JSONField(default=list)
    channel = models.CharField(max_length=10, choices=Channel)
    zh = models.CharField(max_length=120)
    en = models.CharField(max_length=160)
    source_zh = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=10, choices=Role)
    owner_first = models.BooleanField(default=False)
    times = models.SmallIntegerField(default=1)
    lead_days = models.SmallIntegerField(default=0)
    after_days = models.SmallIntegerField(default=0)
    window_days = models.SmallIntegerField(default=0)
    personal = models.BooleanField(default=True)
    enabled = models.BooleanField(default=True)
    small = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["plan", "code"], name="line_once")]

    def __str__(self) -> str:
        return f"{self.tier} {self.zh}"


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


@pghistory.track()
class CareRules(models.Model):
    """What a store allows its plans; a store without a row keeps to the defaults.

    `contacts_a_week`: calls, visits and messages by hand for one guest in a calendar week, empty: no end.
    `overdue_days`: a task later than that goes to those who lead. `gifts_to_officials`: off unless the head says so.
    """

    store = models.OneToOneField(Store, on_delete=models.CASCADE, primary_key=True, related_name="care_rules")
    contacts_a_week = models.PositiveSmallIntegerField(null=True, blank=True)
    overdue_days = models.PositiveSmallIntegerField(default=2)
    gifts_to_officials = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.contacts_a_week} / {self.overdue_days}"


@pghistory.track()
class TextRules(models.Model):
    """What a brand allows its texts: how many one number may get, what they cost, how many a month may be.

    A brand without a row keeps to the defaults. `a_day`, `a_month`: texts for one number on one local day, and in
    30 days. `thousand_parts_fen`: what 1,000 parts cost. `month_parts`: so many parts a calendar month, empty: no
    end.
    """

    brand = models.OneToOneField(Brand, on_delete=models.CASCADE, primary_key=True, related_name="text_rules")
    a_day = models.PositiveSmallIntegerField(default=1, validators=[MaxValueValidator(5)])
    a_month = models.PositiveSmallIntegerField(default=4, validators=[MaxValueValidator(30)])
    thousand_parts_fen = models.PositiveIntegerField(default=4500, validators=[MaxValueValidator(1_000_000)])
    month_parts = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])

    def __str__(self) -> str:
        return f"{self.a_day} / {self.a_month}"


class Message(models.Model):
    """One text owed to one guest for one occasion of one year: what became of it, and why.

    `id` is our id at the provider. `phone_key` repeats the number's keyed index while this row holds the
    number's place for the occasion; it is empty on rows that were born skipped, so that a second guest on
    the same number gets a visible row and no second text. `parts`: what it is billed as. A text ACCEPTED with a
    `final_at` is one that nobody reported on any more.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("待发送")
        SENDING = "sending", _("发送中")
        UNKNOWN = "unknown", _("待核实")
        ACCEPTED = "accepted", _("已提交")
        DELIVERED = "delivered", _("已送达")
        UNDELIVERED = "undelivered", _("未送达")
        FAILED = "failed", _("被拒绝")
        SKIPPED = "skipped", _("未发送")
        EXPIRED = "expired", _("已过期")
        PARKED = "parked", _("待人工")

    FINAL = ("delivered", "undelivered", "failed", "skipped", "expired")
    # What a provider was given, or may have been: these count for the number's caps and the month's budget.
    HANDED = ("sending", "unknown", "accepted", "delivered", "undelivered", "parked")
    # Why a text waits although it is due; it still says so when its window is over.
    HELD = ("cap_day", "cap_month", "budget")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="+", db_index=False)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="messages", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="messages", db_index=False)
    category = models.CharField(max_length=12)
    occasion = models.CharField(max_length=60)
    phone_key = models.BinaryField(max_length=32, null=True)
    number = EncryptedTextField(null=True)
    last_four = models.CharField(max_length=4, blank=True, db_default="")
    template = models.CharField(max_length=40)
    variables = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=State, default=State.PENDING)
    reason = models.CharField(max_length=40, blank=True, db_default="")
    attempt = models.SmallIntegerField(default=0, db_default=0)
    parts = models.SmallIntegerField(default=1, db_default=1)
    planned_on = models.DateField()
    not_before = models.DateTimeField()
    next_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=60, blank=True, db_default="")
    asked_at = models.DateTimeField(null=True)
    asked = models.SmallIntegerField(default=0, db_default=0)
    provider = models.CharField(max_length=12, blank=True, db_default="")
    provider_message_id = models.CharField(max_length=64, blank=True, db_default="")
    created_at = models.DateTimeField()
    final_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "customer", "category", "occasion"], name="one_text_a_guest"
            ),
            models.UniqueConstraint(
                fields=["brand", "phone_key", "occasion"],
                condition=models.Q(phone_key__isnull=False),
                name="one_text_a_number",
            ),
        ]
        indexes = [
            # On one number a birthday comes first, then a festival, then the rest: in this order they are taken.
            models.Index(*DUE_ORDER, condition=models.Q(state="pending"), name="message_due"),
            models.Index(
                fields=["claimed_at"],
                condition=models.Q(state__in=["sending", "unknown"]),
                name="message_in_doubt",
            ),
            models.Index(
                fields=["claimed_at"],
                condition=models.Q(state="accepted", final_at__isnull=True),
                name="message_unreported",
            ),
            models.Index(
                fields=["brand", "claimed_at"],
                condition=models.Q(
                    state__in=["sending", "unknown", "accepted", "delivered", "undelivered", "parked"]
                ),
                include=["parts"],
                name="message_handed",
            ),
            models.Index(
                fields=["store", "-created_at", "-id"],
                include=["state", "reason", "parts"],
                name="message_of_store",
            ),
            models.Index(fields=["customer", "-created_at"], name="message_of_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.occasion} {self.state}"


class Attempt(models.Model):
    """One call to the provider, as it went. Append-only."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attempts")
    number = models.SmallIntegerField()
    started_at = models.DateTimeField()
    outcome = models.CharField(max_length=10)
    code = models.CharField(max_length=60, blank=True)
    http = models.SmallIntegerField(null=True)
    took_ms = models.IntegerField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.number}: {self.outcome} {self.code}"


class Inbox(models.Model):
    """A receipt or a reply as the provider pushed it, applied afterwards: receiving must never fail."""

    kind = models.CharField(max_length=8)
    provider = models.CharField(max_length=12)
    dedupe_key = models.CharField(max_length=120, unique=True)
    raw = models.JSONField()
    received_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=models.Q(applied_at=None), name="inbox_waiting"),
            models.Index(
                fields=["received_at"],
                condition=models.Q(applied_at=None, kind="reply"),
                name="inbox_reply_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.provider}"


class GuestReply(models.Model):
    """What a guest answered to a text and a person has to read: it did not simply say "stop".

    `stopped`: it may have meant stop, so the number gets nothing until somebody has read it. `store` is that of the
    brand's last text to the number; `customer` is who that text was for. `outcome` is what the reader made of it.
    """

    class Outcome(models.TextChoices):
        READ = "read", _("看过了")
        STOP = "stop", _("确认退订")
        LIFTED = "lifted", _("不是退订，已恢复")

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="replies", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="replies", null=True)
    number = EncryptedTextField()
    number_index = models.BinaryField(max_length=32)
    words = EncryptedTextField()
    stopped = models.BooleanField()
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    read_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True, db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["store", "-at"], name="reply_of_store"),
            models.Index(fields=["store"], condition=models.Q(read_at=None), name="reply_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T}"
