"""Time zones without those of the system: tzdata through zoneinfo, and pytz."""

import datetime
import zoneinfo

import pytz

zoneinfo.reset_tzpath(to=[])
noon = datetime.datetime(2024, 7, 1, 12, tzinfo=datetime.timezone.utc)
for name in ["Europe/Berlin", "Asia/Kathmandu", "America/Argentina/Ushuaia", "UTC", "Pacific/Chatham"]:
    print(name, noon.astimezone(zoneinfo.ZoneInfo(name)), noon.astimezone(pytz.timezone(name)))
available = zoneinfo.available_timezones()
print(len(available), sorted(available)[:3])
try:
    zoneinfo.ZoneInfo("Nowhere/Nothing")
except zoneinfo.ZoneInfoNotFoundError as error:
    print(error)
print(len(pytz.all_timezones), pytz.country_timezones("nz"), pytz.country_names["ch"])
print(pytz.resource_exists("Europe/Paris"), pytz.resource_exists("Europe/Nowhere"))
