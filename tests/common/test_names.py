"""Names: found by characters, pinyin and initials; ordered by sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.names import SORT_KEY_LIMIT, SURNAME_READINGS, name_tokens, query_tokens, sort_key


def finds(query: str, name: str) -> bool:
    asked = query_tokens(query)
    return bool(asked) and set(asked) <= name_tokens(name)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("张三丰", "张"),
        ("张三丰", "丰"),
        ("张三丰", "三丰"),
        ("张三丰", "张三丰"),
        ("张三丰", "zhangsanfeng"),
        ("张三丰", "ZhangSanFeng"),
        ("张三丰", "zhang san feng"),
        ("张三丰", "zhang"),
        ("张三丰", "zhangsan"),
        ("张三丰", "sanfeng"),
        ("张三丰", "z"),
        ("张三丰", "zs"),
        ("张三丰", "ZSF"),
        ("张三丰", "ｚｓｆ"),
        ("单雄信", "shanxiongxin"),
        ("单雄信", "danxiongxin"),
        ("单雄信", "sxx"),
        ("单雄信", "dxx"),
        ("曾国藩", "zgf"),
        ("曾国藩", "cengguofan"),
        ("仇英", "qiuying"),
        ("查良镛", "zly"),
        ("区小明", "ouxiaoming"),
        ("解晓东", "xxd"),
        ("盖叫天", "ge"),
        ("朴树", "piaoshu"),
        ("尉迟恭", "yuchigong"),
        ("令狐冲", "lhc"),
        ("万俟卨", "moqi"),
        ("长孙无忌", "zhangsun"),
        ("长孙无忌", "wuji"),
        ("吕布", "lvbu"),
        ("吕布", "lubu"),
        ("李 小明", "李小明"),
        ("李小明", "李 小明"),
        ("阿依古丽·买买提", "丽买"),
        ("阿依古丽·买买提", "aygl"),
        ("王Tom", "tom"),
        ("王Tom", "wangtom"),
        ("王Tom", "wt"),
        ("José García", "jose garcia"),
        ("𠮷野", "𠮷"),
        ("王先生（二楼）", "二楼"),
    ],
)
def test_is_found(name: str, query: str) -> None:
    assert finds(query, name)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("张三丰", "张丰"),
        ("张三丰", "丰三"),
        ("张三丰", "李"),
        ("张三丰", "zf"),
        ("张三丰", "zsx"),
        ("张三丰", "angsan"),
        ("张三丰", ""),
        ("张三丰", " - "),
        ("", "张"),
    ],
)
def test_is_not_found(name: str, query: str) -> None:
    assert not finds(query, name)


def test_the_tokens_of_a_name_are_these() -> None:
    assert name_tokens("张三丰") == {
        "张", "三", "丰", "张三", "三丰", "张三丰",
        "zhang", "san", "feng", "zhangsan", "zhangsanfeng", "sanfeng", "z", "zs", "zsf",
    }  # fmt: skip


def test_a_query_is_cut_into_pairs_words_and_four_digits() -> None:
    assert query_tokens("张三丰") == ["张三", "三丰"]
    assert query_tokens("张") == ["张"]
    assert query_tokens("8899") == ["8899"]
    assert query_tokens("王 8899") == ["王", "8899"]
    assert query_tokens("WXM") == ["wxm"]
    assert query_tokens("张三张三") == ["张三", "三张"]


def test_every_surname_of_the_table_has_all_its_readings() -> None:
    assert len(SURNAME_READINGS) >= 40
    for surname, readings in SURNAME_READINGS.items():
        for reading in readings:
            assert finds("".join(reading.split()) + "xiaoming", f"{surname}小明"), surname


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("单雄信", "shan xiong xin"),
        ("曾国藩", "zeng guo fan"),
        ("仇英", "qiu ying"),
        ("查良镛", "zha liang yong"),
        ("区小明", "ou xiao ming"),
        ("解小明", "xie xiao ming"),
        ("盖小明", "ge xiao ming"),
        ("朴小明", "piao xiao ming"),
        ("万俟卨", "mo qi xie"),
        ("尉迟恭", "yu chi gong"),
        ("令狐冲", "ling hu chong"),
        ("长孙无忌", "zhang sun wu ji"),
    ],
)
def test_a_list_is_ordered_by_the_customary_reading_of_the_surname(name: str, key: str) -> None:
    assert sort_key(name) == f"{key}  {name}"


def test_names_are_ordered_by_sound_and_then_by_character() -> None:
    names = [
        "张伟",
        "单雄信",
        "李娜",
        "李明",
        "李",
        "赵云",
        "曾国藩",
        "林丹",
        "丽娜",
        "Anna",
        "2号",
        "𠮷野",
    ]
    assert sorted(names, key=sort_key) == [
        "2号", "Anna", "李", "李明", "丽娜", "李娜", "林丹", "单雄信", "曾国藩", "张伟", "赵云", "𠮷野",
    ]  # fmt: skip


@given(st.text(max_size=200))
def test_any_text_has_a_bounded_number_of_tokens_and_a_short_key(text: str) -> None:
    tokens = name_tokens(text)
    assert "" not in tokens
    assert len(tokens) < 400
    assert len(sort_key(text)) <= SORT_KEY_LIMIT
    assert "\0" not in "".join(tokens)


@given(st.text(alphabet="张三丰李单曾abc王 ·", min_size=1, max_size=12))
def test_every_name_is_found_by_itself(name: str) -> None:
    assert set(query_tokens(name)) <= name_tokens(name)
