"""The rule editor as people meet it: forms posted as a browser posts them, with and without script."""

import copy
import html
import re
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from tests.cast import NOON, hire, put_on_file
from tests.tiering.examining import come, ladder, rule
from tiering.models import Adoption, Scheme, SchemeVersion
from tiering.selectors.schemes import preset, preset_codes
from tiering.services.schemes import adopt_preset, save_scheme

TODAY = date(2026, 6, 20)
HTMX = {"HX-Request": "true"}
EDIT = "/schemes/recent_month_abc/edit/"
OWN = ladder(rule("spend_30d", 2000), rule("spend_30d", 1000)) | {"id": "own"}


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def desk(head) -> Client:
    client = Client()
    client.force_login(head)
    return client


class Form(HTMLParser):
    """What a browser would send of the form with an id: its fields with the values they have."""

    def __init__(self, page: str, wanted: str = "editor") -> None:
        super().__init__()
        self.wanted, self.inside, self.fields, self.acts = wanted, False, {}, []
        self.choosing = self.writing = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        has = dict(attributes)
        if tag == "form":
            self.inside = has.get("id") == self.wanted
        if not self.inside:
            return
        if tag == "input" and has.get("type") == "checkbox":
            if "checked" in has:
                self.fields[has["name"]] = has["value"]
        elif tag == "input" and "name" in has:
            self.fields[has["name"]] = has.get("value", "")
        elif tag == "select":
            self.choosing = has["name"]
        elif tag == "option" and (self.choosing not in self.fields or "selected" in has):
            self.fields[self.choosing] = has["value"]
        elif tag == "textarea":
            self.writing = has["name"]
            self.fields[self.writing] = ""
        elif tag == "button" and has.get("name") == "act" and "disabled" not in has:
            self.acts.append(has["value"])

    def handle_endtag(self, tag):
        self.writing = "" if tag == "textarea" else self.writing
        self.choosing = "" if tag == "select" else self.choosing
        self.inside = self.inside and tag != "form"

    def handle_data(self, text):
        if self.writing:
            self.fields[self.writing] += text


def opened(desk: Client, address: str) -> dict[str, str]:
    return Form(desk.get(address).content.decode()).fields


