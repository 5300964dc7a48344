NAME = "loaded lazily"
