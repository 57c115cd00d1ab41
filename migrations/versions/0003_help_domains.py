"""The national list of help domains: the thirteen of the ZRM 2017, and three of youth practice."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

DOMAINS = [
    ("finances", "Financiën", "Finances"),
    ("work_education", "Werk en opleiding", "Work and education"),
    ("daytime_activities", "Tijdsbesteding", "Daytime activities"),
    ("housing", "Huisvesting", "Housing"),
    ("domestic_relations", "Huiselijke relaties", "Domestic relations"),
    ("mental_health", "Geestelijke gezondheid", "Mental health"),
    ("physical_health", "Lichamelijke gezondheid", "Physical health"),
    ("substance_use", "Middelengebruik", "Substance use"),
    ("basic_adl", "Basale ADL", "Basic activities of daily life"),
    ("instrumental_adl", "Instrumentele ADL", "Instrumental activities of daily life"),
    ("social_network", "Sociaal netwerk", "Social network"),
    ("community_participation", "Maatschappelijke participatie", "Community participation"),
    ("justice", "Justitie", "Justice"),
    ("parenting", "Opvoeding", "Parenting"),
    ("child_development", "Ontwikkeling van het kind", "Child development"),
    ("child_safety", "Veiligheid van het kind", "Child safety"),
]


def upgrade() -> None:
    table = sa.table("help_domain", *(sa.column(name) for name in ("code", "label_nl", "label_en", "position")))
    op.bulk_insert(
        table,
        [
            {"code": code, "label_nl": dutch, "label_en": english, "position": position}
            for position, (code, dutch, english) in enumerate(DOMAINS, start=1)
        ],
    )


def downgrade() -> None:
    codes = ", ".join(f"'{code}'" for code, _, _ in DOMAINS)
    op.execute(f"DELETE FROM help_domain WHERE code IN ({codes})")
