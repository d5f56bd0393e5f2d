// The OpenAPI document of one service, by the swagger-ui that is served from here.
const place = document.getElementById("api-document");
if (place && window.SwaggerUIBundle) {
  window.SwaggerUIBundle({ url: place.dataset.document, domNode: place, deepLinking: false, validatorUrl: null });
}
