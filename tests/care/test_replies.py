"""What providers push to us: receipts, replies, and which replies mean "stop"."""

import json
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.channels import PROVIDERS
from care.channels.base import BadCallback
from care.channels.replies import is_opt_out

CHINA = timezone(timedelta(hours=8))

# As printed in the providers' documentation, with a whole number and ids in place of the stars.
ALIYUN_RECEIPT = {
    "phone_number": "13811111111",
    "send_time": "2017-01-01 00:00:00",
    "report_time": "2017-01-01 00:00:05",
    "success": True,
    "err_code": "DELIVERED",
    "err_msg": "用户接收成功",
    "sms_size": "1",
    "biz_id": "12345",
    "out_id": "67890",
}
TENCENT_RECEIPT = {
    "user_receive_time": "2015-10-17 08:03:04",
    "nationcode": "86",
    "mobile": "13811111111",
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "用户短信送达成功",
    "sid": "5000:1045710669157053657849499619",
}
ALIYUN_REPLY = {
    "phone_number": "13811111111",
    "send_time": "2017-09-01 00:00:00",
    "content": "TD",
    "sign_name": "签名",
    "dest_code": "1234",
    "sequence_id": 1234567890,
}
TENCENT_REPLY = {
    "extend": "扩展码",
    "mobile": "13811111111",
    "nationcode": "86",
    "sign": "短信签名",
    "text": "用户回复的内容",
    "time": 1457336869,
}


def receipts(name: str, value: object) -> list:
    return PROVIDERS[name].parse_receipts(json.dumps(value).encode())


def replies(name: str, value: object) -> list:
    return PROVIDERS[name].parse_replies(json.dumps(value).encode())


class TestReceipts:
    def test_aliyun_reports_with_our_id(self):
        [receipt] = receipts("aliyun", [ALIYUN_RECEIPT])
        assert (receipt.out_id, receipt.message_id) == ("67890", "12345")
        assert (receipt.phone, receipt.delivered, receipt.code) == ("13811111111", True, "DELIVERED")
        assert receipt.at == datetime(2017, 1, 1, 0, 0, 5, tzinfo=CHINA)

    def test_tencent_reports_with_its_own_id_only(self):
        [receipt] = receipts("tencent", [{**TENCENT_RECEIPT, "report_status": "FAIL"}])
        assert (receipt.out_id, receipt.message_id) == ("", TENCENT_RECEIPT["sid"])
        assert (receipt.phone, receipt.delivered) == ("13811111111", False)
        assert receipt.at == datetime(2015, 10, 17, 8, 3, 4, tzinfo=CHINA)

    @pytest.mark.parametrize(
        ("name", "item", "other"),
        [
            ("aliyun", ALIYUN_RECEIPT, {"success": False}),
            ("tencent", TENCENT_RECEIPT, {"report_status": "FAIL"}),
        ],
    )
    def test_the_same_report_has_one_key_and_a_different_one_another(self, name, item, other):
        first, again, different = receipts(name, [item, dict(item), {**item, **other}])
        assert first.dedupe_key == again.dedupe_key
        assert first.dedupe_key != different.dedupe_key

    @pytest.mark.parametrize("success", ["true", "false"])
    def test_success_may_come_as_a_word(self, success):
        [receipt] = receipts("aliyun", [{**ALIYUN_RECEIPT, "success": success}])
        assert receipt.delivered is (success == "true")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("aliyun", ALIYUN_RECEIPT),
            ("aliyun", ["x"]),
            ("aliyun", [{**ALIYUN_RECEIPT, "success": None}]),
            ("aliyun", [{**ALIYUN_RECEIPT, "phone_number": ""}]),
            ("aliyun", [{**ALIYUN_RECEIPT, "out_id": "", "biz_id": None}]),
            ("aliyun", [ALIYUN_RECEIPT] * 1001),
            ("tencent", TENCENT_RECEIPT),
            ("tencent", [{**TENCENT_RECEIPT, "report_status": "MAYBE"}]),
            ("tencent", [{**TENCENT_RECEIPT, "sid": ""}]),
            ("tencent", [TENCENT_RECEIPT] * 1001),
        ],
    )
    def test_another_shape_is_refused(self, name, value):
        with pytest.raises(BadCallback):
            receipts(name, value)

    @pytest.mark.parametrize("name", PROVIDERS)
    @given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    def test_whatever_is_pushed_only_one_error_is_raised(self, name, body):
        for parse in (PROVIDERS[name].parse_receipts, PROVIDERS[name].parse_replies):
            with suppress(BadCallback):
                assert isinstance(parse(body), list)


class TestRepliesAsPushed:
    def test_aliyun_pushes_several_at_once(self):
        first, second = replies("aliyun", [ALIYUN_REPLY, {**ALIYUN_REPLY, "sequence_id": 2}])
        assert (first.phone, first.text) == ("13811111111", "TD")
        assert first.at == datetime(2017, 9, 1, tzinfo=CHINA)
        assert first.dedupe_key != second.dedupe_key

    def test_tencent_pushes_one(self):
        [reply] = replies("tencent", TENCENT_REPLY)
        assert (reply.phone, reply.text) == ("13811111111", "用户回复的内容")
        assert reply.at == datetime(2016, 3, 7, 7, 47, 49, tzinfo=UTC)

    @pytest.mark.parametrize("content", [None, "", 0])
    def test_one_odd_reply_does_not_cost_the_others(self, content):
        odd, good = replies("aliyun", [{**ALIYUN_REPLY, "content": content}, ALIYUN_REPLY])
        assert (odd.text, good.text) == ("", "TD")

    @pytest.mark.parametrize(("name", "value"), [("aliyun", [{}]), ("tencent", {}), ("tencent", [])])
    def test_without_a_phone_there_is_nothing_to_do(self, name, value):
        with pytest.raises(BadCallback):
            replies(name, value)


