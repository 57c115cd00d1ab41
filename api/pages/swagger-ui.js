// Shows the description of the very service that serves this page, so that what is tried reaches that one.
fetch("/v1/openapi.json", { headers: { Accept: "application/json" } })
  .then((answer) => answer.json())
  .then((spec) => {
    const here = (servers) => servers.map((one) => ({ ...one, url: location.origin + new URL(one.url).pathname.replace(/\/$/, "") }));
    spec.servers = here(spec.servers);
    for (const path of Object.values(spec.paths)) if (path.servers) path.servers = here(path.servers);
    SwaggerUIBundle({
      dom_id: "#documentation",
      spec,
      deepLinking: true,
      docExpansion: "none",
      filter: true,
      tryItOutEnabled: true,
      persistAuthorization: false,
      validatorUrl: null,
      defaultModelsExpandDepth: 0,
    });
  });
