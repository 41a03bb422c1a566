"""The axes on which a store grades its guests, side by side: the ladder it lives by, and others beside it."""

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _lazy

MAIN = "tier"
NAMES: dict[str, str | Promise] = {
    "tier": _lazy("等级"),
    "card": _lazy("会员卡级别"),
    "vip": _lazy("VIP级别"),
    "vip_weight": _lazy("VIP体量"),
    "value": _lazy("价值"),
    "potential": _lazy("潜力"),
    "service_need": _lazy("服务需求"),
    "matrix": _lazy("价值与潜力"),
    "loyalty": _lazy("忠诚度"),
    "power": _lazy("消费能力"),
    "frequency": _lazy("消费频率"),
    "habit": _lazy("消费习惯"),
    "style": _lazy("消费类型"),
    "kind": _lazy("客人特点"),
    "type": _lazy("客户类型"),
    "lifecycle": _lazy("客户阶段"),
    "lifecycle_stage": _lazy("生命周期"),
    "stage": _lazy("新老客户"),
    "cluster": _lazy("会员分群"),
    "tenure": _lazy("会员年期"),
    "recognition": _lazy("顾客识别"),
    "target": _lazy("目标客户"),
    "value_kind": _lazy("价值形态"),
    "geography": _lazy("地理位置"),
    "account": _lazy("客户单位级别"),
    "nature": _lazy("客户性质"),
    "relevance": _lazy("业务关联度"),
}


def axis_order(axis: str) -> tuple[int, str]:
    """The order in which axes are shown: the main one first, then as named here."""
    return (list(NAMES).index(axis) if axis in NAMES else len(NAMES), axis)


def axis_name(axis: str) -> str:
    """How people call an axis; its code where it has no name."""
    return str(NAMES.get(axis, axis))


def axes_named(used: Iterable[str]) -> list[tuple[str, str]]:
    """The main axis and those in use, with names, in order."""
    return [(axis, axis_name(axis)) for axis in sorted({MAIN, *used}, key=axis_order)]
