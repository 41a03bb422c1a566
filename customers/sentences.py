"""The sentences of this room's refusals."""

from django.utils.translation import gettext_lazy as _

from common.messages import add_sentences

add_sentences(
    {
        "name_missing": _("请填姓名。"),
        "external_id_taken": _("这个客户编号已经有人用了。"),
        "phone_taken": _("这个手机号已经登记在另一位客人名下。"),
        "introduced_by_self": _("介绍人不能是客人自己。"),
        "introducer_unknown": _("本店没有这位介绍人，请先为介绍人建档。"),
        "reason_missing": _("请写明原因。"),
        "visit_differs": _("这个编号的消费记录已经存在，内容不同；先前的一条保留。"),
        "visit_in_future": _("消费时间在未来，请核对日期。"),
        "amount_out_of_range": _("金额应在 0 到 1,000,000 元之间。"),
        "bill_taken": _("消费单号“%(number)s”已经记过了。"),
        "customer_unknown": _("本店没有这位客人，请先建档或核对编号、手机号。"),
        "customer_not_named": _("请用客户编号或手机号说明是哪位客人。"),
    }
)
