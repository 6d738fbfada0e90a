// The description is beside /docs, wherever both are: behind a stage's name, or a base path.
SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  // No other host is asked whether the description is valid; our tests say so.
  validatorUrl: null,
});
