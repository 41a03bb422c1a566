"""What people type about guests: the search, the profile, a reason, a file."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.birthdays import Birthday, parse_birthday, write_birthday
from common.clock import add_months
from common.errors import Refused
from common.forms import DeskForm, said
from common.phones import normalise_phone
from customers.models import Patronage
from customers.models.booking import Need
from customers.models.customer import Calendar, Preferred, Sex
from customers.models.visit import VisitGuest
from customers.ratings import MOST_KM
from customers.selectors.listing import Filters, find_guests, look_up
from customers.services.customers import JUDGED, Profile
from staff.models import Person, Store

LAPSED = {
    "30": _("30 天没来"),
    "60": _("60 天没来"),
    "90": _("90 天没来"),
    "180": _("半年没来"),
    "never": _("建档后没来过"),
}
YES_NO = [("", _("没有问过")), ("yes", _("同意")), ("no", _("不同意"))]
MARRIED = [("", _("未填")), ("yes", _("已婚")), ("no", _("未婚"))]
RATINGS = [
    ("", _("没有评过")),
    ("5", _("5 很高")),
    ("4", _("4 较高")),
    ("3", _("3 一般")),
    ("2", _("2 较低")),
    ("1", _("1 很低")),
]
TRUTH = {"yes": True, "no": False, "": None}
WORDS_BETWEEN = str.maketrans("；，、,", ";;;;")


class NeedsField(forms.MultipleChoiceField):
    """What the room has to be ready for, each with a tick."""

    def __init__(self, **kwargs: Any) -> None:
        ticks = forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"})
        super().__init__(label=_("要准备"), required=False, choices=Need.choices, widget=ticks, **kwargs)

    def to_python(self, value: Any) -> list[str]:
        return [each for each in super().to_python(value) if each]


class FilterForm(DeskForm):
    """What narrows the list of guests. Nonsense in an address narrows nothing."""

    q = forms.CharField(label=_("找客人"), required=False, max_length=40)
    tier = forms.ChoiceField(label=_("等级"), required=False)
    owner = forms.ChoiceField(label=_("负责人"), required=False)
    lapsed = forms.ChoiceField(
        label=_("多久没来"), required=False, choices=[("", _("不限")), *LAPSED.items()]
    )
    tag = forms.ChoiceField(label=_("标签"), required=False)
    month = forms.ChoiceField(label=_("生日在"), required=False)

    def __init__(
        self, data: Any, *, tiers: list[tuple[str, str]], people: list[Person], words: list[str], today: date
    ) -> None:
        super().__init__(data)
        self.today = today
        any_ = ("", _("不限"))
        self._choose("tier", [any_, *tiers])
        self._choose("owner", [any_, ("none", _("没有负责人")), *((str(p.pk), str(p)) for p in people)])
        self._choose("tag", [any_, *((word, word) for word in words)])
        self._choose("month", [any_, *((str(n), _("%(n)s 月") % {"n": n}) for n in range(1, 13))])

    def _choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def filters(self) -> Filters:
        """The filters that were understood."""
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if value}
        lapsed, owner = given.get("lapsed", ""), given.get("owner", "")
        return Filters(
            tier=given.get("tier", ""),
            owner_id=int(owner) if owner.isdigit() else None,
            unowned=owner == "none",
            absent_since=self.today - timedelta(days=int(lapsed)) if lapsed.isdigit() else None,
            never_came=lapsed == "never",
            tag=given.get("tag", ""),
            born=_month(int(given["month"]), self.today) if "month" in given else None,
        )


def _month(month: int, today: date) -> tuple[date, date]:
    """First and last day of the next such month, the present one included."""
    first = date(today.year + (month < today.month), month, 1)
    return first, add_months(first, 1) - timedelta(days=1)


class ProfileForm(DeskForm):
    """A guest as the desk writes it down: for a new guest and for changing one."""

    name = forms.CharField(label=_("姓名"), max_length=80)
    salutation = forms.CharField(
        label=_("称呼"), max_length=40, required=False, help_text=_("当面怎么叫，例如“王总”。")
    )
    sex = forms.ChoiceField(label=_("性别"), required=False, choices=[("", _("未填")), *Sex.choices])
    phone = forms.CharField(label=_("手机"), max_length=40, required=False)
    birthday = forms.CharField(
        label=_("生日"),
        max_length=30,
        required=False,
        help_text=_("1985-06-03、06-03 或 八月十五；闰月写 闰04-03。"),
    )
    birthday_calendar = forms.ChoiceField(
        label=_("历法"), required=False, choices=[("", _("看写法")), *Calendar.choices]
    )
    married = forms.ChoiceField(label=_("婚否"), required=False, choices=MARRIED)
    address = forms.CharField(label=_("联系地址"), max_length=200, required=False)
    industry = forms.CharField(label=_("工作行业"), max_length=60, required=False)
    employer = forms.CharField(label=_("工作单位"), max_length=80, required=False)
    position = forms.CharField(label=_("职位"), max_length=60, required=False)
    allergies = forms.CharField(
        label=_("过敏"), max_length=200, required=False, help_text=_("会用红色显示在最前面，例如“花生、虾”。")
    )
    taboos = forms.CharField(label=_("忌口"), max_length=200, required=False)
    likes = forms.CharField(label=_("喜好"), max_length=200, required=False)
    usual_table = forms.CharField(label=_("常用桌台"), max_length=40, required=False)
    needs = NeedsField()
    tags = forms.CharField(
        label=_("标签"), max_length=400, required=False, help_text=_("几个标签用分号或逗号隔开。")
    )
    owner = forms.ChoiceField(label=_("负责人"), required=False)
    introduced_by = forms.CharField(
        label=_("介绍人"), max_length=64, required=False, help_text=_("介绍人的客户编号、手机号或后四位。")
    )
    contact_phone = forms.CharField(label=_("联系人电话"), max_length=40, required=False)
    contact_whose = forms.CharField(
        label=_("联系人是谁"), max_length=20, required=False, help_text=_("例如“秘书 小周”。")
    )
    consent_sms = forms.ChoiceField(
        label=_("接收祝福短信"), required=False, choices=YES_NO, help_text=_("只有客人亲口同意才选“同意”。")
    )
    credit = forms.ChoiceField(
        label=_("消费信誉"), required=False, choices=RATINGS, help_text=_("付款、签单守不守信用。")
    )
    influence = forms.ChoiceField(
        label=_("影响力"), required=False, choices=RATINGS, help_text=_("一句话能带来多少客人。")
    )
    distance_km = forms.DecimalField(
        label=_("离店公里数"), required=False, min_value=Decimal(0), max_value=MOST_KM, decimal_places=1,
        help_text=_("住处或公司到店里，例如 0.6。"), widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )  # fmt: skip
    preferred_channel = forms.ChoiceField(
        label=_("首选联系方式"), required=False, choices=[("", _("没有问过")), *Preferred.choices]
    )
    note = forms.CharField(
        label=_("备注"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(
        self,
        *args: Any,
        store: Store,
        today: date,
        people: list[Person] | None,
        is_new: bool = True,
        number: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.store, self.today, self.is_new = store, today, is_new
        self.people = {str(person.pk): person for person in people or []}
        if people is None:
            del self.fields["owner"]
        else:
            owner = self.fields["owner"]
            assert isinstance(owner, forms.ChoiceField)
            owner.choices = [
                ("", _("没有负责人")),
                *((pk, str(person)) for pk, person in self.people.items()),
            ]
        if is_new:
            self.fields["phone"].help_text = _("11 位手机号；座机请带区号。")
        else:
            if number:
                self.fields["phone"].help_text = _("现在是 %(number)s，不改就留空。") % {"number": number}
            # A tag is put on and taken off on the guest's page, where it keeps its dates; so is consent.
            for name in ("tags", "consent_sms"):
                del self.fields[name]
        self.fields["phone"].widget.attrs["inputmode"] = "tel"
        self.fields["contact_phone"].widget.attrs["inputmode"] = "tel"

    def clean_phone(self) -> str | None:
        return self._number("phone")

    def clean_contact_phone(self) -> str | None:
        return self._number("contact_phone")

    def _number(self, name: str) -> str | None:
        text = self.cleaned_data.get(name, "")
        if not text:
            return None
        try:
            return normalise_phone(text)
        except Refused as refused:
            raise said(refused) from refused

    def clean_introduced_by(self) -> int | None:
        text = self.cleaned_data.get("introduced_by", "")
        return (
            one_guest(
                self.store,
                text,
                _("有几位客人都符合，请填介绍人的客户编号。"),
                _("本店没有找到这位介绍人，请先为介绍人建档。"),
            )
            if text
            else None
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("birthday"):
            try:
                calendar = data.get("birthday_calendar") or None
                data["birthday"] = parse_birthday(data["birthday"], calendar, today=self.today)
            except Refused as refused:
                self.add_error("birthday", said(refused))
        if data.get("contact_whose") and not data.get("contact_phone") and "contact_phone" not in self.errors:
            self.add_error("contact_phone", _("写了联系人是谁，还要填电话。"))
        return data

    def profile(self) -> Profile:
        """The checked form as a Profile. Blanks of a new guest are "not said"; a change erases texts."""
        data = self.cleaned_data
        words = tuple(
            w.strip() for w in data.get("tags", "").translate(WORDS_BETWEEN).split(";") if w.strip()
        )
        texts: dict[str, Any] = {
            name: data[name] or (None if self.is_new else "")
            for name in (
                "salutation", "sex", "address", "industry", "employer", "position", "allergies", "taboos",
                "likes", "usual_table", "note", "preferred_channel",
            )
        }  # fmt: skip
        contact = data.get("contact_phone")
        return Profile(
            name=data["name"],
            phone=data["phone"],
            birthday=data["birthday"] or None,
            married=TRUTH[data["married"]],
            owner=self.people.get(data.get("owner", "")),
            introduced_by=data["introduced_by"],
            tags=words or None,
            consent_sms=TRUTH[data.get("consent_sms", "")],
            credit=int(data["credit"]) if data["credit"] else None,
            influence=int(data["influence"]) if data["influence"] else None,
            distance_km=data["distance_km"],
            cleared=frozenset(name for name in JUDGED if not self.is_new and data[name] in ("", None)),
            contacts=((contact, data["contact_whose"]),) if contact else (),
            needs=tuple(data["needs"]),
            **texts,
        )


def one_guest(store: Store, text: str, several: Any, nobody: Any) -> int:
    """The one guest whom a number of any kind or the last four names; else an error: `several` or `nobody`."""
    # A number given by us (G-51) is not found by its letters and figures.
    by_number = Patronage.objects.filter(store=store, external_id=text.strip()).first()
    if by_number is not None:
        return by_number.customer_id
    rows = find_guests(store, text, size=5).rows
    exact = [row for row in rows if row.external_id.casefold() == text.strip().casefold()]
    found = {row.customer_id for row in exact or rows}
    if not found:
        try:
            found = {card.customer_id for card in look_up(store, normalise_phone(text)) if card.here}
        except Refused:
            found = set()
    if len(found) == 1:
        return found.pop()
    if found:
        raise forms.ValidationError(several)
    raise forms.ValidationError(nobody)


def initial_of(birthday: Birthday | None) -> dict[str, str]:
    """A birthday as the form shows it."""
    if birthday is None:
        return {}
    return {"birthday": write_birthday(birthday), "birthday_calendar": birthday.calendar}


class TagForm(DeskForm):
    """A word to put on, or to take off."""

    word = forms.CharField(label=_("新标签"), max_length=40)


class CompanionForm(DeskForm):
    """Who else sat at a table, and as what."""

    visit = forms.UUIDField(
        error_messages={"required": _("请选是哪一次消费。"), "invalid": _("请选是哪一次消费。")}
    )
    who = forms.CharField(
        label=_("是谁"),
        max_length=64,
        widget=forms.TextInput(attrs={"placeholder": _("编号、手机号或后四位")}),
        error_messages={"required": _("请填同席客人的客户编号、手机号或后四位。")},
    )
    role = forms.ChoiceField(label=_("身份"), choices=VisitGuest.Role.choices)

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store = store

    def clean_who(self) -> int:
        return one_guest(
            self.store,
            self.cleaned_data["who"],
            _("有几位客人都符合，请填同席客人的客户编号。"),
            _("本店没有找到这位同席的客人，请先建档。"),
        )


class ParticipationForm(DeskForm):
    """Which event a guest came to, and when."""

    event = forms.CharField(
        label=_("活动"), max_length=80, error_messages={"required": _("请写明是什么活动。")},
        widget=forms.TextInput(attrs={"placeholder": _("例如：中秋品鉴会")}),
    )  # fmt: skip
    attended_on = forms.DateField(
        label=_("参加日期"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"], error_messages={"invalid": _("日期请写成 2026-06-20 这样。")},
    )  # fmt: skip


class DishForm(DeskForm):
    """A dish and the day it came on the list."""

    name = forms.CharField(label=_("菜名"), max_length=60, error_messages={"required": _("请填菜名。")})
    launched_on = forms.DateField(
        label=_("上市日期"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"], error_messages={"invalid": _("日期请写成 2026-06-20 这样。")},
    )  # fmt: skip


class ReasonForm(DeskForm):
    """Why something is done that somebody may ask about later."""

    reason = forms.CharField(
        label=_("原因"), min_length=2, max_length=100, error_messages={"min_length": _("原因至少写两个字。")}
    )


class ImportForm(DeskForm):
    """A file of guests or of bills, tried first."""

    kind = forms.ChoiceField(label=_("内容"), choices=[("customers", _("客户")), ("visits", _("消费记录"))])
    file = forms.FileField(
        label=_("表格文件"), help_text=_("CSV 或 XLSX，第一行是表头；先试读，不会写入任何内容。"),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx"}),
        error_messages={"required": _("请选一个文件。"), "empty": _("文件是空的。")},
    )  # fmt: skip
