"""What people say about an event: the plan of it, whom to invite, who came, a dinner that was held."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from care.events.inviting import MOST
from care.events.models import Event, Invitation
from care.events.services import Came
from care.models import Channel, Task
from common.cells import CellError, parse_amount
from common.forms import DeskForm, said
from common.money import show_yuan
from customers.forms import one_guest
from customers.models.dish import Dish
from staff.models import Store
from tiering.models import Segment

YEAR = timedelta(days=366)
_SMALL, _SMALL_SELECT = "form-control form-control-sm", "form-select form-select-sm"


class YuanField(forms.CharField):
    """Yuan as people write them, in fen; None where nothing is said."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "max_length": 40, **kwargs})
        self.widget.attrs["inputmode"] = "decimal"

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return parse_amount(text) if text else None
        except CellError as error:
            raise said(error) from error


def _day(**kwargs: Any) -> forms.DateField:
    return forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("请填一个日期。")}, **kwargs,
    )  # fmt: skip


class EventForm(DeskForm):
    """An event as its author plans it."""

    name = forms.CharField(
        label=_("活动名称"), max_length=60, help_text=_("客人也会看到，比如：松茸汤试菜会。")
    )
    kind = forms.ChoiceField(label=_("哪一类"), choices=Event.Kind.choices)
    held_on = _day(label=_("哪天办"))
    starts_at = forms.TimeField(
        label=_("几点开始"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": _("请填一个时间。")},
    )  # fmt: skip
    seats = forms.IntegerField(
        label=_("座位"), required=False, min_value=1, max_value=9999,
        help_text=_("坐满以后答应来的进候补；不限就空着。"), error_messages={"invalid": _("请填一个整数。")},
    )  # fmt: skip
    budget_fen = YuanField(label=_("预算（元）"))
    dish = forms.ChoiceField(label=_("试哪道新菜"), required=False)
    words = forms.CharField(
        label=_("邀请的话"), required=False, max_length=200, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("同事打电话、发微信时照着说；空着就用现成的。写“{称呼}”的地方换成客人的称呼。"),
    )  # fmt: skip

    def __init__(self, *args: Any, dishes: Sequence[Dish], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = {str(each.pk): each for each in dishes}
        self.today = today
        self.fields["dish"].choices = [("", "—"), *((pk, each.name) for pk, each in self.known.items())]  # type: ignore[attr-defined]

    @classmethod
    def showing(cls, event: Event) -> dict[str, Any]:
        """The form as the event stands."""
        shown = {name: getattr(event, name) for name in cls.base_fields}
        budget = "" if event.budget_fen is None else show_yuan(event.budget_fen).lstrip("¥")
        return shown | {"dish": event.dish_id or "", "budget_fen": budget}

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_held_on(self) -> date:
        day: date = self.cleaned_data["held_on"]
        if not self.today - YEAR <= day <= self.today + YEAR:
            raise forms.ValidationError(_("请选前后一年之内的一天。"))
        return day

    def said(self) -> dict[str, Any]:
        """What a valid form says, as the service takes it."""
        data = dict(self.cleaned_data)
        return data | {"dish": self.known.get(data["dish"])}


class InviteForm(DeskForm):
    """Whom to invite next, and how."""

    segment = forms.ChoiceField(label=_("客群"), required=False)
    tiers = forms.MultipleChoiceField(label=_("等级"), required=False, widget=forms.CheckboxSelectMultiple)
    most = forms.IntegerField(
        label=_("这次邀请几位"), min_value=1, max_value=MOST,
        error_messages={"invalid": _("请填一个整数。"), "required": _("请填这次邀请几位。")},
    )  # fmt: skip
    channel = forms.ChoiceField(
        label=_("方式"), choices=[(each.value, each.label) for each in (Channel.PHONE, Channel.WECHAT)]
    )

    def __init__(
        self, *args: Any, segments: Sequence[Segment], tiers: Sequence[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.known = {str(each.pk): each for each in segments}
        self.fields["segment"].choices = [("", "—"), *((pk, each.name) for pk, each in self.known.items())]  # type: ignore[attr-defined]
        self.fields["tiers"].choices = list(tiers)  # type: ignore[attr-defined]

    def said(self) -> dict[str, Any]:
        """What a valid form says, as the service takes it."""
        return self.cleaned_data | {"segment": self.known.get(self.cleaned_data["segment"])}


class GuestForm(DeskForm):
    """One guest to put on the list."""

    who = forms.CharField(
        label=_("哪位客人"), max_length=40, widget=forms.TextInput(attrs={"placeholder": _("手机号、后四位或客户编号")}),
        error_messages={"required": _("请填客人的手机号、后四位或客户编号。")},
    )  # fmt: skip

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store = store

    def clean_who(self) -> int:
        return one_guest(
            self.store,
            self.cleaned_data["who"],
            _("有几位客人都符合，请填客户编号。"),
            _("本店没有找到这位客人，请先建档。"),
        )


class ResultsForm(DeskForm):
    """Who of those invited came, what each thought and was given, and what the event cost."""

    cost = YuanField(label=_("实际花费（元）"))

    def __init__(self, *args: Any, rows: Sequence[Invitation], cost_fen: int | None, **kwargs: Any) -> None:
        self.rows = list(rows)
        initial: dict[str, Any] = {"cost": "" if cost_fen is None else show_yuan(cost_fen).lstrip("¥")}
        for row in self.rows:
            initial |= {
                f"came-{row.customer_id}": bool(row.attended), f"words-{row.customer_id}": row.words,
                f"opinion-{row.customer_id}": row.opinion or "", f"gift-{row.customer_id}": row.gift,
            }  # fmt: skip
        super().__init__(*args, initial=initial, **kwargs)
        scores = [("", "—"), *((str(n), str(n)) for n in range(5, 0, -1))]
        field: forms.Field
        for row in self.rows:
            for name, field, css, label in (
                ("came", forms.BooleanField(required=False), "form-check-input", _("到场")),
                ("opinion", forms.ChoiceField(required=False, choices=scores), _SMALL_SELECT, _("评分")),
                ("words", forms.CharField(required=False, max_length=200), _SMALL, _("客人怎么说")),
                ("gift", forms.CharField(required=False, max_length=60), _SMALL, _("送了什么")),
            ):
                words = f"{row.customer.called} · {label}"
                field.widget.attrs |= {"class": css, "aria-label": words, "autocomplete": "off"}
                self.fields[f"{name}-{row.customer_id}"] = field
        for field in self.fields.values():
            field.widget.attrs["form"] = "results"

    @property
    def guests(self) -> list[dict[str, Any]]:
        """Each invited guest with the fields about her."""
        names = ("came", "opinion", "words", "gift")
        return [
            {"row": row} | {name: self[f"{name}-{row.customer_id}"] for name in names} for row in self.rows
        ]

    def said(self) -> list[Came]:
        """What a valid form says of each guest."""
        data = self.cleaned_data
        return [
            Came(
                pk,
                data[f"came-{pk}"],
                int(data[f"opinion-{pk}"]) if data[f"opinion-{pk}"] else None,
                data[f"words-{pk}"],
                data[f"gift-{pk}"],
            )
            for pk in (row.customer_id for row in self.rows)
        ]


class DinnerForm(DeskForm):
    """A dinner that was held for a guest: when, what it cost, who came along, what was given."""

    name = forms.CharField(label=_("宴请名称"), max_length=60)
    held_on = _day(label=_("哪天请的"))
    cost_fen = YuanField(label=_("花费（元）"))
    gift = forms.CharField(
        label=_("送了什么"), required=False, max_length=60, help_text=_("比如：新春礼盒。")
    )
    words = forms.CharField(
        label=_("谁一起来的，聊了什么"),
        required=False,
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    @classmethod
    def beginning(cls, task: Task, today: date) -> dict[str, Any]:
        """What it begins with: the words of the plan, today."""
        return {"name": task.zh[:60], "held_on": min(today, task.close_on)}
