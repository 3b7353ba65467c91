"""How numbers, dates and months are written: by locale, with the decimals a currency usually has, in English words."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cached_property

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal, get_currency_precision

from cpg1_assets.errors import SettingsError, shown
from cpg1_assets.month import CutoffMonth

USD = "USD"
_DIGITS = 80
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """Writes for one locale, named as in `en`, `en_GB` or `fr_FR`. Make one with `written_in`."""

    locale: Locale

    def amount(self, amount: Decimal, currency: str | None) -> str:
        """Write an amount with its currency's usual decimals, two where the currency is not known; half to even."""
        with localcontext() as context:
            context.prec = _DIGITS
            places = 2 if currency is None else get_currency_precision(currency)
            rounded = amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
            # What rounds to nothing has no sign.
            return format_decimal(rounded or abs(rounded), self._patterns[places], self.locale)

    def exact(self, amount: Decimal) -> str:
        """Write an amount to its last digit, without zeros that say nothing."""
        with localcontext() as context:
            context.prec = _DIGITS
            return format_decimal(
                amount.normalize() + 0, "#,##0.####################", self.locale, decimal_quantization=False
            )

    def count(self, number: int) -> str:
        """Write a whole number."""
        return format_decimal(number, "#,##0", self.locale)

    def day(self, day: date) -> str:
        """Write a day: with the month's English name where the locale is English, else in its own numbers."""
        if self.locale.language == "en":
            return format_date(day, "medium", self.locale)
        return format_skeleton("yMd", day, locale=self.locale)

    def moment(self, moment: str) -> str:
        """Write a moment of the chain, ISO 8601, to the minute and in UTC; as it stands where it is none."""
        try:
            at = datetime.fromisoformat(moment).astimezone(UTC)
        except ValueError:
            return moment
        return f"{self.day(at.date())}, {at:%H:%M} UTC"

    def month(self, month: CutoffMonth) -> str:
        """Write a month in English words."""
        return f"{_MONTHS[month.month - 1]} {month.year}"

    def short_month(self, month: CutoffMonth) -> str:
        """Write a month as an axis has room for."""
        return f"{_MONTHS[month.month - 1][:3]} {month.year % 100:02d}"

    @cached_property
    def _patterns(self) -> dict[int, str]:
        return {places: f"#,##0{'.' * bool(places)}{'0' * places}" for places in range(5)}


def written_in(name: str) -> Written:
    """Give what writes for a locale. Raises SettingsError for one that is not known."""
    try:
        return Written(Locale.parse(name.replace("-", "_")))
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise SettingsError(
            f"CPG1_LOCALE is {shown(name)}, which is no locale that is known: write a language, and a country where it "
            "matters, such as en, en_GB or fr_CI."
        ) from error
