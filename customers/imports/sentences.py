"""What is said to people about a file that cannot be taken as it is."""

from django.utils.translation import gettext_lazy as _

from common.messages import add_sentences

add_sentences(
    {
        # the file as a whole
        "columns_missing": _("缺少必需的列：%(columns)s。"),
        "no_rows": _("文件里只有表头，没有数据。"),
        "file_not_found": _("找不到文件 %(file)s。"),
        "file_unreadable": _("文件 %(file)s 打不开。"),
        "rows_refused": _("%(rows)s 行里有 %(bad)s 行不能导入，所以一行也没有导入。"),
        "rest_not_written": _("能导入的行已经导入，但写不了文件 %(file)s；换个位置再运行一次即可。"),
        "import_interrupted": _("导入中断了 %(times)s 次，没有写入任何内容，请重新上传。"),
        "import_failed": _("导入时出了意外，没有写入任何内容，请告诉管理员。"),
        # one cell
        "cell_missing": _("这一格必须填写。"),
        "who_missing": _("客户编号和手机至少要填一个。"),
        "text_too_long": _("内容太长，最多 %(most)s 个字。"),
        "text_control": _("有看不见的控制字符，请删除后重新填写。"),
        "too_many": _("一格里最多写 %(most)s 个。"),
        "number_scientific": _(
            "编号“%(text)s”被表格软件写成了科学计数法，后面的数字已经丢失，请把这一列设为文本后重新导出。"
        ),
        "day_ahead": _("日期 %(text)s 在今天之后。"),
        "visit_too_far_ahead": _("消费时间比现在晚一天以上。"),
        "word_not_allowed": _("看不懂“%(text)s”，可以填：%(allowed)s。"),
        "rating_unreadable": _("看不懂“%(text)s”，请填 1 到 5 的整数。"),
        "distance_unreadable": _("看不懂距离“%(text)s”，请填公里数，例如 0.6。"),
        "distance_too_far": _("距离“%(text)s”太远，最多 9,999.9 公里。"),
        "dish_unreadable": _("看不懂菜品“%(text)s”，请写成 红烧肉×2;米饭×3。"),
        # one row beside the others of its file
        "row_repeats_number": _("编号 %(number)s 在第 %(row)s 行已经出现，两行内容不同。"),
        "row_repeats_phone": _("这个手机号在第 %(row)s 行已经出现。"),
        "row_same_guest": _("与第 %(row)s 行是同一位客人。"),
        "row_same_bill": _(
            "没有消费单号，又与第 %(row)s 行同客、同时、同额、同台，分不清是不是同一笔，请填写消费单号。"
        ),
        # one row beside what is on file
        "phone_of_other_guest": _("这个手机号是另一位客人的。"),
        "phone_has_other_number": _("这个手机号的客人在本店的编号是 %(number)s，与这一行不同。"),
        "owner_not_found": _("本店没有叫“%(text)s”的在职员工。"),
        "owner_several": _("本店有几位员工叫“%(text)s”，请填用户名。"),
        "introducer_not_found": _("介绍人“%(text)s”不是本店的客人，也不在这个文件里。"),
        "introducer_is_self": _("介绍人是客人自己。"),
        "introducer_refused": _("介绍人在第 %(row)s 行，那一行不能导入。"),
        "guest_not_found": _("本店没有这个编号或手机号的客人。"),
        "guest_several": _("这个号码是本店几位客人的联系电话，请填客户编号。"),
    }
)
