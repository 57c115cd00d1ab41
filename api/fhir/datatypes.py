"""The data types that several resources share."""

import hashlib
import json
import re
from typing import Any

from api.fhir.codings import MASKED

NL_CORE = "http://nictiz.nl/fhir/StructureDefinition/nl-core-"
OWN_NAME = "http://hl7.org/fhir/StructureDefinition/humanname-own-name"
OWN_PREFIX = "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix"

PREFIX = re.compile(
    r"((?:(?:van|von|de|der|den|het|'t|ter|ten|te|in|op|aan|bij|uit|la|le|el|al|da|du|dos)\s+)+)(\S.*)", re.IGNORECASE
)
"""The words before a Dutch family name under which nobody looks it up."""


def resource(kind: str, logical_id: str, *, profile: str | None = None, **content: Any) -> dict[str, Any]:
    """A resource without what it has nothing for, its version a digest of all it shows."""
    meta = {"profile": [f"{NL_CORE}{profile}"]} if profile else {}
    meta |= content.pop("meta", {})
    changed = meta.pop("lastUpdated", None)
    whole = {"resourceType": kind, "id": logical_id, "meta": meta} | _filled(content)
    digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:32]
    whole["meta"] = {"versionId": digest} | ({"lastUpdated": changed} if changed else {}) | _filled(meta)
    return whole


def _filled(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value not in (None, [], {}, "")}


def reference(kind: str, logical_id: str, display: str | None = None) -> dict[str, Any]:
    return {"reference": f"{kind}/{logical_id}", "type": kind} | ({"display": display} if display else {})


def masked() -> dict[str, Any]:
    """Somebody who isn't shown to this reader."""
    return {"extension": [MASKED]}


def period(start: str | None, end: str | None) -> dict[str, Any] | None:
    return _filled({"start": start, "end": end}) or None


def identifier(system: str, value: str) -> dict[str, Any]:
    return {"system": system, "value": value}


def telecom(phone: str | None, email: str | None) -> list[dict[str, Any]]:
    known = (("phone", phone), ("email", email))
    return [{"system": system, "value": value, "use": "work"} for system, value in known if value]


def human_name(given_name: str, surname: str) -> dict[str, Any]:
    """A name whose prefix and own name stand apart too, after nl-core-NameInformation."""
    prefix, own = found.groups() if (found := PREFIX.fullmatch(surname)) else ("", surname)
    parts = [{"url": OWN_PREFIX, "valueString": prefix.strip()}] if prefix else []
    parts.append({"url": OWN_NAME, "valueString": own})
    return {
        "text": f"{given_name} {surname}",
        "family": surname,
        "_family": {"extension": parts},
        "given": [given_name],
    }