# One reply between two bars. Each is also tried in the disguises below.
STOP = """
R|r|T|t|TD|td|Td|N|n|no|NO|TT|RR|rrr|tdtd|退订|退定|退|退了|退掉|退訂|拒收|拒绝|拒|停|停止|停发|取消|取消订阅|屏蔽
不要|不要了|不要再发|不要再发了|别发|别发了|别再发了|不用了|不需要|勿扰|勿发|够了|滚|烦死了|骚扰|举报|投诉|删除|拉黑
TD退订|T退订|回复R|回R|回T|回TD|回复TD|R回复R|TDR|拒收请回复R|请不要再发短信给我了|不要给我发短信|别给我发了|不要再打扰我
请勿打扰|别打扰|请勿再发|停止发送|停止发短信|不想收到你们的短信|不愿接收|不再接收|不希望收到广告|把我删除|把我的号码删掉
我要退订|麻烦退订|帮我退订一下|请退订谢谢|全部退订|申请退订短信服务|请取消订阅|怎么还发，退订|退订退订
STOP|stop|Stop.|STOPALL|unsubscribe|UNSUBSCRIBE|unsub|cancel|quit|end|stop sending|please stop texting me
opt out|opt-out|don't send|do not text me|dont message me|remove|tuiding|TUI|jushou|quxiao|别烦我|不收|不接收
【退订】|[TD]|(R)|【R】|【拒收】谢谢
🚫|🛑|⛔|❌|🙅|👎|😡😡
"""
REVIEW = """
不要这么客气|退休|退款|我要退货|怎么停|能不能停一停|不退订|不要退订|没有退订|这是不是垃圾广告|太烦了吧|打扰了|我要投诉你们
你是谁|您是哪位|不是本人|我不是机主|打错了|发错人了|这个号码换人了|号码已经换了|不认识你
wrong number|who is this|who are you
R呀|谢谢 R|r谢谢|N，谢谢|0|0000|?|？|�|💩|✂|TX|隐私|我找律师|stopped by yesterday|取消吧
🚫谢谢
"""
KEEP = """
谢谢|谢谢！|感谢|多谢祝福|收到|好的|好|ok|OK|嗯|嗯嗯|哈哈|哈哈哈|祝你们生意兴隆|同祝节日快乐|中秋快乐|生日快乐
谢谢老板，祝生意兴隆|明天晚上订一桌8人|今晚还有包间吗|订座|我想订位|有没有儿童椅|几点开门|地址发我一下|周六6个人
麻烦帮我留个包间|取消预订|取消订座|取消今天的订位改天再来，取消预定|不客气|不错
不好意思今天去不了|菜很好吃|Thanks|thank you|Right on|Rose|Tom|Nice|Thank you very much|hi|Y|yes
88|66|1|2|6人|12点|👍|🙏|🎂🎉|❤️|🌹🌹🌹|😊|[微笑]|[玫瑰]|。|～|……|！
不用谢|不用客气|不用找了|滚烫的火锅真好吃|我这个月还会来
好久没去了想念你们的毛肚|Tuesday works|Next time|Really good
"""


def lines(block: str) -> list[str]:
    return [reply for line in block.strip().splitlines() for reply in line.split("|")]


def wide(text: str) -> str:
    """The same in full-width letters, as Chinese input methods write them."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


DISGUISES = {
    "as it is": lambda text: text,
    "full width": wide,
    "spaces and a full stop": lambda text: f"  {text}。\n",
    "quoted": lambda text: f"“{text}”",
    "after the signature": lambda text: f"【熟客小馆】{text}",
    "with a joiner": lambda text: f"\u200b{text}\ufe0f",
    "upper case": str.upper,
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_who_says_stop_is_stopped_whatever_the_spelling(disguise):
    missed = [text for text in lines(STOP) if is_opt_out(DISGUISES[disguise](text)) is not True]
    assert missed == []


@pytest.mark.parametrize("disguise", DISGUISES)
def test_who_may_mean_stop_is_stopped_and_read_by_a_person(disguise):
    missed = [text for text in lines(REVIEW) if is_opt_out(DISGUISES[disguise](text)) != "unsure"]
    assert missed == []


@pytest.mark.parametrize("disguise", DISGUISES)
def test_thanks_and_bookings_stop_nothing(disguise):
    stopped = [text for text in lines(KEEP) if is_opt_out(DISGUISES[disguise](text)) is not False]
    assert stopped == []


def test_the_corpus_is_as_large_as_promised():
    assert len(lines(STOP) + lines(REVIEW) + lines(KEEP)) >= 200
    assert len(lines(STOP)) * len(DISGUISES) >= 300


def test_an_empty_reply_is_read_by_a_person():
    assert [is_opt_out(text) for text in ("", "  ", "\n")] == ["unsure"] * 3


@given(st.text(max_size=80))
def test_every_text_gets_one_of_three_answers(text):
    assert is_opt_out(text) in (True, False, "unsure")


@given(
    before=st.text("好的谢祝你们快乐 ，。", max_size=10),
    word=st.sampled_from(["退", "拒", "停", "不要", "别发"]),
    after=st.text("好的谢祝你们快乐 ，。", max_size=10),
)
def test_a_word_of_refusal_anywhere_never_counts_as_consent(before, word, after):
    assert is_opt_out(before + word + after) is not False


def test_letters_that_only_look_alike_are_folded():
    for text in ("Ｒ", "ⓡ", "𝐑", "ℝ", "🆁"):
        assert is_opt_out(text) is True, unicodedata.name(text)
