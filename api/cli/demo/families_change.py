"""Families of the demo that tell about families themselves: opened, moved, closed, and in two homes. All invented."""

from api.cli.demo.field import HOME, NEIGHBOUR
from api.cli.demo.steps import accepts, call, closes, confirms, invited, involved, lays_down, leads, moves, reopens
from api.cli.demo.stories import Story, carer, child, parent
from api.domain.codes import ContactFrequency, FamilyClosing, MandateEnd, MemberRole, Strategy

CHANGES = (
    Story(
        "person_in_two_families",
        "Kind in twee gezinnen (1): bij moeder na de scheiding",
        "Molenaar",
        opened=130,
        people=[parent("Daphne Molenaar", 36), child("Finn Oostra", 10)],
        steps=[
            involved(129, "wilg.yasmina", "parenting", "child_development"),
            *leads(120, "wilg.yasmina"),
            call(118, "parenting", "wilg.yasmina"),
            call(118, "child_development", "wilg.yasmina"),
        ],
    ),
    Story(
        "person_in_two_families",
        "Kind in twee gezinnen (2): bij vader en zijn nieuwe partner",
        "Oostra",
        opened=95,
        people=[
            parent("Jelmer Oostra", 38),
            carer("Naomi Pinas", 34, MemberRole.STEP_PARENT),
            child("Finn Oostra", 10),
            child("Roan Pinas", 6),
        ],
        steps=[
            involved(94, "sluis.fatma", "parenting", every=ContactFrequency.MONTHLY),
            involved(80, "schuld.nadia", "finances"),
            *leads(75, "sluis.fatma"),
            call(70, "parenting", "sluis.fatma"),
            call(70, "finances", "schuld.nadia"),
        ],
    ),
    Story(
        "closed",
        "Afgesloten: de hulp is klaar",
        "Ypma",
        opened=300,
        strategy=Strategy.REFRESH,
        people=[parent("Gonda Ypma", 47), child("Sil Ypma", 16), child("Wies Ypma", 13)],
        steps=[
            involved(298, "team.ineke", "parenting", "finances"),
            *leads(295, "team.ineke", until=60),
            call(290, "parenting", "team.ineke"),
            confirms(130, "team.ineke"),
            lays_down(46, "team.ineke", MandateEnd.COMPLETED),
            closes(45, FamilyClosing.COMPLETED),
        ],
    ),
    Story(
        "reopened",
        "Heropend: na een half jaar opnieuw hulp nodig",
        "Zandstra",
        opened=400,
        strategy=Strategy.REFRESH,
        people=[parent("Marlies Zandstra", 43), child("Julian Zandstra", 14)],
        steps=[
            involved(398, "wilg.yasmina", "parenting"),
            *leads(395, "wilg.yasmina", until=-200),
            closes(220, FamilyClosing.STOPPED_BY_FAMILY),
            reopens(20),
            invited(19, "wilg.yasmina", "parenting"),
            accepts(15, "wilg.yasmina", every=ContactFrequency.MONTHLY),
            *leads(12, "wilg.yasmina"),
            call(10, "parenting", "wilg.yasmina"),
        ],
    ),
    Story(
        "moved_here",
        "Verhuisd: overgenomen van een andere gemeente, met het hele team",
        "Abrahams",
        opened=180,
        municipality=NEIGHBOUR,
        people=[parent("Ruth Abrahams", 35), child("Joël Abrahams", 12), child("Hanna Abrahams", 8)],
        steps=[
            involved(178, "veen.jeroen", "parenting"),
            *leads(172, "veen.jeroen", until=120),
            call(170, "parenting", "veen.jeroen"),
            moves(28, HOME),
            involved(21, "schuld.nadia", "finances"),
            call(20, "finances", "schuld.nadia"),
        ],
    ),
    Story(
        "other_municipality",
        "Van een andere gemeente: in Veenmeer ziet niemand dit gezin",
        "Bouhali",
        opened=70,
        municipality=NEIGHBOUR,
        people=[parent("Samir Bouhali", 37), child("Ilias Bouhali", 9)],
        steps=[
            involved(68, "veen.sanne", "parenting"),
            *leads(60, "veen.sanne"),
            call(58, "parenting", "veen.sanne"),
        ],
    ),
    Story(
        "just_opened",
        "Net geopend: nog niemand betrokken",
        "Nijholt",
        opened=2,
        people=[parent("Sanne Nijholt", 25), child("Boaz Nijholt", 0)],
    ),
)
