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
        "rating_out_of_range": _("请填 1 到 5 的整数。"),
        "distance_out_of_range": _("公里数应在 0 到 9,999.9 之间。"),
        "visit_voided": _("这次消费已经作废，不能再记同席的客人。"),
        "companion_unknown": _("本店没有这位客人，请先建档。"),
        "companion_not_found": _("同席的客人“%(number)s”不是本店的客人，请先建档或核对编号。"),
        "companion_is_host": _("这位就是这次消费的主人，不用再记为同席。"),
        "companions_unreadable": _(
            "同席客人要写成列表，每位有 customer_external_id 和 role（guest、orderer 或 payer），最多 %(most)s 位。"
        ),
        "role_unknown": _("同席身份只能是：受邀客人、点菜人、买单人。"),
        "event_missing": _("请写明是什么活动。"),
        "event_in_future": _("活动日期在今天之后，参加了再记。"),
        "event_too_old": _("活动日期太早，请核对年份。"),
        "dish_missing": _("请填菜名。"),
        "dish_on_list": _("“%(name)s”已经在新菜单上了。"),
        "launch_out_of_range": _("上市日期请核对：最早 1990 年，最多提前一年。"),
        "dishes_unreadable": _("菜品看不懂，请一行一道：清蒸石斑 ×1。"),
        "need_unknown": _("只能从这些里选：%(choices)s。"),
        "booking_party": _("人数请填 1 到 %(most)s。"),
        "booking_past": _("这个日子已经过去了。"),
        "booking_far": _("最多只能提前一年预订。"),
        "booking_small_hours": _(
            "%(time)s 算前一天的夜里，那一夜已经过去了。要订今天夜里的，请选后一天的日期。"
        ),
        "booking_changed": _("这个预订刚才有人改过，您看到的已经不是最新的。请核对下面的改动，再存一次。"),
        "booking_there": _("这位客人这个时间已经有预订了。"),
        "booking_over": _("这个预订现在是“%(state)s”，不能再改。"),
        "table_taken": _("%(table)s 号台这个时间已经有人订了。"),
        "table_small": _("%(table)s 号台只有 %(seats)s 个座位。"),
        "table_stairs": _("%(table)s 号台轮椅进不去，请选轮椅方便的台。"),
        "table_awaited": _("%(table)s 号台 %(time)s 有%(who)s的预订，%(party)s 位，还没到。"),
        "table_missing": _("请填台号。"),
        "table_on_list": _("%(table)s 号台已经有了。"),
        "table_booked": _("%(table)s 号台还有没到的预订，请先改到别的台。"),
        "waiting_who": _("请写怎么称呼这位客人。"),
        "arrival_others": _("这位客人由%(who)s负责，请负责人或经理确认。"),
        "booking_not_today": _("只有今天还没到的预订可以入座。"),
        "customer_not_named": _("请用客户编号或手机号说明是哪位客人。"),
    }
)
