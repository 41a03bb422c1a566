"""The editor's form says a scheme exactly: fields out of JSON and JSON out of fields, and what the buttons do."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiering.drafts import draft_of
from tiering.editor import BLANK, from_fields, press, to_fields
from tiering.selectors.schemes import preset, preset_codes

# ---- there and back ------------------------------------------------------------------------------------------

whole = st.integers(-20, 200)
text = st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"]), max_size=12)
word = st.text("abcxyz熟客 ;；:.,+'\"<", min_size=1, max_size=10)
scalar = st.one_of(
    st.none(), st.booleans(), text, st.integers(-(10**12), 10**12), st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
anything = st.recursive(
    scalar, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)), max_leaves=5
)  # fmt: skip
leaf = st.one_of(
    st.fixed_dictionaries(
        {
            "fact": st.sampled_from(["spend_30d", "share_spend_90d", "score_value", "no_such_fact", ""]),
            "op": st.sampled_from([">=", ">", "<=", "<", "=", "!=", "~"]),
            "value": st.one_of(
                st.integers(-5, 10**9),
                st.decimals(0, 10**6, places=2).map(float),
                scalar,
                st.just("5000"),
                word,
            ),
        }
    ),
    st.fixed_dictionaries({"tag": word}),
    st.fixed_dictionaries({"manual": word}),
    st.fixed_dictionaries({"profile": word, "in": st.lists(word, max_size=3)}),
    st.fixed_dictionaries({"profile": word, "contains": st.lists(word, max_size=3)}),
    st.just({"otherwise": True}),
    st.just({"otherwise": 1}),
    st.fixed_dictionaries({"moon": word, "phase": anything}),
    anything,
)


def group(children):
    items = st.lists(children, max_size=4)
    return st.one_of(
        st.fixed_dictionaries({"all": items}),
        st.fixed_dictionaries({"any": items}),
        st.fixed_dictionaries({"at_least": st.one_of(st.integers(-1, 5), scalar), "of": items}),
    )


node = st.recursive(leaf, group, max_leaves=12)
filled = text.filter(str.strip)
name = st.one_of(filled, st.dictionaries(st.sampled_from(["zh", "en"]), text))
code = st.text("ABCxyz_0", min_size=1, max_size=6)
tier = st.fixed_dictionaries(
    {"code": code, "name": name, "when": node},
    optional={"note": text, "evidence": st.lists(node, max_size=3), "colour": anything},
)
part = st.one_of(
    st.fixed_dictionaries(
        {"fact": word, "full": st.one_of(whole, word, scalar), "points": st.one_of(whole, scalar)}
    ),
    st.fixed_dictionaries(
        {
            "fact": word,
            "steps": st.one_of(st.lists(st.lists(whole, min_size=2, max_size=2), max_size=3), anything),
        },
        optional={"base": st.one_of(whole, scalar)},
    ),
    anything,
)
score = st.fixed_dictionaries({"parts": st.lists(part, max_size=3)})
scheme = st.fixed_dictionaries(
    {"id": code, "name": name, "tiers": st.lists(st.one_of(tier, anything), max_size=4)},
    optional={
        "source": text,
        "kind": st.sampled_from(["ladder", "labels"]),
        "axis": code,
        "observe_months": st.integers(0, 3),
        "min_stay_days": st.one_of(
            st.integers(0, 9), scalar.map(lambda v: v.strip() if isinstance(v, str) else v)
        ),
        "grace_days": st.integers(0, 9),
        "requires": st.one_of(st.permutations(["name", "phone", "sex", "birthday"]), st.just([]), anything),
        "fallback": code,
        "scores": st.one_of(anything, st.dictionaries(word, score, max_size=3)),
        "moons": anything,
    },
)


@settings(max_examples=600, deadline=None)
@given(body=scheme)
def test_what_the_form_is_given_comes_back_as_it_was(body):
    fields = to_fields(body)
    assert all(isinstance(said, str) for said in fields.values())
    again = from_fields(fields)
    assert json.dumps(again, sort_keys=True) == json.dumps(body, sort_keys=True) or again == body


@pytest.mark.parametrize("name", preset_codes())
def test_every_preset_comes_back_as_it_was(name):
    body = preset(name)
    assert from_fields(to_fields(body)) == body
    # … and through what a browser sends: another order, lines ended its own way.
    sent = {key: said.replace("\n", "\r\n") for key, said in sorted(to_fields(body).items(), reverse=True)}
    assert from_fields(sent) == body


names = st.text("tierwhnsubjcopvalkd.0123", max_size=40)
sent = st.dictionaries(
    st.one_of(
        names,
        st.from_regex(r"tier\.[0-3]\.(when|evidence\.[0-2])(\.[0-2]){0,30}\.(is|subject|op|value|k|json)", fullmatch=True),
        st.from_regex(r"score\.[0-2]\.(code|part\.[0-2]\.(fact|by|full|points|steps|base|json))", fullmatch=True),
        st.sampled_from(["code", "name.zh", "rest", "said", "requires.name", "kind", "observe_months", "tier.0.rest"]),
    ),
    st.one_of(
        text,
        st.sampled_from(
            ["line", "all", "any", "at_least", "kept", "fact:spend_30d", "tag:", "in:sex:m", "[" * 5000, "NaN", "steps",
             '{"rest": {"x": 1}, "gone": ["id"]}', '"\\ud800"', '"\\u0000"', "{" * 90, "１２", "²", "1e400", "9" * 400]
        ),
        anything.map(json.dumps),
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(fields=sent)
def test_whatever_is_sent_can_be_read_kept_and_shown_again(fields):
    body = from_fields(fields)
    # Nothing in it that a database would refuse: no NUL, no half of a character, no NaN.
    json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    assert "\x00" not in str(body)
    assert from_fields(to_fields(body)) == body
    draft_of(body)


# ---- buttons -------------------------------------------------------------------------------------------------


def body_of(*whens, **more):
    tiers = [{"code": code, "name": code, "when": when} for code, when in zip("ABCDE", whens, strict=False)]
    return {"id": "x", "name": "x", "tiers": tiers} | more


SPEND, VISITS = {"fact": "spend_30d", "op": ">=", "value": 9}, {"fact": "visits_30d", "op": ">=", "value": 2}
REST = {"otherwise": True}
# (what is there, the button, what is there then, where the focus goes)
BUTTONS = [
    ("a line joins a group", [{"any": [SPEND]}], "add-line:tier.0.when", [{"any": [SPEND, BLANK]}], "tier.0.when.1.subject"),
    ("beside a single line a group is made", [SPEND], "add-line:tier.0.when", [{"any": [SPEND, BLANK]}], "tier.0.when.1.subject"),
    ("an empty line gives way", [BLANK], "add-line:tier.0.when", [{"any": [BLANK]}], "tier.0.when.0.subject"),
    ("the rest gives way to a rule", [REST], "add-line:tier.0.when", [{"any": [BLANK]}], "tier.0.when.0.subject"),
    ("a group joins a group", [{"all": [SPEND]}], "add-group:tier.0.when", [{"all": [SPEND, {"any": [BLANK]}]}],
     "tier.0.when.1.0.subject"),
    ("a line joins the inner group", [{"all": [SPEND, {"any": [VISITS]}]}], "add-line:tier.0.when.1",
     [{"all": [SPEND, {"any": [VISITS, BLANK]}]}], "tier.0.when.1.1.subject"),
    ("a line goes", [{"any": [SPEND, VISITS]}], "remove:tier.0.when.0", [{"any": [VISITS]}], "act:add-line:tier.0.when"),
    ("a whole rule goes", [SPEND], "remove:tier.0.when", [{"any": []}], "act:add-line:tier.0.when"),
    ("up", [{"any": [SPEND, VISITS, BLANK]}], "up:tier.0.when.2", [{"any": [SPEND, BLANK, VISITS]}], "act:up:tier.0.when.1"),
    ("up to the top: the button down is next", [{"any": [SPEND, VISITS]}], "up:tier.0.when.1", [{"any": [VISITS, SPEND]}],
     "act:down:tier.0.when.0"),
    ("down to the bottom", [{"at_least": 1, "of": [SPEND, VISITS]}], "down:tier.0.when.0",
     [{"at_least": 1, "of": [VISITS, SPEND]}], "act:up:tier.0.when.1"),
    ("above the top there is nothing", [{"any": [SPEND, VISITS]}], "up:tier.0.when.0", [{"any": [SPEND, VISITS]}],
     "act:up:tier.0.when.0"),
    ("tiers change places", [SPEND, VISITS], "down:tier.0", [VISITS, SPEND], "act:up:tier.1"),
    ("a tier goes", [SPEND, VISITS], "remove:tier.0", [VISITS], "act:add-tier"),
    ("the last tier stays", [SPEND], "remove:tier.0", [SPEND], ""),
    ("a tier that is not there", [SPEND], "remove:tier.7", [SPEND], ""),
    ("a place that is not there", [{"any": [SPEND]}], "up:tier.0.when.4", [{"any": [SPEND]}], "act:up:tier.0.when.4"),
    ("a line of a line", [SPEND], "remove:tier.0.when.0.0", [SPEND], ""),
    ("nonsense", [SPEND], "launch:tier.0.when", [SPEND], "act:add-line:tier.0.when"),
    ("more nonsense", [SPEND], "up:x.y.z", [SPEND], ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "whens", "act", "then", "focus"), BUTTONS, ids=[case[0] for case in BUTTONS]
)
def test_a_button_does_what_it_says(words, whens, act, then, focus):
    body = body_of(*whens)
    before = json.dumps(body)
    after, where = press(body, act)
    assert ([tier["when"] for tier in after["tiers"]], where) == (then, focus)
    assert json.dumps(body) == before, "the draft that was given is left alone"


def test_a_new_tier_stands_above_the_rest_and_takes_a_free_letter():
    after, focus = press(body_of(SPEND, REST), "add-tier")
    assert [(tier["code"], tier["when"]) for tier in after["tiers"]] == [
        ("A", SPEND), ("C", {"any": [BLANK]}), ("B", REST),
    ]  # fmt: skip
    assert focus == "tier.1.name.zh"
    for _ in range(20):
        after, _focus = press(after, "add-tier")
    assert len(after["tiers"]) == 12


def test_evidence_is_a_list_of_its_own():
    body = body_of(SPEND)
    body, focus = press(body, "add-line:tier.0.evidence")
    assert (body["tiers"][0]["evidence"], focus) == ([BLANK], "tier.0.evidence.0.subject")
    body, _ = press(body, "add-line:tier.0.evidence")
    body["tiers"][0]["evidence"][1] = VISITS
    body, _ = press(body, "up:tier.0.evidence.1")
    assert body["tiers"][0]["evidence"] == [VISITS, BLANK]
    body, _ = press(body, "remove:tier.0.evidence.0")
    assert body["tiers"][0]["evidence"] == [BLANK]


def test_a_score_is_made_grows_and_goes():
    body, focus = press(body_of(SPEND), "add-score:value")
    assert (focus, list(body["scores"])) == ("score.0.part.0.fact", ["value"])
    body, focus = press(body, "add-part:score.0")
    assert (focus, len(body["scores"]["value"]["parts"])) == ("score.0.part.1.fact", 2)
    assert press(body, "add-score:value")[0] == body, "a code is taken once"
    body, _ = press(body, "remove:score.0.part.0")
    body, _ = press(body, "remove:score.0.part.0")
    assert body["scores"] == {}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("5000", 5000), (" 5,000 ", 5000), ("¥5,000.50", 5000.5), ("0.1", 0.1), ("五千", "五千"), ("", ""), ("-1", -1),
     ("1.234", 1.234), ("１２", "１２")],
)  # fmt: skip
def test_a_threshold_is_read_as_people_type_it(typed, meant):
    fields = to_fields(body_of(SPEND)) | {"tier.0.when.value": typed}
    assert from_fields(fields)["tiers"][0]["when"]["value"] == meant


def test_what_the_form_does_not_know_comes_back_while_the_rest_is_changed():
    """A leaf, a tier's key and a scheme's key of a kind to come, in a draft in which everything else is changed."""
    strange = {"moon": "full", "phase": [1, None, {"deep": True}]}
    body = body_of({"any": [SPEND, strange]}, SPEND, tides={"high": 1})
    body["tiers"][0]["colour"] = "#fff"
    fields = to_fields(body) | {
        "tier.0.when.0.value": "77",
        "tier.0.code": "Z",
        "name.zh": "新",
        "name.form": "",
    }
    after = from_fields(fields)
    assert after["tiers"][0]["when"] == {"any": [SPEND | {"value": 77}, strange]}
    assert (after["tiers"][0]["colour"], after["tiers"][0]["code"], after["tides"]) == (
        "#fff",
        "Z",
        {"high": 1},
    )
    # Leaves of a known kind that its fields cannot say exactly are kept in their own place too, not with the whole rule.
    odd = [
        {"fact": "spend_30d", "op": ">=", "value": "5000"},
        {"profile": "industry", "contains": ["a;b"]},
        {"otherwise": 1},
    ]
    fields = to_fields(body_of({"any": [SPEND, *odd]})) | {"tier.0.when.0.value": "77"}
    assert from_fields(fields)["tiers"][0]["when"] == {"any": [SPEND | {"value": 77}, *odd]}
    moved, _ = press(after, "up:tier.0.when.1")
    moved, _ = press(moved, "down:tier.0")
    assert from_fields(to_fields(moved))["tiers"][1] == {
        "code": "Z", "name": "A", "colour": "#fff", "when": {"any": [strange, SPEND | {"value": 77}]},
    }  # fmt: skip
