"""Number formats of spreadsheets: what an integer looks like in one, and which currency it puts beside an amount.

Only what is certain is shown. Where formats are stored is the business of the workbook's readers.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from cpg1_assets.inbox.currency import MARK, currency_name, is_currency_sign, mark_of

BUILT_IN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "m/d/yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
    20: "h:mm", 21: "h:mm:ss", 22: "m/d/yyyy h:mm", 37: "#,##0_);(#,##0)", 38: "#,##0_);[Red](#,##0)",
    39: "#,##0.00_);(#,##0.00)", 40: "#,##0.00_);[Red](#,##0.00)", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0",
    48: "##0.0E+0", 49: "@",
    5: '"$"#,##0_);("$"#,##0)', 6: '"$"#,##0_);[Red]("$"#,##0)', 7: '"$"#,##0.00_);("$"#,##0.00)',
    8: '"$"#,##0.00_);[Red]("$"#,##0.00)', 41: "_(* #,##0_);_(* (#,##0);_(* -_);_(@_)",
    42: '_("$"* #,##0_);_("$"* (#,##0);_("$"* -_);_(@_)', 43: "_(* #,##0.00_);_(* (#,##0.00);_(* -??_);_(@_)",
    44: '_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* -??_);_(@_)',
}  # fmt: skip
"""The formats a workbook names by number alone. 5 to 8, 42 and 44 are in the currency of whoever wrote it, if not in $."""
BUILT_IN |= dict.fromkeys([*range(27, 37), *range(50, 59)], "m/d/yyyy")  # dates of East Asia

_PART = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[(?P<bracket>[^\]]*)\]|_(?P<blank>.)|\*(?P<fill>.)'
    r"|(?P<general>General|Standard)|(?P<date>AM/PM|A/P)|(?P<scientific>[Ee][+-])|(?P<end>;)|(?P<digit>[0#?])"
    r"|(?P<other>.)",
    re.DOTALL | re.IGNORECASE,
)
_COLOUR = re.compile(r"black|blue|cyan|green|magenta|red|white|yellow|colou?r ?\d+", re.IGNORECASE)
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)
_CURRENCY = re.compile(r"\$(?P<symbol>[^-]*)(?:-(?P<locale>[0-9A-Za-z-]+))?")
_OF_A_LOCALE = {("£", "809"): "GBP", ("$", "409"): "USD"}
_PLAIN_LOCALE = re.compile(r"0*(?:1?[0-9a-fA-F]{2})?[0-9a-fA-F]{0,4}|[a-z]{2,3}(?:-[A-Za-z0-9]+)*")
_DATE_LETTERS = frozenset("dmyhsDMYHS")
_LITERALS = frozenset("$-+():!^&'~{}<>= \u00a0\u202f")
_RESERVED_LETTERS = frozenset("bgenra")
_PERCENT = "it is a percentage"
_UNCERTAIN = {"%": _PERCENT, "/": "it is a fraction"}
_SIGNIFICANT = {".": "dot", ",": "comma", "@": "at"}
_MOST_PARTS = 200
_SECTIONS_WITH_ZERO = 3


@dataclass(frozen=True, slots=True)
class _Section:
    """One part of a format between semicolons."""

    tokens: tuple[tuple[str, str], ...]
    """Kinds: text, digit (0 # ?), dot, comma, general, at."""
    marks: tuple[str, ...] = ()
    unknown: str = ""
    """What in it makes the look of a number uncertain, as a person would name it."""
    is_date: bool = False
    is_conditional: bool = False


class NotCertainError(ValueError):
    """What a format makes of a number is not certain. The text says why."""


def is_harmless(code: str) -> bool:
    """Tell whether any integer looks in this format as in General, and any amount is just a number."""
    return code.strip() in {"", "General", "GENERAL", "general", "Standard", "0", "@"}


def is_only_a_number(code: str) -> bool:
    """Tell whether the format of an amount says nothing that its value does not: no currency, date, percent or word."""
    return all(
        not section.marks and not section.is_date and not section.unknown and not _words(section)
        for section in _sections(code)
    )


def shows_dates(code: str) -> bool:
    """Tell whether the format shows some numbers as dates or times."""
    return any(section.is_date for section in _sections(code))


def is_date(code: str, value: float) -> bool:
    """Tell whether the number is shown as a date or time."""
    return _section(code, value).is_date


def shown(code: str, value: float) -> str:
    """Give the text of a whole number that is not negative. Raises NotCertainError where it is not certain."""
    if value > 0 and (places := _zeros(code)):
        return str(int(value)).zfill(places)
    section = _section(code, value)
    if section.unknown or section.is_conditional:
        raise NotCertainError(section.unknown or "it has a condition")
    kinds = [kind for kind, _ in section.tokens]
    digits = str(int(value))
    if "general" in kinds or "at" in kinds:
        if "digit" in kinds or kinds.count("general") + kinds.count("at") != 1:
            raise NotCertainError("it mixes General with digits")
        return "".join(digits if kind in {"general", "at"} else text for kind, text in section.tokens).strip()
    if "digit" not in kinds:
        raise NotCertainError("it shows no digit of the number")
    return _in_places(section.tokens, digits).strip()


def currency_marks(code: str, value: float) -> tuple[str, ...]:
    """Give the marks of currencies the format puts beside an amount. Raises NotCertainError for any other word."""
    section = _section(code, value)
    if words := _words(section):
        raise NotCertainError(f"it puts {words!r:.40} beside the number")
    return section.marks


def shows_percent(code: str, value: float) -> bool:
    """Tell whether the number is shown a hundred times as large."""
    return _section(code, value).unknown == _PERCENT


@lru_cache(maxsize=4096)
def _zeros(code: str) -> int:
    """Give the number of zeros where a format of positive numbers is nothing else, as for most ids; else 0."""
    sections = _sections(code)
    if any(section.is_conditional for section in sections) or sections[0].unknown:
        return 0
    tokens = sections[0].tokens
    return len(tokens) if all(token == ("digit", "0") for token in tokens) else 0


def _words(section: _Section) -> str:
    """Give what letters a format writes itself that are no currency."""
    text = MARK.sub("", "".join(text for kind, text in section.tokens if kind == "text"))
    return text.strip() if any(map(str.isalpha, text)) else ""


def _in_places(tokens: tuple[tuple[str, str], ...], digits: str) -> str:
    """Put the digits of a whole number into a format's places, from the right."""
    places = [at for at, (kind, _) in enumerate(tokens) if kind == "digit"]
    dot = next((at for at, (kind, _) in enumerate(tokens) if kind == "dot"), len(tokens))
    commas = [at for at, (kind, _) in enumerate(tokens) if kind == "comma"]
    whole = [at for at in places if at < dot]
    if any(not whole or at > whole[-1] or at < whole[0] for at in commas):
        raise NotCertainError("it scales the number by thousands")
    if not whole:
        raise NotCertainError("it has no place for whole digits")
    left = digits if digits != "0" else ""
    filled: dict[int, str] = {}
    count = 0
    for at in reversed(whole):
        taken = left if at == whole[0] else left[-1:]
        left = "" if at == whole[0] else left[:-1]
        taken = taken or {"0": "0", "?": " "}.get(tokens[at][1], "")
        if commas:
            grouped = ""
            for digit in reversed(taken):
                grouped = digit + ("," if count and count % 3 == 0 else "") + grouped
                count += 1
            taken = grouped
        filled[at] = taken
    for at in places:
        if at > dot:
            filled[at] = {"0": "0", "?": " "}.get(tokens[at][1], "")
    return "".join(
        filled.get(at, "") if kind == "digit" else "" if kind == "comma" else text
        for at, (kind, text) in enumerate(tokens)
    )


def _section(code: str, value: float) -> _Section:
    """Give the section in use: positive, negative, zero; conditions are not followed, and said so."""
    sections = _sections(code)
    if any(section.is_conditional for section in sections):
        return next(section for section in sections if section.is_conditional)
    if value < 0 and len(sections) > 1:
        return sections[1]
    if value == 0 and len(sections) >= _SECTIONS_WITH_ZERO:
        return sections[2]
    return sections[0]


@lru_cache(maxsize=4096)
def _sections(code: str) -> tuple[_Section, ...]:
    found: list[_Section] = []
    reading = _Reading()
    for count, part in enumerate(_PART.finditer(code if code.strip() else "General")):
        kind = str(part.lastgroup)
        if kind == "end":
            found.append(reading.section())
            reading = _Reading()
        elif count > _MOST_PARTS:
            reading.said.append("it is too long")
            break
        else:
            reading.take(kind, part[kind])
    return (*found, reading.section())


class _Reading:
    """One section of a format while it is read."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._tokens: list[tuple[str, str]] = []
        self._marks: list[str] = []
        self._is_date = False
        self._is_conditional = False

    def section(self) -> _Section:
        """Give what was read."""
        texts = "".join(text for kind, text in self._tokens if kind == "text")
        written = [mark_of(mark) for mark in MARK.findall(texts)]
        written += filter(is_currency_sign, MARK.sub("", texts))
        unknown = self.said[0] if self.said else "it is a date or time" if self._is_date else ""
        marks = tuple(dict.fromkeys([*self._marks, *written]))
        return _Section(tuple(self._tokens), marks, unknown, self._is_date, self._is_conditional)

    def take(self, kind: str, text: str) -> None:
        """Take one part, of a kind of `_PART`."""
        if kind in {"quoted", "escaped"}:
            self._tokens.append(("text", text))
        elif kind in {"blank", "fill"}:
            self._tokens.append(("text", " "))
            if kind == "fill" and text != " ":
                self.said.append(f"it fills the cell with {text!r}")
        elif kind == "bracket":
            self._take_bracket(text)
        elif kind in {"general", "digit"}:
            self._tokens.append((kind, text))
        elif kind == "date" or text in _DATE_LETTERS:
            self._is_date = True
        elif text in _SIGNIFICANT:
            self._tokens.append((_SIGNIFICANT[text], text))
        elif kind == "scientific" or text in _UNCERTAIN:
            self.said.append(_UNCERTAIN.get(text, "it is in scientific notation"))
        else:
            self._take_literal(text)

    def _take_literal(self, text: str) -> None:
        """Take a character that stands for itself, if it does."""
        is_letter = text.isalpha() and text.lower() not in _RESERVED_LETTERS
        if text not in _LITERALS and not is_letter and not is_currency_sign(text):
            self.said.append(f"{text!r} in it may mean several things")
        self._tokens.append(("text", text))

    def _take_bracket(self, text: str) -> None:
        """Take what stands in square brackets: a colour, a currency or locale, elapsed time, or a condition."""
        if _COLOUR.fullmatch(text):
            return
        if _ELAPSED.fullmatch(text):
            self._is_date = True
        elif currency := _CURRENCY.fullmatch(text):
            symbol, locale = currency_name(currency["symbol"]), currency["locale"] or ""
            if symbol:
                known = MARK.fullmatch(symbol)
                mark = mark_of(known[0]) if known else symbol
                self._marks.append(_OF_A_LOCALE.get((mark, locale.lstrip("0")), mark))
                self._tokens.append(("currency", symbol))
            if not _PLAIN_LOCALE.fullmatch(locale):
                self.said.append(f"the digits of the locale {locale} are not known")
        elif text.startswith(("<", ">", "=")):
            self._is_conditional = True
        else:
            self.said.append(f"[{text:.20}] in it is not known")
