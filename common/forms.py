"""Forms as the desk wears them."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.errors import Refused

REQUIRED = _("这一项必须填写。")


class DeskForm(forms.Form):
    """A form whose widgets carry the classes of the desk and whose refusals are sentences."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            widget = field.widget
            if isinstance(widget, forms.CheckboxInput | forms.RadioSelect | forms.HiddenInput):
                continue
            widget.attrs.setdefault(
                "class", "form-select" if isinstance(widget, forms.Select) else "form-control"
            )
            widget.attrs.setdefault("autocomplete", "off")
            # Django's own words, unless the form has better ones.
            if field.error_messages["required"] is forms.Field.default_error_messages["required"]:
                field.error_messages["required"] = str(REQUIRED)

    def refuse(self, refused: Refused) -> None:
        """Put a refusal beside the field it names, else above the form."""
        self.add_error(refused.field if refused.field in self.fields else None, str(refused))


def said(refused: Refused) -> forms.ValidationError:
    """A refusal as a form's error."""
    return forms.ValidationError(str(refused), code=refused.code)
