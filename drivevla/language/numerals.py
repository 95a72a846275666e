"""Whole numbers as words, in English and Chinese, and back.

Only what distances and speeds need: 0 to 9999.
"""

from drivevla.errors import ContractError
from drivevla.language.vocabulary import Language

__all__ = ["LARGEST_SPOKEN", "read_number", "spell_number"]

LARGEST_SPOKEN = 9999

_ENGLISH_SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_ENGLISH_SMALL += [
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_ENGLISH_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ENGLISH_VALUES = {word: value for value, word in enumerate(_ENGLISH_SMALL)} | {
    word: 20 + 10 * index for index, word in enumerate(_ENGLISH_TENS)
}
_ENGLISH_SCALES = {"hundred": 100, "thousand": 1000}

_CHINESE_DIGITS = "零一二三四五六七八九"
_CHINESE_VALUES = {digit: value for value, digit in enumerate(_CHINESE_DIGITS)} | {"两": 2}
_CHINESE_SCALES = {"十": 10, "百": 100, "千": 1000}


def spell_number(number: int, *, language: Language) -> str:
    """A whole number in words, as a speaker says it: "one hundred and fifty", "一百五十".

    Raises:
        ContractError: The number is below 0 or above 9999.
    """
    if not 0 <= number <= LARGEST_SPOKEN:
        raise ContractError(f"only 0 to {LARGEST_SPOKEN} can be spelled, got {number}")
    return _spell_english(number) if language is Language.EN else _spell_chinese(number)


def read_number(text: str, start: int, *, language: Language) -> tuple[int, int] | None:
    """The longest number in words that begins at ``start`` of a lower-case text.

    Returns:
        The number and the index after its last character, or None where no number word stands.
    """
    return _read_english(text, start) if language is Language.EN else _read_chinese(text, start)


def _spell_english(number: int) -> str:
    if number < 20:
        return _ENGLISH_SMALL[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _ENGLISH_TENS[tens - 2] + (f"-{_ENGLISH_SMALL[ones]}" if ones else "")
    scale, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    head, rest = divmod(number, scale)
    joint = " and " if rest < 100 else " "
    return f"{_ENGLISH_SMALL[head]} {name}" + (joint + _spell_english(rest) if rest else "")


def _spell_chinese(number: int) -> str:
    if number < 10:
        return _CHINESE_DIGITS[number]
    if number < 20:
        return "十" + (_CHINESE_DIGITS[number - 10] if number > 10 else "")
    words, rest, gap = "", number, False
    for scale, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, rest = divmod(rest, scale)
        if digit:
            words += ("零" if gap else "") + ("两" if digit == 2 and scale >= 100 else _CHINESE_DIGITS[digit]) + name
            gap = False
        elif words:
            gap = True
    return words


def _read_english(text: str, start: int) -> tuple[int, int] | None:
    total, group, end, cursor = 0, 0, start, start
    while True:
        word, after = _english_word(text, cursor)
        if word in _ENGLISH_SCALES and end > start:
            group = max(group, 1) * _ENGLISH_SCALES[word]
            if word == "thousand":
                total, group = total + group, 0
        elif word in _ENGLISH_VALUES:
            group += _ENGLISH_VALUES[word]
        elif word == "and" and end > start:
            cursor = after + 1  # belongs to the number only when another number word follows
            continue
        else:
            break
        end = after
        cursor = after + 1 if text[after : after + 1] in {" ", "-"} else len(text)
    return (total + group, end) if end > start else None


def _english_word(text: str, start: int) -> tuple[str, int]:
    end = start
    while end < len(text) and text[end].isalpha():
        end += 1
    return text[start:end], end


def _read_chinese(text: str, start: int) -> tuple[int, int] | None:
    total, digit, cursor = 0, None, start
    while cursor < len(text):
        character = text[cursor]
        if character in _CHINESE_VALUES:
            digit = _CHINESE_VALUES[character]
        elif character in _CHINESE_SCALES and (digit is not None or character == "十"):
            total, digit = total + (1 if digit is None or digit == 0 else digit) * _CHINESE_SCALES[character], None
        else:
            break
        cursor += 1
    return (total + (digit or 0), cursor) if cursor > start else None
