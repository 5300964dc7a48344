"""babel reads a file for each locale."""

import datetime
import decimal

from babel import Locale, dates, lists, numbers, units
from babel.localedata import locale_identifiers

when = datetime.datetime(2024, 2, 29, 15, 30)
for name in ["de_CH", "en_US", "ar_EG", "ja_JP", "pt_BR", "hi_IN"]:
    print(
        name,
        dates.format_datetime(when, "full", locale=name),
        numbers.format_currency(decimal.Decimal("1234567.891"), "EUR", locale=name),
        numbers.format_percent(0.1234, locale=name),
        units.format_unit(3, "length-kilometer", locale=name),
        lists.format_list(["a", "b", "c"], locale=name),
        Locale.parse(name).get_display_name("fr"),
        dates.format_timedelta(datetime.timedelta(days=3), locale=name),
    )
print(len(locale_identifiers()))
print(dates.get_timezone_name("Europe/Zurich", locale="it"))
