"""Large data in packages: pycountry's tables and translations, phonenumbers' modules for each region."""

import gettext

import phonenumbers
import pycountry
from phonenumbers import carrier, geocoder, timezone

print(len(pycountry.countries), len(pycountry.languages), len(pycountry.subdivisions))
print(pycountry.countries.get(alpha_2="DE"), pycountry.currencies.get(alpha_3="CHF").name)
print(pycountry.countries.search_fuzzy("Bolivia")[0].alpha_3)
german = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=["de"])
print(german.gettext("Switzerland"))
for text in ["+41446681800", "+16502530000", "+442083661177", "+81335993111"]:
    number = phonenumbers.parse(text)
    kind = phonenumbers.number_type(number)
    style = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    print(phonenumbers.format_number(number, style), phonenumbers.region_code_for_number(number), kind)
    print(geocoder.description_for_number(number, "de"), timezone.time_zones_for_number(number))
print(carrier.name_for_number(phonenumbers.parse("+41791234567"), "en"))
