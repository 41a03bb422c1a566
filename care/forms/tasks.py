"""What people say about a task, and to whom they hand theirs over."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from care.forms.answers import TableFields
from care.models import TaskEvent
from care.relations.forms import CallFields
from common.forms import DeskForm
from staff.models import Person


class TaskForm(TableFields, CallFields, DeskForm):
    """What was done with a task: claimed, done, not reached, put off to a day, declined by the guest; what was answered."""

    ACTS = ("claim", "done", "not_reached", "postpone", "declined")

    act = forms.ChoiceField(choices=[(act, act) for act in ACTS])
    note = forms.CharField(label=_("备注"), max_length=400, required=False)
    why = forms.ChoiceField(choices=[("", ""), *TaskEvent.Why.choices], required=False)
    next_on = forms.DateField(
        label=_("改到哪一天"), required=False, error_messages={"invalid": _("请填一个日期。")}
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("act") == "postpone" and not data.get("next_on") and "next_on" not in self.errors:
            self.add_error("next_on", _("请选改到哪一天。"))
        return data


class HandOverForm(DeskForm):
    """To whom, and why."""

    to = forms.ChoiceField(label=_("交给谁"), error_messages={"required": _("请选一位在职的同事。")})
    reason = forms.CharField(
        label=_("原因"), max_length=400, error_messages={"required": _("请写明原因，至少 2 个字。")}
    )

    def __init__(self, *args: Any, people: Sequence[tuple[Person, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = {str(person.pk): person for person, _role in people if person.is_active}
        named = [(pk, str(person)) for pk, person in self.known.items()]
        self.fields["to"].choices = [("", "—"), *named]  # type: ignore[attr-defined]

    def person(self, field: str) -> Person:
        """The person chosen in a field of a valid form."""
        return self.known[self.cleaned_data[field]]


class LeavingForm(HandOverForm):
    """Whose guests and tasks, to whom, and whether the giver leaves."""

    from_ = forms.ChoiceField(label=_("谁的"), error_messages={"required": _("请选把谁的客人和任务交出去。")})
    leaves = forms.BooleanField(label=_("从今天起不再在本店工作"), required=False)
    field_order = ["from_", "to", "reason", "leaves"]

    def __init__(self, *args: Any, givers: Sequence[Person], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known |= {str(person.pk): person for person in givers}
        named = [(str(person.pk), str(person)) for person in givers]
        self.fields["from_"].choices = [("", "—"), *named]  # type: ignore[attr-defined]
