"""Vouchers and gifts in words."""

from django import template
from django.utils.translation import gettext as _

from common.money import show_yuan
from loyalty.models import Gift, VoucherKind
from loyalty.worth import AMOUNT, ITEM, PERCENT

register = template.Library()


@register.filter
def gives_words(kind: VoucherKind) -> str:
    """What a voucher gives: `满 ¥200 减 ¥30`, `减 10%`, `送餐前甜点`, `买一送一：招牌虾滑`."""
    if kind.gives == AMOUNT:
        words = _("减 %(amount)s") % {"amount": show_yuan(kind.worth)}
    elif kind.gives == PERCENT:
        words = _("减 %(n)s%%") % {"n": kind.worth}
    elif kind.gives == ITEM:
        words = _("送%(what)s") % {"what": kind.item}
    else:
        words = _("买一送一：%(what)s") % {"what": kind.item}
    if kind.min_bill_fen:
        return _("满 %(least)s %(gives)s") % {"least": show_yuan(kind.min_bill_fen), "gives": words}
    return words


@register.filter
def occasion_said(occasion: str) -> str:
    """What a voucher is for, in words."""
    kind, _colon, rest = occasion.partition(":")
    if kind == "issue":
        return rest
    names = {
        "birthday": _("生日"),
        "absence": _("多天没来"),
        "new_guest": _("新客"),
        "once": _("新客"),
        "festival": _("节日"),
        "hand": _("手工发放"),
        "win_back": _("挽回电话"),
    }
    return names.get(kind, _("关怀计划"))


@register.filter
def gift_class(gift: Gift) -> str:
    """How a gift's state is coloured."""
    return {"given": "good", "waiting": "wait", "refused": "alarm"}[gift.state]
