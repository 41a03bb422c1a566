"""The sentence of every refusal: a code, and the words with places for its parameters.

The rooms above add their own with `add_sentences`; a sentence is translated when it is shown.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, str | Promise] = {
    # bodies of requests
    "not_here": _("没有找到。"),
    "invalid": _("有些内容需要改。"),
    "body_not_object": _("应是一个 JSON 对象。"),
    "field_unknown": _("没有这个字段。"),
    "field_missing": _("必须填写。"),
    "field_not_text": _("应是文字。"),
    "field_too_long": _("太长了，最多 %(most)s 个字。"),
    "field_has_nul": _("内容里有空字符(NUL)，请删除后再试。"),
    "field_not_a_choice": _("只能从这些里选：%(choices)s。"),
    "field_fixed": _("这一项建档后不能改。"),
    "too_many_items": _("一次最多 %(most)s 条。"),
    "item_unknown": _("看不懂这一条。"),
    "cursor_unreadable": _("翻页位置无效，请从第一页开始。"),
    # telephone numbers
    "phone_empty": _("没有填手机号。"),
    "phone_scientific": _(
        "手机号被表格软件写成了科学计数法(如 1.38E+10)，后面的数字已经丢失，请把这一列设为文本后重新导出。"
    ),
    "phone_masked": _("手机号里有星号，请填完整的号码。"),
    "phone_several": _("一格里有两个号码，请只留一个。"),
    "phone_letters": _("号码里有文字或字母。"),
    "phone_symbols": _("号码里有看不懂的符号。"),
    "phone_extension": _("只有座机可以带分机号。"),
    "phone_no_area_code": _("座机请带上区号，例如 021-12345678。"),
    "phone_too_short": _("号码位数不够，手机号是 11 位。"),
    "phone_too_long": _("号码位数太多，手机号是 11 位。"),
    "phone_unknown": _("没有这样的号码。手机号以 13 到 19 开头，境外号码请以 + 和国家代码开头。"),
    # birthdays
    "birthday_empty": _("没有填生日。"),
    "birthday_unreadable": _("看不懂生日“%(text)s”，请写成 1985-06-03、06-03 或 农历八月十五。"),
    "birthday_has_time": _("生日“%(text)s”带着时刻，请只填日期。"),
    "birthday_calendar_unreadable": _("看不懂历法“%(text)s”，请填公历或农历。"),
    "birthday_calendar_conflict": _("生日“%(text)s”一处是公历、一处是农历，请核对。"),
    "birthday_calendar_unclear": _("“%(text)s”看不出是公历还是农历，请在前面写上公历或农历。"),
    "birthday_two_digit_year": _("生日“%(text)s”的年份只有两位，请写四位。"),
    "birthday_year_last": _("生日“%(text)s”看不出哪个是月、哪个是日，请把年份写在前面。"),
    "birthday_serial": _("“%(text)s”是表格软件的日期序号，请把这一列设为日期后重新导出。"),
    "birthday_no_day": _("生日“%(text)s”没有写到日。"),
    "birthday_too_early": _("出生年份 %(year)s 太早，只收 %(first)s 年以后的；不知道年份就只写月和日。"),
    "birthday_future": _("生日在今天之后。"),
    "birthday_no_such_month": _("没有第 %(month)s 个月。"),
    "birthday_no_such_day": _("没有 %(day)s 这一天。"),
    "birthday_lunar_day": _("农历一个月最多三十天，没有 %(day)s 日。"),
    "birthday_leap_month_missing": _("农历 %(year)s 年没有闰 %(month)s 月。"),
    "birthday_leap_month_never": _("1900 年以来还没有过闰 %(month)s 月。"),
    "birthday_month_has_29": _("农历 %(year)s 年 %(month)s 月只有 29 天，没有三十。"),
    # amounts, counts, moments, words
    "amount_empty": _("没有填金额。"),
    "amount_not_number": _("金额“%(text)s”不是数字。"),
    "amount_commas": _("金额“%(text)s”的逗号位置不对，千位逗号应隔三位。"),
    "amount_negative": _("金额“%(text)s”是负数。"),
    "amount_too_precise": _("金额“%(text)s”超过两位小数。"),
    "amount_too_large": _("金额“%(text)s”超过 %(most)s 元，请核对。"),
    "count_not_number": _("“%(text)s”不是整数。"),
    "count_too_large": _("“%(text)s”超过 %(most)s，请核对。"),
    "moment_empty": _("没有填时间。"),
    "moment_serial": _("“%(text)s”是表格软件的日期序号，请把这一列设为日期后重新导出。"),
    "moment_no_such_time": _("没有“%(text)s”这个时间。"),
    "moment_out_of_range": _("时间 %(text)s 不在 1970 年到 2100 年之间。"),
    "moment_unreadable": _("看不懂时间“%(text)s”，请写成 2026-06-03 19:30。"),
    "yes_no_unreadable": _("看不懂“%(text)s”，请填是或否。"),
    "sex_unreadable": _("看不懂性别“%(text)s”，请填男或女。"),
    # files
    "file_empty": _("文件是空的。"),
    "file_too_large": _("文件超过 %(most)s MB，请分成几份，或由管理员在服务器上导入。"),
    "file_unknown_type": _("这不是 CSV 或 XLSX 表格。"),
    "file_old_excel": _("这是旧版 .xls 或加了密码的文件，请另存为不加密的 .xlsx。"),
    "file_web_page": _("这个文件其实是网页，请用表格软件打开后另存为 .xlsx。"),
    "file_nul": _("第 %(row)s 行有空字符(NUL)，文件可能已损坏，或是没有标记的 UTF-16。"),
    "file_undecodable": _("第 %(row)s 行的文字无法识别，请把文件存成 UTF-8 或 GB18030。"),
    "xlsx_corrupt": _("这个 XLSX 文件已损坏，打不开。"),
    "xlsx_no_sheet": _("这个 XLSX 文件里没有可见的工作表。"),
    "xlsx_unpacks_too_large": _("这个 XLSX 文件解压后太大，请分成几份。"),
    "xlsx_too_demanding": _(
        "读这个 XLSX 文件要用的内存或时间太多，可能有零散的内容落在很远的行列。"
        "请删掉多余的行列，或另存为 CSV 再导入。"
    ),
    "header_missing": _("第一行应是表头(如 姓名、手机)，没有找到。"),
    "header_duplicate": _("表头“%(column)s”出现了两次，或与另一列是同一个意思。"),
    "header_too_many": _("表头超过 %(most)s 列。"),
    "cell_without_header": _("第 %(row)s 行有 %(cells)s 格，有内容的一格没有表头(表头共 %(columns)s 列)。"),
    "csv_broken": _("第 %(row)s 行附近的引号不成对，后面的内容无法分格。"),
    "csv_line_too_long": _("第 %(row)s 行太长，这不像是一张表格。"),
}


def add_sentences(sentences: Mapping[str, str | Promise]) -> None:
    """Add an app's sentences. Raises ValueError where a code has another sentence already."""
    for code, words in sentences.items():
        # A module may be imported twice in one process; translating here would be too early.
        if (known := SENTENCES.setdefault(code, words)) is not words and str(known) != str(words):
            raise ValueError(f"{code} has two sentences")


def sentence(code: str, params: Mapping[str, Any]) -> str:
    """The sentence of a code in the present language; a code without one stands for itself."""
    words = SENTENCES.get(code)
    if words is None:
        return code
    return str(words) % params if params else str(words)
