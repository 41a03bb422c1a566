"""A guest's reply as it was dealt with, and the rules of texts."""

from django import forms
from django.utils.translation import gettext_lazy as _

from care.models import GuestReply, TextRules
from common.forms import DeskForm
from common.money import fen_of, yuan


class ReplyForm(forms.Form):
    """What somebody made of a guest's reply."""

    outcome = forms.ChoiceField(choices=GuestReply.Outcome.choices)


class TextRulesForm(DeskForm):
    """How many texts a number may get, what they cost, how many parts a month may have."""

    a_day = forms.IntegerField(
        label=_("同一号码一天最多"), min_value=0, max_value=5,
        help_text=_("全品牌合计，按门店当地的日子算。填 0 就一条也不发。"),
    )  # fmt: skip
    a_month = forms.IntegerField(
        label=_("同一号码 30 天最多"), min_value=0, max_value=30, help_text=_("连当天往回数 30 天。")
    )
    price = forms.DecimalField(
        label=_("每千条计费（元）"), min_value=0, max_value=10_000, max_digits=7, decimal_places=2,
        help_text=_("短信平台给您的价。一条短信超过 70 字按 67 字一条计费。"),
    )  # fmt: skip
    month_parts = forms.IntegerField(
        label=_("每月最多计费条数"), min_value=1, max_value=100_000_000, required=False,
        help_text=_("到了这个数，余下的短信先停下来等；不填就不限。"),
    )  # fmt: skip

    @classmethod
    def showing(cls, rules: TextRules) -> "TextRulesForm":
        """The form as the rules stand."""
        return cls(initial={
            "a_day": rules.a_day, "a_month": rules.a_month, "price": yuan(rules.thousand_parts_fen),
            "month_parts": rules.month_parts,
        })  # fmt: skip

    def put_into(self, rules: TextRules) -> TextRules:
        """The rules as the form says."""
        said = self.cleaned_data
        rules.a_day, rules.a_month, rules.month_parts = said["a_day"], said["a_month"], said["month_parts"]
        rules.thousand_parts_fen = fen_of(said["price"])
        return rules
