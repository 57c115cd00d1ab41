// Drives the generated TypeScript client: an agency's system makes, reads, changes and lists; a registrar does so too.
// It says what it has made. `drive.py` does the same.

import assert from "node:assert/strict";
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import {
    ClientAssertionType,
    Configuration,
    ContactFrequency,
    FamiliesApi,
    Framework,
    GrantType,
    InputPlace,
    LegalBasis,
    MemberRole,
    type Problem,
    ProblemFromJSON,
    type Registration,
    RegistrationsApi,
    ResponseError,
    TokensApi,
    WhoIsInvolvedApi,
} from "./spil-typescript/index.js";

interface Given {
    bsns: string[];
    municipality: string;
    legalGround: string;
    registrar: string;
}

const { SPIL = "", SPIL_CLIENT = "", SPIL_KEY = "", SPIL_KEY_NAME = "", GIVEN = "" } = process.env;
const given: Given = JSON.parse(GIVEN);

async function token(): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const who = { iss: SPIL_CLIENT, sub: SPIL_CLIENT, aud: `${SPIL}/oauth/token` };
    const text = [{ alg: "ES256", typ: "JWT", kid: SPIL_KEY_NAME }, { ...who, iat: now, exp: now + 60, jti: randomUUID() }]
        .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
        .join(".");
    const key = { key: createPrivateKey(readFileSync(SPIL_KEY)), dsaEncoding: "ieee-p1363" as const };
    const answer = await new TokensApi(new Configuration({ basePath: SPIL })).getToken({
        clientAssertion: `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`,
        clientAssertionType: ClientAssertionType.JWT_BEARER,
        grantType: GrantType.CLIENT_CREDENTIALS,
    });
    assert.equal(answer.tokenType, "Bearer");
    return answer.accessToken;
}

function below(accessToken: string): Configuration {
    return new Configuration({ basePath: `${SPIL}/v1`, accessToken });
}

async function refused(asked: Promise<unknown>, status: number, code: string): Promise<Problem> {
    try {
        await asked;
    } catch (refusal) {
        assert.ok(refusal instanceof ResponseError);
        const problem = ProblemFromJSON(await refusal.response.json());
        assert.deepEqual([refusal.response.status, problem.status, problem.code], [status, status, code]);
        return problem;
    }
    throw new Error("It was not refused.");
}

async function etagOf(answer: { raw: Response }): Promise<string> {
    const etag = answer.raw.headers.get("ETag");
    assert.ok(etag);
    return etag;
}

// Register everybody, the first one twice under the same key.
async function make(api: RegistrationsApi): Promise<string[]> {
    const made: string[] = [];
    const keys = new Map(given.bsns.map((bsn) => [bsn, randomUUID()]));
    for (const bsn of [given.bsns[0] ?? "", ...given.bsns]) {
        const answer = await api.makeRegistrationRaw({
            idempotencyKey: keys.get(bsn),
            newRegistration: {
                municipalityCode: given.municipality,
                bsn,
                helpDomains: ["parenting"],
                legalBasis: LegalBasis.STATUTORY_TASK,
                legalGround: given.legalGround,
            },
        });
        const { id } = await answer.value();
        assert.equal(answer.raw.status, 201);
        assert.ok(answer.raw.headers.get("Location")?.endsWith(id));
        made.push(id);
    }
    assert.equal(made.shift(), made[0]);
    return made;
}

async function change(api: RegistrationsApi, registrationId: string): Promise<void> {
    const read = await api.getRegistrationRaw({ registrationId });
    assert.equal((await read.value()).contactFrequency, null);
    const old = { registrationId, ifMatch: await etagOf(read) };
    const weekly = { contactFrequency: ContactFrequency.WEEKLY };
    const changed = await api.changeRegistrationRaw({ ...old, registrationChange: weekly });
    const { contactFrequency, legalGround } = await changed.value();
    assert.deepEqual([contactFrequency, legalGround], [ContactFrequency.WEEKLY, given.legalGround]);
    await refused(api.changeRegistration({ ...old, registrationChange: weekly }), 412, "precondition_failed");
    const fresh = { registrationId, ifMatch: await etagOf(changed) };
    const emptied = await api.changeRegistration({ ...fresh, registrationChange: { contactFrequency: null } });
    assert.equal(emptied.contactFrequency, null);
}

// Two to a page, until there is no next one.
async function allOf(api: RegistrationsApi): Promise<Registration[]> {
    const found: Registration[] = [];
    let cursor: string | undefined;
    do {
        const page = await api.listRegistrations({ limit: 2, cursor });
        assert.ok(page.items.length > 0 && page.items.length <= 2);
        found.push(...page.items);
        cursor = page.nextCursor ?? undefined;
    } while (cursor);
    return found;
}

async function isToldWhatIsWrong(api: RegistrationsApi): Promise<void> {
    const nobody = {
        municipalityCode: given.municipality,
        helpDomains: ["nonsense"],
        legalBasis: LegalBasis.STATUTORY_TASK,
    };
    const { errors } = await refused(api.makeRegistration({ newRegistration: nobody }), 400, "invalid");
    assert.ok(errors && errors.length > 0);
    assert.ok(errors.every((error) => error.place === InputPlace.BODY && error.detail));
}

async function openFamilies(families: FamiliesApi): Promise<string[]> {
    const person = { givenName: "Sem", surname: "Voorbeeld" };
    const members = [{ role: MemberRole.CHILD, person }];
    const familyOpening = { name: "Voorbeeld", framework: Framework.VOLUNTARY, members };
    const opened: string[] = [];
    for (let count = 0; count < 3; count += 1) {
        opened.push((await families.openFamily({ familyOpening })).id);
    }
    const [familyId = ""] = opened;
    const ifMatch = await etagOf(await families.getFamilyRaw({ familyId }));
    const renamed = await families.changeFamily({ familyId, ifMatch, familyChange: { name: "Voorbeeld-Jansen" } });
    assert.deepEqual([renamed.name, renamed.framework], ["Voorbeeld-Jansen", Framework.VOLUNTARY]);
    const { items } = await families.listMembers({ familyId });
    assert.deepEqual(items.map(({ givenName, role }) => [givenName, role]), [["Sem", MemberRole.CHILD]]);
    await refused(families.getFamily({ familyId: randomUUID() }), 404, "family_not_found");
    return opened;
}

async function caseload(api: WhoIsInvolvedApi): Promise<string[]> {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
        const page = await api.getCaseload({ limit: 2, cursor });
        found.push(...page.items.map(({ family }) => family.id));
        cursor = page.nextCursor ?? undefined;
    } while (cursor);
    return found;
}

process.on("uncaughtException", async (error) => {
    if (error instanceof ResponseError) {
        console.log(await error.response.text());
    }
    console.log(error);
    process.exitCode = 1;
});

const registrations = new RegistrationsApi(below(await token()));
const made = await make(registrations);
await change(registrations, made[0] ?? "");
await isToldWhatIsWrong(registrations);
assert.deepEqual((await allOf(registrations)).map(({ id }) => id).sort(), [...made].sort());

const registrar = below(given.registrar);
const opened = await openFamilies(new FamiliesApi(registrar));
assert.deepEqual((await caseload(new WhoIsInvolvedApi(registrar))).sort(), [...opened].sort());
const team = await new WhoIsInvolvedApi(registrar).getWhoIsInvolved({ familyId: opened[0] ?? "", acceptLanguage: "en" });
assert.deepEqual([team.family.name, team.leadCoordinator], ["Voorbeeld-Jansen", null]);
console.log(JSON.stringify({ registrations: made, families: opened }));
