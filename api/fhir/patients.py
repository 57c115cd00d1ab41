"""Patient: a member of a family. RelatedPerson: the same human as parent or child of another member.

Whoever is a member of two families is a Patient in each, with the same `urn:spil:person` identifier. A BSN is never
shown. Spil records no gender and no address, and so doesn't speak of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from api.domain.codes import MemberRole
from api.fhir.codings import AS_CHILD, AS_PARENT, LEGAL_REPRESENTATIVE, PERSON, ROLE_CODE, coding, concept
from api.fhir.datatypes import human_name, identifier, reference, resource
from api.fhir.ids import joined
from api.fhir.organizations import municipality_reference

Member = Mapping[str, Any]
"""A member as a read gives them (`members_seen.sql`)."""


def patient_id(member: Member) -> str:
    return joined(member["familyId"], member["personId"])


def patient(member: Member, household: Sequence[Member]) -> dict[str, Any]:
    """`household`: all members that the reader sees; to parents and children among them this patient is a relative."""
    return resource(
        "Patient",
        patient_id(member),
        profile="Patient",
        identifier=[identifier(PERSON, member["personId"])],
        active=True,
        name=[human_name(member["givenName"], member["surname"])],
        birthDate=member["birthDate"],
        managingOrganization=municipality_reference(member["municipalityCode"]),
        link=[
            {"other": reference("RelatedPerson", relative_id(other, member)), "type": "seealso"}
            for other in household
            if relationship(other, member)
        ],
    )


def patient_reference(member: Member) -> dict[str, Any]:
    return reference("Patient", patient_id(member), f"{member['givenName']} {member['surname']}")


def relative_id(member: Member, relative: Member) -> str:
    return joined(member["familyId"], member["personId"], relative["personId"])


def related_person(member: Member, relative: Member) -> dict[str, Any]:
    """What `relative` is to `member`, by their roles in the family."""
    return resource(
        "RelatedPerson",
        relative_id(member, relative),
        profile="ContactPerson",
        identifier=[identifier(PERSON, relative["personId"])],
        active=True,
        patient=patient_reference(member),
        relationship=[concept(one) for one in relationship(member, relative)],
        name=[human_name(relative["givenName"], relative["surname"])],
        birthDate=relative["birthDate"],
    )


def relationship(member: Member, relative: Member) -> list[dict[str, Any]]:
    """How they are kin; empty if as far as Spil knows they aren't parent and child."""
    if member["role"] == MemberRole.CHILD and relative["role"] in AS_PARENT:
        decides = [LEGAL_REPRESENTATIVE] if relative["parentalAuthority"] else []
        return [coding(ROLE_CODE, *AS_PARENT[relative["role"]]), *decides]
    if relative["role"] == MemberRole.CHILD and member["role"] in AS_CHILD:
        return [coding(ROLE_CODE, *AS_CHILD[member["role"]])]
    return []
