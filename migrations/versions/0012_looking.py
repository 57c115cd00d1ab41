"""What a member may look at of what is about another one."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION may_look(reader uuid, about uuid, family uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
          SELECT reader IS NULL OR about IS NULL OR about = reader OR EXISTS (
            SELECT FROM member child
            JOIN person p ON p.id = child.person_id
            JOIN member parent ON parent.family_id = child.family_id AND parent.person_id = reader
            WHERE child.family_id = family AND child.person_id = about AND child.role = 'child'
              AND (child.ends_at IS NULL OR child.ends_at > statement_timestamp())
              AND parent.parental_authority AND (parent.ends_at IS NULL OR parent.ends_at > statement_timestamp())
              AND p.birth_date > (statement_timestamp() AT TIME ZONE 'Europe/Amsterdam')::date - interval '16 years')
          OR EXISTS (
            SELECT FROM consent
            WHERE family_id = family AND person_id = about AND given_by_id = about AND to_person_id = reader
              AND started_at <= statement_timestamp() AND ends_at > statement_timestamp() AND withdrawn_at IS NULL)
        $$
        """
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION may_look(uuid, uuid, uuid)")
