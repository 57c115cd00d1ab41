"""Legal grounds, consents and child protection measures."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

MOMENT = sa.DateTime(timezone=True)
PERIOD = "ends_at > started_at AND isfinite(started_at) AND isfinite(ends_at)"
BASES = ("statutory_task", "consent", "measure", "vital_interest")
DECISIONS = ("given", "objected")
KINDS = (
    "supervision_order", "provisional_supervision_order", "out_of_home_placement", "guardianship",
    "provisional_guardianship", "youth_probation", "secure_youth_care",
)
CONDITIONS = (
    "accept_home_visits", "accept_parenting_help", "accept_treatment", "school_attendance", "contact_arrangement",
    "no_contact_with_person", "stay_at_agreed_address", "sobriety", "share_information_with_lead",
)
ENDS = ("lifted", "replaced", "recorded_in_error", "expired")

DAY_ONE, GDPR = date(2015, 1, 1), date(2018, 5, 25)
"""The list begins with the laws that gave municipalities their tasks for youth and social support."""

GROUNDS = {
    "statutory_task": (
        ("youth_help", "Jeugdwet art. 2.3", "Jeugdhulp", "Youth help"),
        (
            "child_protection_inquiry", "Jeugdwet art. 3.1",
            "Onderzoek door de Raad voor de Kinderbescherming", "Inquiry by the Child Protection Board",
        ),
        ("youth_health_care", "Wet publieke gezondheid art. 5", "Jeugdgezondheidszorg", "Youth health care"),
        (
            "social_support", "Wmo 2015 art. 2.3.1",
            "Maatschappelijke ondersteuning en opvang", "Social support and shelter",
        ),
        ("municipal_access", "Wmo 2015 art. 5.1.1", "Toegang van de gemeente", "Access by the municipality"),
        ("safe_at_home", "Wmo 2015 art. 4.1.1", "Taken van Veilig Thuis", "Tasks of Safe at Home"),
        ("report_to_safe_at_home", "Wmo 2015 art. 5.2.6", "Melding aan Veilig Thuis", "Report to Safe at Home"),
        ("debt_help", "Wet gemeentelijke schuldhulpverlening art. 3", "Schuldhulpverlening", "Debt help"),
        ("work_and_income", "Participatiewet art. 7", "Werk en inkomen", "Work and income"),
        (
            "compulsory_education", "Leerplichtwet 1969 art. 16",
            "Toezicht op de leerplicht", "Supervision of compulsory education",
        ),
        (
            "school_absence", "Leerplichtwet 1969 art. 21",
            "Melding van schoolverzuim", "Report of absence from school",
        ),
        ("police_task", "Politiewet 2012 art. 3", "Politietaak", "Police task"),
        (
            "probation_supervision", "Wetboek van Strafrecht art. 14c",
            "Reclasseringstoezicht", "Probation supervision",
        ),
        ("treatment", "Burgerlijk Wetboek art. 7:446", "Geneeskundige behandeling", "Medical treatment"),
        ("long_term_care", "Wet langdurige zorg art. 3.2.1", "Langdurige zorg", "Long-term care"),
        ("social_housing", "Woningwet art. 45", "Sociale huisvesting", "Social housing"),
    ),
    "consent": (
        (
            "consent_before_gdpr", "Wet bescherming persoonsgegevens art. 8 onder a",
            "Toestemming (voor de AVG)", "Consent (before the GDPR)",
        ),
        ("consent", "AVG art. 6 lid 1 onder a", "Toestemming", "Consent"),
        (
            "consent_special_data", "AVG art. 9 lid 2 onder a",
            "Toestemming voor bijzondere gegevens", "Consent to special categories of data",
        ),
        ("consent_youth_help", "Jeugdwet art. 7.3.11", "Toestemming in de jeugdhulp", "Consent in youth help"),
        (
            "consent_treatment", "Burgerlijk Wetboek art. 7:457",
            "Toestemming van de patiënt", "Consent of the patient",
        ),
    ),
    "measure": (
        ("supervision_order", "Burgerlijk Wetboek art. 1:255", "Ondertoezichtstelling", "Supervision order"),
        (
            "provisional_supervision_order", "Burgerlijk Wetboek art. 1:257",
            "Voorlopige ondertoezichtstelling", "Provisional supervision order",
        ),
        (
            "out_of_home_placement", "Burgerlijk Wetboek art. 1:265b",
            "Machtiging tot uithuisplaatsing", "Out-of-home placement",
        ),
        (
            "guardianship", "Burgerlijk Wetboek art. 1:302",
            "Voogdij door een gecertificeerde instelling", "Guardianship by a certified institution",
        ),
        (
            "provisional_guardianship", "Burgerlijk Wetboek art. 1:241",
            "Voorlopige voogdij", "Provisional guardianship",
        ),
        ("youth_probation", "Wetboek van Strafrecht art. 77hh", "Jeugdreclassering", "Youth probation"),
        ("secure_youth_care", "Jeugdwet art. 6.1.2", "Gesloten jeugdhulp", "Secure youth care"),
    ),
    "vital_interest": (
        ("vital_interest", "AVG art. 6 lid 1 onder d", "Vitaal belang", "Vital interest"),
    ),
}
"""By basis: code, article, labels in Dutch and English; valid from day one, unless said below."""
BEGINS = {
    "social_housing": date(2015, 7, 1),
    "consent": GDPR,
    "consent_special_data": GDPR,
    "vital_interest": GDPR,
}
ENDED = {"consent_before_gdpr": date(2018, 5, 24)}
PURPOSES = [
    ("coordination_of_help", "Afstemming van de hulp", "Coordination of help"),
    ("assessment_of_signals", "Beoordeling van signalen", "Assessment of signals"),
    ("emergency", "Noodsituatie", "Emergency"),
    ("oversight", "Toezicht op het gebruik", "Oversight of use"),
    ("own_data", "Inzage in de eigen gegevens", "Access to one's own data"),
    ("administration", "Beheer", "Administration"),
]


def upgrade() -> None:
    _code_lists()
    _consent()
    _measure()
    op.add_column("family", sa.Column("framework_ends_at", MOMENT, nullable=True))
    op.add_column("involvement", sa.Column("legal_ground", sa.String(), nullable=True))
    op.add_column("involvement", sa.Column("basis_ends_at", MOMENT, nullable=True))
    domains = sa.Column("consented_domains", sa.ARRAY(sa.Text()), nullable=False, server_default="{}")
    op.add_column("involvement", domains)
    op.alter_column("involvement", "consented_domains", server_default=None)
    op.add_column("involvement", sa.Column("measure_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("involvement_legal_ground_fkey"), "involvement", "legal_ground", ["legal_ground"], ["code"]
    )
    op.create_foreign_key(op.f("involvement_measure_id_fkey"), "involvement", "measure", ["measure_id"], ["id"])
    op.create_index("involvement_measure_id_idx", "involvement", ["measure_id"])
    op.execute("UPDATE involvement SET basis_ends_at = ends_at WHERE end_reason IS NULL AND ends_at IS NOT NULL")


def _code_lists() -> None:
    grounds = op.create_table(
        "legal_ground",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("basis", sa.String(40), nullable=False),
        sa.Column("article", sa.String(), nullable=False),
        *_labelled_and_valid(),
        sa.CheckConstraint(f"basis IN {BASES}", name=op.f("legal_ground_legalbasis_check")),
        sa.CheckConstraint("valid_until >= valid_from", name=op.f("legal_ground_valid_check")),
        sa.PrimaryKeyConstraint("code", name=op.f("legal_ground_pkey")),
    )
    purposes = op.create_table(
        "purpose",
        sa.Column("code", sa.Text(), nullable=False),
        *_labelled_and_valid(),
        sa.CheckConstraint("valid_until >= valid_from", name=op.f("purpose_valid_check")),
        sa.PrimaryKeyConstraint("code", name=op.f("purpose_pkey")),
    )
    rows = [(basis, *row) for basis, some in GROUNDS.items() for row in some]
    op.bulk_insert(
        grounds,
        [
            {
                "code": code,
                "basis": basis,
                "article": article,
                "label_nl": dutch,
                "label_en": english,
                "position": place,
                "valid_from": BEGINS.get(code, DAY_ONE),
                "valid_until": ENDED.get(code),
            }
            for place, (basis, code, article, dutch, english) in enumerate(rows, 1)
        ],
    )
    op.bulk_insert(
        purposes,
        [
            {"code": code, "label_nl": dutch, "label_en": english, "position": place, "valid_from": DAY_ONE}
            for place, (code, dutch, english) in enumerate(PURPOSES, 1)
        ],
    )


def _labelled_and_valid() -> list[sa.Column[Any]]:
    return [
        sa.Column("label_nl", sa.String(), nullable=False),
        sa.Column("label_en", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
    ]


def _references(table: str, **targets: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([column], [target], name=op.f(f"{table}_{column}_fkey"))
        for column, target in targets.items()
    ]


def _consent() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("decision", sa.String(40), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=True),
        sa.Column("help_domain", sa.String(), nullable=True),
        sa.Column("to_person_id", sa.Uuid(), nullable=True),
        sa.Column("given_by_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.CheckConstraint(f"decision IN {DECISIONS}", name=op.f("consent_consentdecision_check")),
        sa.CheckConstraint(PERIOD, name=op.f("consent_period_check")),
        sa.CheckConstraint("decision = 'objected' OR ends_at IS NOT NULL", name=op.f("consent_has_end_check")),
        sa.CheckConstraint(
            "to_person_id IS NULL OR (agency_id IS NULL AND help_domain IS NULL AND decision = 'given')",
            name=op.f("consent_looking_check"),
        ),
        sa.CheckConstraint("withdrawn_at >= started_at", name=op.f("consent_withdrawn_check")),
        *_references(
            "consent",
            family_id="family.id",
            person_id="person.id",
            agency_id="agency.id",
            help_domain="help_domain.code",
            to_person_id="person.id",
            given_by_id="person.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("consent_pkey")),
    )
    op.create_index("consent_family_id_idx", "consent", ["family_id", "person_id"])
    op.create_index("consent_person_id_idx", "consent", ["person_id"])


def _measure() -> None:
    known = "ARRAY[" + ", ".join(f"'{code}'" for code in CONDITIONS) + "]"
    op.create_table(
        "measure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("conditions", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("negotiable", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("end_reason", sa.String(40), nullable=True),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("measure_measurekind_check")),
        sa.CheckConstraint(f"end_reason IN {ENDS}", name=op.f("measure_measureend_check")),
        sa.CheckConstraint(PERIOD, name=op.f("measure_period_check")),
        sa.CheckConstraint(f"conditions <@ {known}", name=op.f("measure_conditions_check")),
        sa.CheckConstraint(f"negotiable <@ {known}", name=op.f("measure_negotiable_check")),
        sa.CheckConstraint("NOT conditions && negotiable", name=op.f("measure_either_check")),
        *_references("measure", family_id="family.id", person_id="person.id", agency_id="agency.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("measure_pkey")),
    )
    key = "md5(family_id::text || person_id::text || kind)::uuid"
    op.execute(
        "ALTER TABLE measure ADD CONSTRAINT measure_one_at_a_time EXCLUDE USING gist "
        f"(uuidrange({key}, {key}, '[]') WITH &&, tstzrange(started_at, ends_at) WITH &&)"
    )
    op.create_index("measure_family_id_idx", "measure", ["family_id"])
    op.create_index("measure_person_id_idx", "measure", ["person_id"])
    op.create_index("measure_agency_id_idx", "measure", ["agency_id", "family_id"])
    op.create_index(
        "measure_lapsing_idx",
        "measure",
        ["ends_at"],
        postgresql_where=sa.text("ends_at IS NOT NULL AND end_reason IS NULL"),
    )


def downgrade() -> None:
    op.drop_column("family", "framework_ends_at")
    op.drop_index("involvement_measure_id_idx", "involvement")
    for name in ("measure_id", "consented_domains", "basis_ends_at", "legal_ground"):
        op.drop_column("involvement", name)
    for table in ("measure", "consent", "purpose", "legal_ground"):
        op.drop_table(table)
