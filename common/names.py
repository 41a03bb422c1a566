"""Names as people look for them: characters, pinyin, initials; and the order of a list of names.

A search is a set of tokens that must all be among a name's tokens, so that one index answers it.
"""

import re
import unicodedata
from itertools import pairwise

from pypinyin import Style, lazy_pinyin

NAME_LIMIT = 80
SORT_KEY_LIMIT = 120
# Beyond this many syllables a text is a remark, and its beginnings are not worth an index entry.
SYLLABLE_LIMIT = 12

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_PIECE = re.compile(rf"(?P<han>[{_HAN}]+)|[^\W_{_HAN}]+")
_GAP_BETWEEN_HAN = re.compile(rf"(?<=[{_HAN}])[\s·•・‧.]+(?=[{_HAN}])")

# Surnames whose reading as a surname is not the usual one, or that people read in two ways: the
# customary reading first. The usual reading of the character is always indexed as well.
SURNAME_READINGS: dict[str, tuple[str, ...]] = {
    "万俟": ("mo qi",),
    "尉迟": ("yu chi",),
    "长孙": ("zhang sun",),
    "单于": ("chan yu",),
    "令狐": ("ling hu",),
    "澹台": ("tan tai",),
    "鲜于": ("xian yu",),
    "亓官": ("qi guan",),
    "濮阳": ("pu yang",),
    "欧阳": ("ou yang",),
    "上官": ("shang guan",),
    "皇甫": ("huang fu",),
    "诸葛": ("zhu ge",),
    "司马": ("si ma",),
    "司徒": ("si tu",),
    "夏侯": ("xia hou",),
    "慕容": ("mu rong",),
    "公孙": ("gong sun",),
    "宇文": ("yu wen",),
    "东方": ("dong fang",),
    "端木": ("duan mu",),
    "南宫": ("nan gong",),
    "呼延": ("hu yan",),
    "赫连": ("he lian",),
    "单": ("shan",),
    "曾": ("zeng",),
    "仇": ("qiu",),
    "查": ("zha",),
    "区": ("ou",),
    "解": ("xie",),
    "盖": ("ge", "gai"),
    "朴": ("piao",),
    "乐": ("yue", "le"),
    "翟": ("zhai", "di"),
    "覃": ("qin", "tan"),
    "缪": ("miao",),
    "任": ("ren",),
    "华": ("hua",),
    "员": ("yun",),
    "种": ("chong",),
    "折": ("she",),
    "黑": ("he", "hei"),
    "繁": ("po",),
    "宓": ("mi", "fu"),
    "谌": ("chen", "shen"),
    "能": ("nai",),
    "薄": ("bo",),
    "卜": ("bu",),
    "都": ("du",),
    "隗": ("wei", "kui"),
    "郇": ("xun", "huan"),
    "召": ("shao",),
    "祭": ("zhai",),
    "秘": ("bi",),
    "牟": ("mou", "mu"),
    "柏": ("bai", "bo"),
    "洗": ("xian",),
    "冼": ("xian",),
    "乜": ("nie",),
    "佴": ("nai",),
    "阚": ("kan",),
    "车": ("che",),
    "尉": ("wei", "yu"),
    "藏": ("zang",),
    "宿": ("su",),
    "句": ("gou",),
    "适": ("kuo",),
    "费": ("fei", "bi"),
    "吕": ("lv", "lu", "lyu"),
}


def name_tokens(name: str) -> set[str]:
    """Everything by which a name is found; at most some dozens of short texts.

    张三丰: each character, each pair, the whole; `zhangsanfeng`, its beginnings `zhang` and
    `zhangsan`, its syllables, the given name `sanfeng`; the initials `zsf` and their beginnings.
    Both readings of a surname such as 单 (shan, dan). Latin words in lower case.
    """
    folded = _fold(name)
    tokens: set[str] = set()
    for piece in _PIECE.finditer(folded):
        run = piece[0]
        tokens.add(run)
        if piece["han"]:
            tokens.update(run)
            tokens.update(first + second for first, second in pairwise(run))
    for syllables, surname_length in _readings(folded):
        tokens.update(syllables)
        tokens.add("".join(syllables[surname_length:]))
        sounded = initials = ""
        for syllable in syllables:
            sounded += syllable
            initials += syllable[0]
            tokens.update((sounded, initials))
    tokens.discard("")
    return tokens


def query_tokens(query: str) -> list[str]:
    """The tokens that must all be present: 张三丰 -> 张三, 三丰; `ZSF` -> `zsf`; `8899` -> `8899`.

    Four digits are the last four of a telephone number, which customers file among the tokens.
    An empty list means that nothing was asked.
    """
    tokens: list[str] = []
    for piece in _PIECE.finditer(_fold(query)):
        run = piece[0]
        if piece["han"] and len(run) > 1:
            tokens += [first + second for first, second in pairwise(run)]
        else:
            tokens.append(run)
    return list(dict.fromkeys(tokens))


def sort_key(name: str) -> str:
    """A key that orders names by pinyin, syllable by syllable, then by character (max. 120).

    Compare bytewise. Names in figures come first, then by sound, unknown scripts last.
    """
    folded = _fold(name)
    readings = _readings(folded)
    sounded = " ".join(readings[0][0]) if readings else ""
    return f"{sounded}  {folded}"[:SORT_KEY_LIMIT].strip()


def _fold(text: str) -> str:
    """Half-width, lower case, no accents, no gap between Chinese characters."""
    folded = unicodedata.normalize("NFKC", text[: NAME_LIMIT * 2]).casefold()
    if not folded.isascii():
        spread = unicodedata.normalize("NFD", folded.replace("ü", "v"))
        folded = unicodedata.normalize("NFC", "".join(c for c in spread if not unicodedata.combining(c)))
        folded = _GAP_BETWEEN_HAN.sub("", folded)
    return folded[:NAME_LIMIT].strip()


def _readings(folded: str) -> list[tuple[list[str], int]]:
    """Every way of sounding a name, customary first: its syllables, how many are the surname's."""
    pieces = [(piece[0], bool(piece["han"])) for piece in _PIECE.finditer(folded)]
    if not pieces:
        return []
    usual = [each for text, is_han in pieces for each in (_sound(text) if is_han else [text])]
    first, is_han = pieces[0]
    if not is_han:
        return [(usual[:SYLLABLE_LIMIT], 1)]
    surname = next((first[:n] for n in (2, 1) if first[:n] in SURNAME_READINGS), first[0])
    readings = [[*reading.split(), *usual[len(surname) :]] for reading in SURNAME_READINGS.get(surname, ())]
    readings += [] if usual in readings else [usual]
    return [(reading[:SYLLABLE_LIMIT], len(surname)) for reading in readings]


def _sound(han: str) -> list[str]:
    # A character without a reading stands for itself, one syllable a character.
    return lazy_pinyin(han, style=Style.NORMAL, errors=list)  # type: ignore[arg-type]
