// A real OpenID Connect provider on a free port of this machine, for tests. What it says of whom comes in as JSON in
// the first argument; its issuer goes out as the first line. A line `rotate` on standard input gives it a new signing
// key, `overlap` one beside the old; each is answered with a line.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const wanted = JSON.parse(process.argv[2]);

function newKey() {
  const { privateKey } =
    wanted.algorithm === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: wanted.algorithm };
}

function resourceServer() {
  return {
    scope: wanted.scopes.join(" "),
    audience: wanted.audience,
    accessTokenFormat: "jwt",
    accessTokenTTL: 600,
    jwt: { sign: { alg: wanted.algorithm } },
  };
}

function provider(issuer, keys) {
  const signed = { id_token_signed_response_alg: wanted.algorithm };
  const made = new Provider(issuer, {
    jwks: { keys },
    clients: [
      {
        client_id: "dashboard",
        token_endpoint_auth_method: "none",
        redirect_uris: [wanted.callback],
        grant_types: ["authorization_code"],
        response_types: ["code"],
        ...signed,
      },
      ...Object.keys(wanted.systems).map((name) => ({
        client_id: name,
        client_secret: wanted.secret,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
        ...signed,
      })),
    ],
    cookies: { keys: [randomUUID()] },
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => wanted.audience,
        useGrantedResource: () => true,
        getResourceServerInfo: resourceServer,
      },
    },
    extraTokenClaims: (_, token) => wanted.systems[token.clientId] ?? wanted.people[token.accountId],
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    pkce: { required: () => true },
    ttl: { Session: 600, Interaction: 600, Grant: 600, IdToken: 600, AccessToken: 600, ClientCredentials: 600 },
  });
  return made.callback();
}

let keys = [newKey()];
let answer;
const server = createServer((request, response) => answer(request, response));
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  answer = provider(issuer, keys);
  console.log(issuer);
  createInterface({ input: process.stdin })
    .on("line", (line) => {
      keys = line === "overlap" ? [newKey(), ...keys] : [newKey()];
      answer = provider(issuer, keys);
      console.log(keys[0].kid);
    })
    .on("close", () => process.exit(0));
});
