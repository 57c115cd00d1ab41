// Nothing but what this service has itself: no fonts of others, and no worker for the search.
Redoc.init(
  "/v1/openapi.json",
  {
    theme: { typography: { fontFamily: "system-ui, sans-serif", headings: { fontFamily: "system-ui, sans-serif" } } },
    disableSearch: true,
    hideDownloadButton: false,
    requiredPropsFirst: true,
  },
  document.getElementById("documentation"),
);