def words(answer) -> str:
    """What the page says, without its tags."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def press(desk: Client, address: str, fields: dict[str, str], act: str, **more: str):
    return desk.post(address, fields | more | {"act": act}, headers=HTMX)


# ---- opening and saving --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", preset_codes())
def test_what_a_browser_sends_of_an_untouched_form_is_the_scheme(desk, store, code):
    """Every preset, through the real page and back: nothing is lost, nothing is added, and all of it is shown."""
    address = reverse("scheme-edit", args=[code])
    page = desk.get(address)
    answer = desk.post(address, Form(page.content.decode()).fields | {"act": "save"})
    assert answer.status_code == 302, words(answer)
    assert SchemeVersion.objects.get().body == preset(code)
    assert "原样保留" not in page.content.decode()


def test_a_change_becomes_the_next_version_and_the_old_one_stays(desk, store, head):
    adopt_preset(store=store, code="recent_month_abc", from_date=TODAY, actor=head, at=NOON)
    fields = opened(desk, EDIT)
    assert (fields["tier.0.when.0.subject"], fields["tier.0.when.0.value"]) == ("fact:spend_30d", "5000")
    answer = desk.post(EDIT, fields | {"act": "save", "tier.0.when.0.value": "6,000"})
    assert answer["location"] == "/schemes/recent_month_abc/?v=2"
    first, second = SchemeVersion.objects.order_by("number")
    expected = copy.deepcopy(first.body)
    expected["tiers"][0]["when"]["any"][0]["value"] = 6000
    assert (first.body, second.body, second.created_by) == (preset("recent_month_abc"), expected, head)
    # Written down is not taken up.
    assert Adoption.objects.get().version == first
    assert "已存为第 2 版" in words(desk.get(answer["location"]))


def test_saving_what_did_not_change_writes_nothing(desk, store, head):
    adopt_preset(store=store, code="recent_month_abc", from_date=TODAY, actor=head, at=NOON)
    answer = desk.post(EDIT, opened(desk, EDIT) | {"act": "save"}, follow=True)
    assert SchemeVersion.objects.count() == 1
    assert "没有改动，还是第 1 版" in words(answer)


def test_an_older_version_can_be_the_start_of_the_next(desk, store, head):
    for threshold in (2000, 3000):
        body = copy.deepcopy(OWN)
        body["tiers"][0]["when"]["value"] = threshold
        save_scheme(store=store, body=body, actor=head, at=NOON)
    address = reverse("scheme-edit", args=["own"]) + "?v=1"
    fields = opened(desk, address)
    assert fields["tier.0.when.value"] == "2000"
    desk.post(address, fields | {"act": "save", "tier.0.when.value": "2500"})
    assert [v.body["tiers"][0]["when"]["value"] for v in SchemeVersion.objects.order_by("number")] == [
        2000,
        3000,
        2500,
    ]


def test_a_scheme_from_nothing(desk, store, head):
    address = reverse("scheme-new")
    fields = opened(desk, address)
    fields |= {"name.zh": "常客", "tier.0.name.zh": "金", "tier.1.name.zh": "银", "tier.2.name.zh": "其余",
               "tier.0.when.0.subject": "fact:visits_90d", "tier.0.when.0.op": ">", "tier.0.when.0.value": "12",
               "tier.1.when.0.subject": "contains:position", "tier.1.when.0.value": "总经理；董事 ; ",
               "observe_months": "1", "requires.phone": "2", "requires.name": "0", "act": "save"}  # fmt: skip
    answer = desk.post(address, fields)
    assert answer["location"] == "/schemes/scheme_2/?v=1", words(answer)
    assert SchemeVersion.objects.get().body == {
        "id": "scheme_2", "name": {"zh": "常客", "en": ""}, "observe_months": 1, "requires": ["name", "phone"], "fallback": "C",
        "tiers": [
            {"code": "A", "name": {"zh": "金", "en": ""}, "when": {"any": [{"fact": "visits_90d", "op": ">", "value": 12}]}},
            {"code": "B", "name": {"zh": "银", "en": ""}, "when": {"any": [{"profile": "position", "contains": ["总经理", "董事"]}]}},
            {"code": "C", "name": {"zh": "其余", "en": ""}, "when": {"otherwise": True}},
        ],
    }  # fmt: skip


def test_a_copy_has_a_code_and_a_name_of_its_own(desk, store, head):
    address = reverse("scheme-new") + "?from=monthly_avg_abc"
    fields = opened(desk, address)
    assert (fields["code"], fields["name.zh"]) == ("monthly_avg_abc_2", "级别列表（月均消费）（本店）")
    desk.post(address, fields | {"act": "save", "tier.0.when.value": "9000"})
    copied = SchemeVersion.objects.get()
    original = preset("monthly_avg_abc")
    assert copied.scheme.code == "monthly_avg_abc_2"
    assert copied.body["tiers"][0]["evidence"] == original["tiers"][0]["evidence"]
    assert copied.body["tiers"][0]["when"]["value"] == 9000
    assert opened(desk, address)["code"] == "monthly_avg_abc_3", "the next copy takes the next code"


# ---- refused -------------------------------------------------------------------------------------------------

# What is wrong (fields over the untouched form), beside what it is said, and in which words.
WRONG = [
    ("no number", {"tier.0.when.0.value": "五千"}, "t-tier-0-when-0", "“五千”不能当门槛"),
    ("an empty threshold", {"tier.0.when.0.value": ""}, "t-tier-0-when-0", "请填门槛"),
    ("a negative threshold", {"tier.1.when.3.value": "-1"}, "t-tier-1-when-3", "“-1”不能当门槛"),
    ("no subject", {"tier.1.when.2.subject": "fact:"}, "t-tier-1-when-2", "请选一个指标"),
    ("a fact that is not", {"tier.0.when.1.subject": "fact:charm"}, "t-tier-0-when-1", "没有“charm”这个指标"),
    ("a sign that is not", {"tier.0.when.1.op": "~"}, "t-tier-0-when-1", "不认识的比较符号“~”"),
    ("more lines than there are", {"tier.0.when.is": "at_least", "tier.0.when.k": "9"}, "t-tier-0-when", "应在 1 到 4 之间"),
    ("out of order", {"tier.0.when.0.value": "1000"}, "t-tier-1", "门槛顺序反了"),
    ("a tier nobody can reach", {"tier.1.when.is": "all", "tier.0.when.1.value": "0"}, "t-tier-1", "永远轮不到"),
    ("a contradiction", {"tier.1.when.is": "all", "tier.1.when.3.subject": "fact:spend_30d", "tier.1.when.3.op": "<",
                         "tier.1.when.3.value": "1000"}, "t-tier-1", "互相矛盾"),
    ("everybody too early", {"tier.0.when.is": "line", "tier.0.when.subject": "otherwise:"}, "t-tier-0", "收下所有人"),
    ("the same code twice", {"tier.1.code": "A"}, "t-tier-1", "出现了两次"),
    ("a code that is none", {"tier.1.code": "B B"}, "t-tier-1", "级别代码缺失或无效"),
    ("a tier without a name", {"tier.0.name.zh": "", "tier.0.name.en": ""}, "t-tier-0", "请写名称"),
    ("a scheme without a name", {"name.zh": "", "name.en": ""}, "said-name", "请写名称"),
    ("a fallback that is no tier", {"fallback": "X"}, "said-fallback", "不在方案里"),
    ("a long observation", {"observe_months": "7"}, "said-observe_months", "0 到 3 个月"),
    ("a grace of half a day", {"grace_days": "0.5"}, "said-grace_days", "0 到 366"),
    ("labels with a grace", {"kind": "labels", "grace_days": "3", "fallback": "UNRATED"}, "said-kind", "标签没有高低"),
    ("a tree too deep", {f"tier.0.when.0{'.0' * n}.is": "any" for n in range(9)}, "t-tier-0-when-0-0-0-0-0-0-0-0", "嵌套太深"),
    ("a score that is not there", {"tier.0.when.0.subject": "fact:score_value"}, "t-tier-0", "没有“价值分”这个分数"),
    ("a part without points", {"score.0.code": "value", "score.0.part.0.fact": "spend_365d", "score.0.part.0.full": "1"},
     "t-score-0-part-0", "请写满多少得几分"),
    ("something put into the form", {"rest": '{"rest": {"colour": "red"}, "gone": []}'}, "said-scheme", "不认识的键“colour”"),
]  # fmt: skip


def beside(page: str, ident: str) -> str:
    """What stands in the element of an id."""
    found = re.search(rf'<div[^>]* id="{ident}"[^>]*>(.*?)</div>', page, re.S)
    return re.sub(r"<[^>]+>", "", found[1]).strip() if found else f"there is no {ident}"


@pytest.mark.parametrize(("what", "fields", "ident", "sentence"), WRONG, ids=[case[0] for case in WRONG])
def test_what_cannot_be_meant_is_refused_beside_its_line(desk, store, head, what, fields, ident, sentence):
    adopt_preset(store=store, code="recent_month_abc", from_date=TODAY, actor=head, at=NOON)
    for headers in ({}, HTMX):
        answer = desk.post(EDIT, opened(desk, EDIT) | fields | {"act": "save"}, headers=headers)
        page = answer.content.decode()
        assert answer.status_code == 422
        assert sentence in html.unescape(beside(page, ident)), beside(page, ident)
        assert ("<html" in page) == (not headers)
        # What was typed is still there, and nothing is counted.
        still = Form(page).fields
        assert {name: still.get(name) for name in fields if name in still} == {
            n: v for n, v in fields.items() if n in still
        }
        assert 'class="sizes"' not in page and "没有保存" in page
    assert (SchemeVersion.objects.count(), Scheme.objects.count()) == (1, 1)


def test_a_code_in_use_is_refused(desk, store, head):
    save_scheme(store=store, body=OWN, actor=head, at=NOON)
    address = reverse("scheme-new") + "?from=own"
    for code, sentence in (
        ("own", "“own”已经有了"),
        ("recent_month_abc", "已经有了"),
        ("new", "已经有了"),
        ("熟客", "缺少 id"),
        ("", "缺少 id"),
    ):
        answer = desk.post(address, opened(desk, address) | {"act": "save", "code": code})
        assert (answer.status_code, sentence in beside(answer.content.decode(), "said-id")) == (422, True), (
            code
        )
    assert Scheme.objects.count() == 1


def test_the_code_of_a_scheme_that_exists_cannot_be_changed(desk, store, head):
    save_scheme(store=store, body=OWN, actor=head, at=NOON)
    address = reverse("scheme-edit", args=["own"])
    desk.post(address, opened(desk, address) | {"act": "save", "code": "other", "tier.0.when.value": "2500"})
    assert [scheme.code for scheme in Scheme.objects.all()] == ["own"]


def test_an_axis_that_is_in_use_cannot_be_changed(desk, store, head):
    save_scheme(store=store, body=OWN, actor=head, at=NOON)
    address = reverse("scheme-edit", args=["own"])
    answer = desk.post(address, opened(desk, address) | {"act": "save", "axis": "card"})
    assert (answer.status_code, SchemeVersion.objects.count()) == (422, 1)
    assert beside(answer.content.decode(), "said-axis") != ""


def test_what_somebody_else_saved_meanwhile_is_not_written_over_unseen(desk, store, head):
    save_scheme(store=store, body=OWN, actor=head, at=NOON)
    address = reverse("scheme-edit", args=["own"])
    mine = opened(desk, address) | {"act": "save", "tier.0.when.value": "2500"}
    theirs = copy.deepcopy(OWN)
    theirs["tiers"][0]["when"]["value"] = 2900
    save_scheme(store=store, body=theirs, actor=head, at=NOON)
    answer = desk.post(address, mine)
    page = answer.content.decode()
    assert (answer.status_code, SchemeVersion.objects.count()) == (422, 2)
    assert "又有人存了第 2 版" in beside(page, "said-id")
    # Seen and pressed again, it is the version after theirs.
    assert desk.post(address, Form(page).fields | {"act": "save"}).status_code == 302
    assert [v.body["tiers"][0]["when"]["value"] for v in SchemeVersion.objects.order_by("number")] == [
        2000,
        2900,
        2500,
    ]


# ---- buttons and counts --------------------------------------------------------------------------------------


def test_the_buttons_work_without_script(desk, store):
    """A tree is built and changed with nothing but a form: each button posts it and shows it again."""
    fields = opened(desk, reverse("scheme-new"))
    for act, more in (
        ("add-line:tier.0.when", {"tier.0.when.0.subject": "fact:spend_30d", "tier.0.when.0.value": "100"}),
        ("add-group:tier.0.when", {"tier.0.when.1.subject": "tag:nearby_resident"}),
        (
            "up:tier.0.when.2",
            {
                "tier.0.when.2.is": "all",
                "tier.0.when.2.0.subject": "fact:visits_30d",
                "tier.0.when.2.0.value": "2",
            },
        ),
        ("remove:tier.0.when.0", {}),
        ("add-tier", {}),
        ("down:tier.0", {}),
    ):
        page = desk.post(reverse("scheme-new"), fields | more | {"act": act})
        assert page.status_code == 200 and "<html" in page.content.decode()
        fields = Form(page.content.decode()).fields
    assert [fields[f"tier.{n}.code"] for n in range(4)] == ["B", "A", "D", "C"]
    assert fields["tier.1.when.0.is"] == "all"
    assert (fields["tier.1.when.0.0.subject"], fields["tier.1.when.0.0.value"]) == ("fact:visits_30d", "2")
    assert fields["tier.1.when.1.subject"] == "tag:nearby_resident"
    assert not SchemeVersion.objects.exists()


def test_with_script_the_form_comes_back_alone(desk, store):
    fields = opened(desk, EDIT)
    page = press(desk, EDIT, fields, "add-line:tier.0.when").content.decode()
    assert page.lstrip().startswith('<form id="editor"') and "<html" not in page
    [focused] = re.findall(r'name="([^"]+)"[^>]*autofocus', page)
    assert focused == "tier.0.when.4.subject"


def test_every_button_on_the_page_does_something_that_can_be_shown(desk, store):
    page = desk.get(reverse("scheme-edit", args=["policy_premium_potential_ordinary_new"])).content.decode()
    form = Form(page)
    assert len(form.acts) > 30
    for act in form.acts:
        if act != "save":
            answer = press(
                desk,
                EDIT.replace("recent_month_abc", "policy_premium_potential_ordinary_new"),
                form.fields,
                act,
            )
            assert answer.status_code == 200, act


def counted(page: str) -> dict[str, str]:
    return {
        ident: re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", inner)).strip()
        for ident, inner in re.findall(
            r'<span class="hits[^"]*" id="([^"]+)"[^>]*>(.*?)</span>\s*(?=<|$)', page, re.S
        )
    }


def test_the_counts_follow_what_is_typed(desk, store):
    for name, yuan in (("甲", 6000), ("乙", 2500), ("丙", 0)):
        guest = put_on_file(store, name, NOON - timedelta(days=9))
        if yuan:
            come(store, guest, TODAY - timedelta(days=3), yuan)
    fields = opened(desk, EDIT)
    answer = press(
        desk, EDIT, fields, "count", **{"tier.0.when.0.value": "2,400", "tier.0.when.3.value": "9000"}
    )
    page = answer.content.decode()
    assert answer["HX-Reswap"] == "none", "nothing that is typed in is replaced"
    assert "<form" not in page and "<input" not in page and page.count("hx-swap-oob") > 20
    numbers = counted(page)
    # 6,000 and 2,500 are over 2,400; B asks 2,000 of thirty days or of the last bill.
    assert (numbers["n-tier-0-when-0"], numbers["n-tier-0-when"], numbers["size-tier-0"]) == (
        "2 位",
        "2 位",
        "2 位",
    )
    assert (numbers["n-tier-1-when"], numbers["size-tier-1"], numbers["size-tier-2"]) == (
        "2 位",
        "0 位",
        "1 位",
    )
    assert counted(press(desk, EDIT, fields, "count").content.decode())["n-tier-0-when-0"] == "1 位"


def test_a_draft_with_something_wrong_says_so_and_counts_nothing(desk, store):
    put_on_file(store, "甲", NOON)
    page = press(desk, EDIT, opened(desk, EDIT), "count", **{"tier.0.when.0.value": "x"}).content.decode()
    assert "“x”不能当门槛" in html.unescape(beside(page, "t-tier-0-when-0"))
    assert set(counted(page).values()) == {""} and "还有 1 处要补全或改正" in page


def test_a_line_that_nobody_measures_says_so(desk, store):
    fields = opened(desk, EDIT)
    page = press(
        desk, EDIT, fields, "count", **{"tier.0.when.1.subject": "fact:months_to_expiry"}
    ).content.decode()
    assert counted(page)["n-tier-0-when-1"] == "还没有统计"


def test_a_rank_says_what_it_means(desk, store):
    page = desk.get(reverse("scheme-edit", args=["hotpot_hml"])).content.decode()
    assert "前 20%" in counted(page)["n-tier-0-when"]


def test_the_draft_is_compared_with_what_is_in_use(desk, store, head):
    adopt_preset(
        store=store, code="recent_month_abc", from_date=TODAY - timedelta(days=9), actor=head, at=NOON
    )
    guest = put_on_file(store, "甲", NOON - timedelta(days=9))
    come(store, guest, TODAY - timedelta(days=3), 2500)
    said = words(press(desk, EDIT, opened(desk, EDIT), "compare", **{"tier.0.when.0.value": "2400"}))
    assert "现在用的：餐厅顾客分类（近一月） v1" in said and "这份草稿" in said
    assert "1 位客人里， 1 位的级别不一样" in said and "要 ≥ ¥2,400，满足" in said
    assert not SchemeVersion.objects.filter(number=2).exists()
    said = words(press(desk, EDIT, opened(desk, EDIT), "compare", **{"tier.0.when.0.value": "x"}))
    assert "先把左边标出的地方改好" in said


def test_nothing_to_compare_with_is_said(desk, store):
    assert "没有可比的" in words(press(desk, EDIT, opened(desk, EDIT), "compare"))


# ---- who may -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["waiter", "host", "manager", "hq"])
def test_only_a_store_head_writes(store, role):
    client = Client()
    client.force_login(hire(f"p-{role}", role, role, store, brand_wide=role == "hq"))
    for address in (EDIT, reverse("scheme-new")):
        assert (client.get(address).status_code, client.post(address, {"act": "save"}).status_code) == (
            403,
            403,
        )
    reads = 200 if role in ("manager", "hq") else 403
    assert client.get(reverse("scheme-compare")).status_code == reads
    if reads == 200:
        page = client.get(reverse("scheme", args=["recent_month_abc"])).content.decode()
        assert "scheme-edit" not in page and "/edit/" not in page and "/schemes/new/" not in page


def test_another_stores_scheme_is_not_here_to_edit_or_copy(desk, other_store, head):
    save_scheme(store=other_store, body=OWN, actor=head, at=NOON)
    for address in (
        "/schemes/own/edit/",
        "/schemes/new/?from=own",
        "/schemes/compare/?a=own",
        "/schemes/compare/?b=own@1",
    ):
        assert desk.get(address).status_code == 404, address
    assert desk.post("/schemes/own/edit/", {"act": "save"}).status_code == 404


@pytest.mark.parametrize("address", ["/schemes/own/edit/?v=9", "/schemes/nothing/edit/", "/schemes/new/?from=nothing",
                                     "/schemes/compare/?a=recent_month_abc@4", "/schemes/compare/?a=@", "/schemes/new/?from=own@x9"])  # fmt: skip
def test_what_is_not_there_is_not_found(desk, store, head, address):
    save_scheme(store=store, body=OWN, actor=head, at=NOON)
    expected = 200 if address.endswith("own@x9") else 404
    assert desk.get(address).status_code == expected


@pytest.mark.parametrize("address", ["/schemes/own/edit/?v=٣", "/schemes/own/edit/?v=99999999999999999999", "/schemes/own/?v=²",
                                     "/schemes/new/?from=own@٣", "/schemes/new/?from=own@99999999999999999999"])  # fmt: skip
def test_a_version_that_is_no_number_breaks_nothing(desk, store, head, address):
    save_scheme(store=store, body=OWN, actor=head, at=NOON)
    assert desk.get(address).status_code in (200, 404)
