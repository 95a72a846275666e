import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError
from drivevla.language import Language
from drivevla.language.numerals import read_number, spell_number


@given(st.integers(0, 9999), st.sampled_from(Language))
def test_spelled_numbers_read_back(number: int, language: Language) -> None:
    spelled = spell_number(number, language=language)
    assert read_number(spelled, 0, language=language) == (number, len(spelled))


@pytest.mark.parametrize(
    ("number", "english", "chinese"),
    [
        (0, "zero", "零"),
        (10, "ten", "十"),
        (12, "twelve", "十二"),
        (25, "twenty-five", "二十五"),
        (105, "one hundred and five", "一百零五"),
        (110, "one hundred and ten", "一百一十"),
        (200, "two hundred", "两百"),
        (222, "two hundred and twenty-two", "两百二十二"),
        (1050, "one thousand and fifty", "一千零五十"),
        (2000, "two thousand", "两千"),
        (2345, "two thousand three hundred and forty-five", "两千三百四十五"),
    ],
)
def test_numbers_are_spelled_as_spoken(number: int, english: str, chinese: str) -> None:
    assert spell_number(number, language=Language.EN) == english
    assert spell_number(number, language=Language.ZH) == chinese


def test_a_number_ends_where_its_words_end() -> None:
    assert read_number("in fifty metres", 3, language=Language.EN) == (50, 8)
    assert read_number("fifty and then left", 0, language=Language.EN) == (50, 5)
    assert read_number("二百米后", 0, language=Language.ZH) == (200, 2)
    assert read_number("metres", 0, language=Language.EN) is None
    assert read_number("百米", 0, language=Language.ZH) is None


@pytest.mark.parametrize("number", [-1, 10000])
def test_other_numbers_are_refused(number: int) -> None:
    with pytest.raises(ContractError, match="0 to 9999"):
        spell_number(number, language=Language.EN)
