"""Events of the house and who is invited to them: the tables."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Participation
from customers.models.dish import Dish
from staff.models import Person, Store


class Event(models.Model):
    """Something the house does for guests on one day: a tasting of `dish`, a salon, a dinner it hosts.

    `seats`: how many guests there is room for, empty where there is no end. `words`: what a guest is told, empty for
    the words that are ready. `starts_at`: on the store's clock.
    """

    class Kind(models.TextChoices):
        TASTING = "tasting", _("试菜品鉴")
        SALON = "salon", _("沙龙、交流会")
        PARTY = "party", _("答谢会")
        MEMBER_DAY = "member_day", _("会员日、会员聚会")
        CLASS = "class", _("厨艺课、培训")
        THEME = "theme", _("美食节、主题活动")
        TOUR = "tour", _("定制旅游")
        DINNER = "dinner", _("宴请")

    class State(models.TextChoices):
        DRAFT = "draft", _("筹备")
        OPEN = "open", _("邀请中")
        CLOSED = "closed", _("已结束")
        CANCELLED = "cancelled", _("已取消")

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="house_events", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=60)
    held_on = models.DateField()
    starts_at = models.TimeField(null=True)
    seats = models.PositiveSmallIntegerField(null=True, validators=[MinValueValidator(1)])
    dish = models.ForeignKey(Dish, on_delete=models.PROTECT, null=True, related_name="events")
    words = models.CharField(max_length=200, blank=True)
    budget_fen = models.IntegerField(null=True)
    cost_fen = models.IntegerField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(seats=None) | models.Q(seats__gte=1), name="event_has_a_seat"
            ),
            models.CheckConstraint(
                condition=(models.Q(budget_fen=None) | models.Q(budget_fen__gte=0))
                & (models.Q(cost_fen=None) | models.Q(cost_fen__gte=0)),
                name="event_money_not_negative",
            ),
        ]
        indexes = [models.Index(fields=["store", "-held_on"], name="event_of_store")]

    def __str__(self) -> str:
        return self.name

    @property
    def occasion(self) -> str:
        """What its tasks are for; with the guest it is their unique key."""
        return f"event:{self.pk}"


class Invitation(models.Model):
    """A guest is invited to an event, once.

    `place`: the how-manieth who was invited, 1 the first. `answered_at`: since when the answer holds; who waits longest
    moves up first. `attended`: empty until somebody says so; then `participation` is the row of it. `opinion`: 1 to 5.
    """

    class Answer(models.TextChoices):
        NONE = "none", _("还没回话")
        ACCEPTED = "accepted", _("会来")
        WAITING = "waiting", _("候补")
        DECLINED = "declined", _("不来")

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="invitations", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="invitations")
    place = models.IntegerField()
    tier = models.CharField(max_length=20, blank=True)
    invited_at = models.DateTimeField()
    invited_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    answer = models.CharField(max_length=10, choices=Answer, default=Answer.NONE)
    answered_at = models.DateTimeField(null=True)
    attended = models.BooleanField(null=True)
    participation = models.ForeignKey(
        Participation, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    opinion = models.PositiveSmallIntegerField(
        null=True, validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    words = models.CharField(max_length=200, blank=True)
    gift = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["place", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["event", "customer"], name="invited_once"),
            models.CheckConstraint(
                condition=models.Q(opinion=None) | models.Q(opinion__gte=1, opinion__lte=5),
                name="opinion_1_to_5",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place} {self.answer}"
