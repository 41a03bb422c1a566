"""Telephone numbers: one person, one number, however it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.phones import PhoneError, last_four, mask, normalise_phone

MOBILE = "13812345678"


@pytest.mark.parametrize(
    ("case", "written", "canonical"),
    [
        ("as it is", "13812345678", MOBILE),
        ("spaces", " 138 1234 5678 ", MOBILE),
        ("dashes", "138-1234-5678", MOBILE),
        ("long dashes", "138—1234–5678", MOBILE),
        ("full-width digits", "１３８１２３４５６７８", MOBILE),
        ("full-width plus", "＋８６１３８１２３４５６７８", MOBILE),
        ("+86", "+86 13812345678", MOBILE),
        ("0086", "0086-138-1234-5678", MOBILE),
        ("86 without a plus", "8613812345678", MOBILE),
        ("(+86)", "(+86)13812345678", MOBILE),
        ("a long-distance zero", "013812345678", MOBILE),
        ("a spreadsheet's float", "13812345678.0", MOBILE),
        ("scientific with every digit", "1.3812345678E+10", MOBILE),
        ("scientific in small letters", "1.3812345678e10", MOBILE),
        ("copied from a contact, with invisible marks", "\u202d138 1234 5678\u202c", MOBILE),
        ("a spreadsheet's text mark", "'13812345678", MOBILE),
        ("a label", "手机：13812345678", MOBILE),
        ("a prefix that is new", "14112345678", "14112345678"),
        ("another new one", "19912345678", "19912345678"),
        ("landline", "021-12345678", "02112345678"),
        ("landline in brackets", "（021）1234 5678", "02112345678"),
        ("Beijing, dashed in the middle", "010-8888-8888", "01088888888"),
        ("landline of seven digits", "0755 2345678", "07552345678"),
        ("landline of a four-digit area", "0571-87654321", "057187654321"),
        ("landline after +86, its zero dropped", "+86 21 12345678", "02112345678"),
        ("Beijing after +86", "+86 10 88888888", "01088888888"),
        ("landline after 86, its zero kept", "86-0571-87654321", "057187654321"),
        ("extension", "021-12345678-801", "02112345678-801"),
        ("extension in words", "02112345678转801", "02112345678-801"),
        ("Hong Kong", "+852 9123 4567", "+85291234567"),
        ("Hong Kong dialled", "00852 9123 4567", "+85291234567"),
        ("Hong Kong without a plus", "85291234567", "+85291234567"),
        ("Macao without a plus", "85366123456", "+85366123456"),
        ("Taiwan without a plus", "886912345678", "+886912345678"),
        ("United States", "+1 (415) 555-2671", "+14155552671"),
    ],
)
def test_reads(case: str, written: str, canonical: str) -> None:
    assert normalise_phone(written) == canonical, case


@pytest.mark.parametrize(
    ("case", "written", "code"),
    [
        ("blank", " \t ", "phone_empty"),
        ("scientific with lost digits", "1.38E+10", "phone_scientific"),
        ("a last zero that may be another digit", "1.381234567E+10", "phone_scientific"),
        ("masked", "138****5678", "phone_masked"),
        ("two numbers", "13812345678/13912345678", "phone_several"),
        ("two numbers with a space", "13812345678 13912345678", "phone_several"),
        ("a letter O", "1381234567O", "phone_letters"),
        ("a word", "没有", "phone_letters"),
        ("a NUL", "13812345678\x00", "phone_symbols"),
        ("digits of another script", "١٣٨١٢٣٤٥٦٧٨", "phone_symbols"),
        ("a plus in the middle", "138+12345678", "phone_symbols"),
        ("mobile with an extension", "13812345678转12", "phone_extension"),
        ("landline without its area", "62345678", "phone_no_area_code"),
        ("ten digits", "1381234567", "phone_too_short"),
        ("twelve digits", "138123456789", "phone_too_long"),
        ("ten digits after +86", "+861381234567", "phone_too_short"),
        ("a landline one digit short", "021-1234567", "phone_too_short"),
        ("abroad, too short", "+852123", "phone_too_short"),
        ("abroad, sixteen digits", "+1234567890123456", "phone_too_long"),
        ("eleven digits that no mobile has", "12012345678", "phone_unknown"),
        ("a country code of zero", "+0123456789", "phone_unknown"),
        ("a service number", "400-123-4567", "phone_unknown"),
    ],
)
def test_refuses_with_a_cause(case: str, written: str, code: str) -> None:
    with pytest.raises(PhoneError) as refused:
        normalise_phone(written)
    assert refused.value.code == code, case


@given(
    st.text(alphabet="0123456789+-.() 　１２３８eExX转*/'OE\x00\u202d", max_size=20) | st.text(max_size=20)
)
def test_normalising_twice_changes_nothing(written: str) -> None:
    try:
        once = normalise_phone(written)
    except PhoneError:
        return
    assert normalise_phone(once) == once
    assert last_four(once).isdigit() and len(last_four(once)) == 4
    assert len(once.partition("-")[0]) <= 16


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.sampled_from(["", "+86", "0086", "86", "0"]),
)
def test_every_mobile_is_kept_whatever_stands_before_it(mobile: str, prefix: str) -> None:
    assert normalise_phone(prefix + mobile) == mobile


@pytest.mark.parametrize(
    ("phone", "masked", "four"),
    [
        ("13812348899", "138****8899", "8899"),
        ("02112345678-801", "021****5678", "5678"),
        ("+85291234567", "+852****4567", "4567"),
        ("+12345678", "+1****5678", "5678"),
    ],
)
def test_mask_hides_the_middle(phone: str, masked: str, four: str) -> None:
    assert mask(phone) == masked
    assert last_four(phone) == four


@given(st.from_regex(r"\+[1-9][0-9]{7,14}|1[3-9][0-9]{9}|02[0-9]{9}", fullmatch=True))
def test_a_mask_hides_at_least_three_digits(phone: str) -> None:
    head, stars, tail = mask(phone).partition("****")
    assert stars and phone.startswith(head) and phone.endswith(tail)
    assert len(phone) - len(head) - len(tail) >= 3
