"""The demo's customers: invented names in many scripts, and invented streets at real-looking places.

What belongs here: people and places. What does not: what they order (`demo_orders`). E-mail addresses are of domains
reserved by RFC 2606; phone numbers are of the blocks that regulators keep free for films: the Bundesnetzagentur's in
Germany, Arcep's (01 99 00, 02 61 91, 03 53 01, 04 65 71, 05 36 49) in France.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A customer. `email` is theirs alone, because consents belong to the person behind an address."""

    name: str
    language: str
    email: str


@dataclass(frozen=True, slots=True)
class Place:
    """An address with its coordinates in WGS 84 degrees."""

    line1: str
    postcode: str
    city: str
    country: str
    latitude: float
    longitude: float
    region: str = ""


_NAMES = (
    ("Jonna Lindqvist", "sv", "jonna"),
    ("Łukasz Wiśniewski", "pl", "lukasz"),
    ("Friederike Groß-Übelacker", "de", "friederike"),
    ("佐藤 花子", "ja", "hanako"),
    ("Zoë Çelik", "de", "zoe"),
    ("Ελένη Παπαδοπούλου", "el", "eleni"),
    ("Søren Ågaard", "da", "soren"),
    ("Олена Шевченко", "uk", "olena"),
    ("Maeve O’Connor", "en", "maeve"),
    ("Jürgen Müller-Lüdenscheidt", "de", "juergen"),
    ("김민지", "ko", "minji"),
    ("Đặng Thị Hương", "vi", "huong"),
    ("Beatriz Núñez Ibáñez", "es", "beatriz"),
    ("Anneliese Vogelsang", "de", "anneliese"),
    ("王小明", "zh", "xiaoming"),
    ("Ondřej Šťastný", "cs", "ondrej"),
    ("Þórunn Jónsdóttir", "is", "thorunn"),
    ("Émilie Lefèvre", "fr", "emilie"),
    ("Ayşe Yıldırım", "tr", "ayse"),
    ("Kasimir Blau", "de", "kasimir"),
    ("Grace Abara", "en", "grace"),
    ("Szabó Erzsébet", "hu", "erzsebet"),
    ("Nadja Sommer", "de", "nadja"),
    ("Tomás Ó Súilleabháin", "en", "tomas"),
    ("Mihai Țăranu", "ro", "mihai"),
    ("Wanda Kranich", "de", "wanda"),
    ("Дмитро Коваль", "uk", "dmytro"),
)
_DOMAINS = ("example.com", "example.org", "example.net")

# Within 10 km of the workshop on the canal, and their postcodes stand in data/postcodes.csv.
NEARBY = (
    Place("Falterweg 12", "10997", "Berlin", "DE", 52.5011, 13.4362),
    Place("Am Laternenhof 3", "12047", "Berlin", "DE", 52.4909, 13.4265),
    Place("Sternwartengasse 41", "10437", "Berlin", "DE", 52.5458, 13.4131),
    Place("Nachtigallenzeile 8", "10961", "Berlin", "DE", 52.4921, 13.3968),
    Place("Mottenburger Ufer 77", "10999", "Berlin", "DE", 52.4979, 13.4249),
    Place("Fuchsbau 5", "12435", "Berlin", "DE", 52.4868, 13.4627),
    Place("Dachkatzensteig 19", "10245", "Berlin", "DE", 52.5036, 13.4651),
    Place("Mondscheinallee 2", "10827", "Berlin", "DE", 52.4838, 13.3541),
)
# Due north of the workshop, to the metre: 10.000 km, which is local, and 10.001 km, which is not.
BORDER = Place("Grenzgasse 10", "13187", "Berlin", "DE", 52.585932, 13.4230)
BEYOND = Place("Grenzgasse 11", "13187", "Berlin", "DE", 52.585941, 13.4230)

FAR = (
    Place("Hafenlicht 14", "20095", "Hamburg", "DE", 53.5541, 10.0007),
    Place("Am Spielbudenhang 6", "80331", "München", "DE", 48.1362, 11.5718),
    Place("Havelblick 30", "13585", "Berlin", "DE", 52.5488, 13.2085),
    Place("Rheinschleife 9", "50667", "Köln", "DE", 50.9386, 6.9557),
    Place("Lindenmoor 21", "04109", "Leipzig", "DE", 51.3402, 12.3687),
    Place("Parkende 1", "14467", "Potsdam", "DE", 52.3988, 13.0604),
)
ABROAD = (
    Place("Nachtfaltergasse 7/12", "1070", "Wien", "AT", 48.2021, 16.3488),
    Place("12 rue des Papillons", "69001", "Lyon", "FR", 45.7690, 4.8290),
    Place("48 Lantern Row", "EH3 9AA", "Edinburgh", "GB", 55.9450, -3.2010),
    Place("ul. Ćmy 15 m. 3", "31-042", "Kraków", "PL", 50.0610, 19.9410),
    Place("Månskensgatan 4", "116 45", "Stockholm", "SE", 59.3150, 18.0750),
    Place("Vlinderkade 88-II", "1013 AB", "Amsterdam", "NL", 52.3900, 4.8800),
    Place("Soví 23", "110 00", "Praha", "CZ", 50.0870, 14.4210),
    Place("Οδός Σελήνης 9", "105 58", "Αθήνα", "GR", 37.9740, 23.7300),
    Place("Calle de la Polilla 31", "28004", "Madrid", "ES", 40.4240, -3.6990, "Madrid"),
    Place("Natsværmervej 2", "2200", "København N", "DK", 55.6960, 12.5510),
)
# A German postcode that no row of data/postcodes.csv begins.
UNKNOWN_PLACE = Place("Hinterm Nebel 1", "17291", "Prenzlau", "DE", 53.3160, 13.8620)


def person(number: int) -> Person:
    """The customer of that number: names come again, e-mail addresses do not."""
    name, language, word = _NAMES[number % len(_NAMES)]
    return Person(name, language, f"{word}.{number}@{_DOMAINS[number % len(_DOMAINS)]}")


def phone(number: int) -> str:
    """The phone number of that number in E.164; 55,200 follow before they come again."""
    number %= sum(10**digits for _, digits in _PHONE_BLOCKS)
    for block, digits in _PHONE_BLOCKS:
        if number < 10**digits:
            return f"{block}{number:0{digits}d}"
        number -= 10**digits
    raise AssertionError("the blocks hold every number")


# The first two are mobile numbers.
_PHONE_BLOCKS = (
    ("+4917139200", 2),
    ("+49176040690", 2),
    ("+493023125", 3),
    ("+494066969", 3),
    ("+492214710", 3),
    ("+496990009", 3),
    ("+498999998", 3),
    ("+3319900", 4),
    ("+3326191", 4),
    ("+3335301", 4),
    ("+3346571", 4),
    ("+3353649", 4),
)
