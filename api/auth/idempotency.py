"""A POST sent twice has one effect: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).

The key is claimed in the effect's own transaction, so there is never an effect without its record or the other way
round. The same key with another request is refused. The answer is kept sealed, for whoever may still get it: a replay
passes the policy like any request. What is compared is a keyed digest, from which no BSN can be guessed.
"""

import json
from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from api.domain.errors import Conflict
from api.domain.models import IdempotentRequest
from api.domain.vault import Place
from api.domain.work import Work


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Claim:
    """One caller's key, and what it was sent with."""

    caller: str
    key: str
    request: bytes

    @property
    def _bound_to(self) -> Place:
        return Place("idempotent_request", "answer", (self.caller, self.key))

    def earlier_answer(self, work: Work) -> Answer | None:
        """Claim the key; the answer of before if it was used before for the same request."""
        fingerprint = work.vault.pseudonym(self.request)
        claimed = work.session.execute(
            insert(IdempotentRequest)
            .values(caller=self.caller, key=self.key, fingerprint=fingerprint, at=work.at)
            .on_conflict_do_nothing()
            .returning(col(IdempotentRequest.key))
        ).first()
        if claimed:
            return None
        return self.answer_of_before(work)

    def answer_of_before(self, work: Work) -> Answer | None:
        """What was answered under this key; None where it wasn't used."""
        known = work.session.get(IdempotentRequest, (self.caller, self.key))
        if known is None:
            return None
        if known.answer is None or not work.vault.is_pseudonym_of(known.fingerprint, self.request):
            raise Conflict("This Idempotency-Key was used for another request. Use a new one.", code="key_reused")
        return _loads(work.vault.open(known.answer, bound_to=self._bound_to))

    def keep(self, work: Work, answer: Answer) -> None:
        record = work.session.get_one(IdempotentRequest, (self.caller, self.key))
        record.answer = work.vault.seal(_dumps(answer), bound_to=self._bound_to)


def _dumps(answer: Answer) -> bytes:
    return json.dumps({"status": answer.status, "body": answer.body.decode(), "headers": answer.headers}).encode()


def _loads(kept: bytes) -> Answer:
    fields = json.loads(kept)
    return Answer(fields["status"], fields["body"].encode(), fields["headers"])
