"""What people type about the long relation: an agreement, a note, a topic, a return visit, what was told on a call."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from care.models import AccountNote, Agreement, CallAnswer, Channel, Piece, Topic
from care.playbook import CONTACTS
from care.relations.rules import CALL_DAYS, MOST_CALL_DAYS, MOST_RENEWAL_DAYS, RENEWAL_DAYS
from care.relations.services.accounts import Terms
from care.relations.services.calls import CallSaid
from common.forms import DeskForm
from customers.forms import one_guest
from staff.models import Person, Store

_NO_DAY = {"invalid": _("请填一个日期。")}


def _day(**kwargs: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(widget=widget, error_messages=_NO_DAY, **kwargs)


class GuestForm(DeskForm):
    """A form that names one guest of the store by a number of any kind."""

    guest_field = "guest"

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store = store

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        text = data.get(self.guest_field)
        if text:
            try:
                data[self.guest_field] = one_guest(
                    self.store,
                    text,
                    _("有几位客人都符合，请填客户编号。"),
                    _("本店没有找到这位客人，请先建档。"),
                )
            except forms.ValidationError as error:
                self.add_error(self.guest_field, error)
        return data


class AgreementForm(GuestForm):
    """An agreement with an organisation."""

    guest_field = "contact"

    contact = forms.CharField(
        label=_("联系人"), max_length=64,
        help_text=_("客户编号、手机号或后四位。单位取自这位客人的资料。"),
    )  # fmt: skip
    level = forms.TypedChoiceField(label=_("级别"), choices=Agreement.Level.choices, coerce=int)
    discount = forms.DecimalField(
        label=_("优惠（%）"), required=False, min_value=Decimal("0.1"), max_value=Decimal("99.9"), max_digits=4,
        decimal_places=1, help_text=_("8 就是减 8%，打九二折。不填就没有优惠。"),
    )  # fmt: skip
    valid_from = _day(label=_("从哪一天"))
    valid_to = _day(label=_("到哪一天"))
    call_days = forms.IntegerField(
        label=_("最多几天联系一次"), min_value=1, max_value=MOST_CALL_DAYS, required=False,
        help_text=_("不填就按级别：一级 90 天，二级 30 天。"),
    )  # fmt: skip
    renewal_days = forms.IntegerField(
        label=_("提前几天谈续签"), min_value=0, max_value=MOST_RENEWAL_DAYS, initial=RENEWAL_DAYS
    )
    terms = forms.CharField(
        label=_("约定的内容"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("供应什么、怎么结账、一起办什么活动。"),
    )  # fmt: skip

    @staticmethod
    def showing(agreement: Agreement, number: str) -> dict[str, Any]:
        """The form as the agreement stands; `number`: the contact's number in the store."""
        names = ("level", "discount", "valid_from", "valid_to", "call_days", "renewal_days", "terms")
        return {name: getattr(agreement, name) for name in names} | {"contact": number}

    def agreed(self) -> Terms:
        """What the form says."""
        said = dict(self.cleaned_data)
        said["call_days"] = said["call_days"] or CALL_DAYS[said["level"]]
        return Terms(contact_id=said.pop("contact"), **said)


class NoteForm(DeskForm):
    """What was done together with an organisation, or a contact that was no task."""

    kind = forms.ChoiceField(label=_("什么事"), choices=AccountNote.Kind.choices)
    on = _day(label=_("哪一天"))
    words = forms.CharField(
        label=_("内容"), max_length=200, widget=forms.TextInput(attrs={"placeholder": _("例如：中秋联合品鉴会，来了 30 人")})
    )  # fmt: skip


class PieceForm(DeskForm):
    """A text for the library."""

    kind = forms.ChoiceField(label=_("哪一类"), choices=Piece.Kind.choices)
    title = forms.CharField(label=_("标题"), max_length=60)
    words = forms.CharField(
        label=_("正文"), max_length=1000, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("最多 1000 字，发之前还可以改。"),
    )  # fmt: skip


class TopicForm(DeskForm):
    """Something to talk about with a guest."""

    words = forms.CharField(label=_("话题"), max_length=200)
    depth = forms.TypedChoiceField(label=_("深浅"), choices=Topic.Depth.choices, coerce=int)


class ReturnForm(GuestForm):
    """A return visit: who, when, by what, by whom."""

    guest = forms.CharField(label=_("客人"), max_length=64, help_text=_("客户编号、手机号或后四位。"))
    on = _day(label=_("哪一天"))
    channel = forms.ChoiceField(
        label=_("方式"), choices=[(code, label) for code, label in Channel.choices if code in CONTACTS]
    )
    to = forms.ChoiceField(label=_("谁去做"), required=False)

    def __init__(self, *args: Any, people: list[Person], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(person.pk): person for person in people}
        named = [(pk, str(person)) for pk, person in self.people.items()]
        self.fields["to"].choices = [("", _("经理们，谁有空谁做")), *named]  # type: ignore[attr-defined]


class CallFields(forms.Form):
    """What the guest said on a call; part of what is said about a task."""

    score = forms.IntegerField(
        required=False, min_value=1, max_value=5, error_messages={"invalid": _("分数要在 1 到 5 之间。")}
    )
    cause = forms.ChoiceField(choices=[("", ""), *CallAnswer.Cause.choices], required=False)
    measure = forms.ChoiceField(choices=[("", ""), *CallAnswer.Measure.choices], required=False)
    kind = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    suggestion = forms.CharField(max_length=400, required=False)
    topic = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)

    def told(self) -> CallSaid:
        """What was told."""
        said = self.cleaned_data
        return CallSaid(
            score=said.get("score"), cause=said.get("cause", ""), measure=said.get("measure", ""),
            suggestion=said.get("suggestion", ""), topic_id=said.get("topic"),
            kind_id=said.get("kind"),
        )  # fmt: skip


class AskedForm(forms.Form):
    """Whether a guest whose complaint was closed is content now."""

    content = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")])
    words = forms.CharField(max_length=400, required=False)


class NumberForm(forms.Form):
    """One number of the store."""

    number = forms.IntegerField(min_value=0, max_value=10_000_000)
