"""What a store says about outcomes: how long one waits for a guest."""

from collections.abc import Mapping
from typing import Any

from django import forms

from care.models import Trigger
from care.outcomes import MOST_DAYS, days_for
from common.forms import DeskForm


class OutcomeDaysForm(DeskForm):
    """How many days a guest has to come back after a gesture, by what made it due; an empty field stays as it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for trigger, label in Trigger.choices:
            field = forms.IntegerField(label=label, min_value=1, max_value=MOST_DAYS, required=False)
            field.widget.attrs.update({"class": "form-control", "autocomplete": "off"})
            self.fields[trigger] = field

    @classmethod
    def showing(cls, days: Mapping[str, int]) -> "OutcomeDaysForm":
        """The form as it stands with the store's own `days`."""
        return cls(initial={trigger: days_for(trigger, days) for trigger in Trigger.values})

    def days(self) -> dict[str, int]:
        """The days said, by trigger."""
        return {trigger: days for trigger, days in self.cleaned_data.items() if days}
