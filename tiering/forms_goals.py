"""The targets of the classes of an axis, one number a metric."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import DeskForm
from tiering.goals import SCALE
from tiering.selectors.groups import Aim

NUMBER = {
    name: _("目标应是大于零的数字；不要目标就留空。")
    for name in ("invalid", "min_value", "max_digits", "max_decimal_places", "max_whole_digits")
}


class GoalsForm(DeskForm):
    """`<tier>-<metric>`: the target, as people write it (dishes, visits, yuan); empty: none."""

    def __init__(self, *args: Any, aims: Iterable[Aim], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.aims = list(aims)
        for aim in self.aims:
            self.fields[f"{aim.tier}-{aim.metric}"] = forms.DecimalField(
                required=False,
                max_digits=8,
                decimal_places=2,
                min_value=Decimal("0.01"),
                initial=None if aim.target is None else Decimal(aim.target) / SCALE,
                error_messages=NUMBER,
                widget=forms.TextInput(
                    attrs={"inputmode": "decimal", "class": "form-control num", "autocomplete": "off"}
                ),
            )

    def targets(self) -> dict[tuple[str, str], int | None]:
        """(tier, metric) → hundredths, or None."""
        said = {
            (aim.tier, aim.metric): self.cleaned_data.get(f"{aim.tier}-{aim.metric}") for aim in self.aims
        }
        return {key: None if value is None else int(value * SCALE) for key, value in said.items()}
