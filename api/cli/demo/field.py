"""The field of the demo municipality, as data: its agencies of every kind, and who works for them. All invented."""

from dataclasses import dataclass

from api.cli.grounds import GROUND_OF
from api.domain.codes import AgencyKind as Kind

HOME, NEIGHBOUR = "9901", "9902"
"""CBS codes that no municipality has."""
MUNICIPALITIES = {HOME: ("Veenmeer", "Toegangsteam Veenmeer"), NEIGHBOUR: ("Lindehaven", "Wijkteam Lindehaven")}


@dataclass(frozen=True)
class Organisation:
    """An agency, the register its professionals are in, and those professionals: key, name, function."""

    key: str
    name: str
    kind: Kind
    help_domains: tuple[str, ...]
    staff: tuple[tuple[str, str, str], ...]
    register: str | None = None
    signal_only: bool = False


FIELD = (
    Organisation(
        "wilg",
        "Jeugdhulp De Wilg",
        Kind.YOUTH_CARE,
        ("parenting", "child_development", "mental_health"),
        (
            ("marieke", "Marieke Terpstra", "gezinsbehandelaar"),
            ("ruben", "Ruben Oosterhof", "ambulant jeugdhulpverlener"),
            ("yasmina", "Yasmina Belkadi", "pedagogisch medewerker"),
            ("tom", "Tom Wessels", "ambulant jeugdhulpverlener"),
        ),
        register="SKJ",
    ),
    Organisation(
        "veen",
        "Jeugdbescherming Noordveen",
        Kind.CERTIFIED_INSTITUTION,
        ("child_safety", "parenting"),
        (
            ("ingrid", "Ingrid Dekkinga", "jeugdbeschermer"),
            ("jeroen", "Jeroen Valkema", "jeugdbeschermer"),
            ("sanne", "Sanne Postma", "jeugdreclasseerder"),
        ),
        register="SKJ",
    ),
    Organisation(
        "vt",
        "Veilig Thuis Veenstreek",
        Kind.SAFE_AT_HOME,
        ("child_safety", "domestic_relations"),
        (
            ("karin", "Karin Holwerda", "maatschappelijk werker"),
            ("milan", "Milan Brons", "vertrouwensarts"),
        ),
    ),
    Organisation(
        "baken",
        "Vrouwenopvang Het Lichtbaken",
        Kind.WOMENS_SHELTER,
        ("domestic_relations", "housing"),
        (
            ("esther", "Esther Nauta", "hulpverlener opvang"),
            ("fleur", "Fleur Adema", "kindbehartiger"),
        ),
    ),
    Organisation(
        "schuld",
        "Schuldhulp Veenmeer",
        Kind.DEBT_HELP,
        ("finances",),
        (
            ("dennis", "Dennis Ruiter", "schuldhulpverlener"),
            ("nadia", "Nadia Elmas", "budgetcoach"),
            ("bart", "Bart Kuiper", "schuldhulpverlener"),
        ),
    ),
    Organisation(
        "turf",
        "Woonstichting De Turfhoek",
        Kind.HOUSING,
        ("housing",),
        (
            ("wim", "Wim Hazelhof", "woonconsulent"),
            ("petra", "Petra Zijlstra", "consulent sociaal beheer"),
        ),
    ),
    Organisation(
        "getij",
        "GGZ Het Laagtij",
        Kind.MENTAL_HEALTH,
        ("mental_health",),
        (
            ("lotte", "Lotte van Rijn", "psycholoog"),
            ("omar", "Omar Haddad", "sociaal-psychiatrisch verpleegkundige"),
            ("irene", "Irene Kok", "systeemtherapeut"),
        ),
        register="BIG",
    ),
    Organisation(
        "keer",
        "Verslavingszorg De Keer",
        Kind.ADDICTION_CARE,
        ("substance_use",),
        (
            ("sjoerd", "Sjoerd Bakema", "verslavingsdeskundige"),
            ("leila", "Leila Amrani", "ambulant begeleider"),
        ),
    ),
    Organisation(
        "riet",
        "Zorggroep Rietkraag",
        Kind.DISABILITY_CARE,
        ("basic_adl", "instrumental_adl", "daytime_activities"),
        (
            ("gerda", "Gerda Mulder", "persoonlijk begeleider"),
            ("pieter", "Pieter Boonstra", "ambulant begeleider"),
        ),
    ),
    Organisation(
        "dijk",
        "Huisartsenpraktijk Aan de Veendijk",
        Kind.GENERAL_PRACTICE,
        ("physical_health",),
        (
            ("anouk", "Anouk Feenstra", "huisarts"),
            ("koen", "Koen Dillema", "praktijkondersteuner jeugd"),
        ),
        register="BIG",
    ),
    Organisation(
        "jgz",
        "Jeugdgezondheid Veenstreek",
        Kind.YOUTH_HEALTH_CARE,
        ("child_development", "physical_health"),
        (
            ("hanna", "Hanna Visserman", "jeugdverpleegkundige"),
            ("joke", "Joke Tuinstra", "jeugdarts"),
        ),
        register="BIG",
    ),
    Organisation(
        "sluis",
        "Welzijn De Veensluis",
        Kind.SOCIAL_WORK,
        ("social_network", "community_participation", "parenting"),
        (
            ("fatma", "Fatma Yilmazer", "maatschappelijk werker"),
            ("stefan", "Stefan Hoekema", "jongerenwerker"),
            ("wendy", "Wendy Plas", "coördinator steungezinnen"),
        ),
    ),
    Organisation(
        "werk",
        "Werkplein Veenstreek",
        Kind.WORK_AND_INCOME,
        ("work_education", "finances"),
        (
            ("erik", "Erik Damstra", "klantmanager"),
            ("samira", "Samira Oukili", "jobcoach"),
            ("rolf", "Rolf Engelsman", "consulent inkomen"),
        ),
    ),
    Organisation(
        "pluis",
        "Basisschool Het Veenpluis",
        Kind.SCHOOL,
        ("child_development",),
        (
            ("corine", "Corine Stam", "intern begeleider"),
            ("thijs", "Thijs Meijering", "leerkracht"),
        ),
        signal_only=True,
    ),
    Organisation(
        "college",
        "Veenmeer College",
        Kind.SCHOOL,
        ("child_development", "work_education"),
        (
            ("linda", "Linda Kramer", "zorgcoördinator"),
            ("daan", "Daan Brouwers", "mentor"),
        ),
    ),
    Organisation(
        "politie",
        "Politie, basisteam Veenmeer",
        Kind.POLICE,
        ("justice", "child_safety"),
        (
            ("mark", "Mark Jonkman", "wijkagent"),
            ("anja", "Anja Rozema", "taakaccenthouder jeugd"),
        ),
        signal_only=True,
    ),
    Organisation(
        "rec",
        "Reclassering Veenstreek",
        Kind.PROBATION,
        ("justice",),
        (
            ("freek", "Freek Lubbers", "reclasseringswerker"),
            ("mirjam", "Mirjam Staal", "toezichthouder"),
        ),
    ),
    Organisation(
        "team",
        "Sociaal team Veenmeer",
        Kind.MUNICIPALITY,
        ("finances", "housing", "parenting", "social_network"),
        (
            ("ineke", "Ineke Wagenaar", "casusregisseur"),
            ("hassan", "Hassan Ouali", "gezinscoach"),
            ("maud", "Maud Sikkema", "gezinscoach"),
        ),
    ),
)

ABSENCES = (
    # Who is away, from and until how many days from now, and who covers.
    ("schuld.bart", -3, 18, "schuld.nadia"),
    ("getij.omar", -6, 9, None),
    ("wilg.tom", -2, 12, "wilg.yasmina"),
    ("riet.pieter", 20, 34, "riet.gerda"),
)


def ground_of(who: str) -> str:
    """The statutory task that an agency, or a professional of it, names."""
    key = who.partition(".")[0]
    return next(GROUND_OF[one.kind] for one in FIELD if one.key == key)
