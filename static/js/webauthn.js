// Security keys: asks the browser for an answer of the key and sends it with the form.
// A form says what it wants: data-webauthn="create" or "get", data-webauthn-field="<id of the hidden field>".
(function () {
  "use strict";
  const options = JSON.parse(document.getElementById("webauthn-options").textContent);
  document.querySelectorAll("form[data-webauthn]").forEach(function (form) {
    const start = form.querySelector("[data-webauthn-start]");
    const failed = form.querySelector("[data-webauthn-error]");
    if (!window.PublicKeyCredential) {
      form.querySelector("[data-webauthn-missing]").hidden = false;
      start.disabled = true;
      return;
    }
    start.addEventListener("click", async function () {
      failed.hidden = true;
      start.disabled = true;
      try {
        const answer = form.dataset.webauthn === "create"
          ? await window.webauthnJSON.create(options.creation_options)
          : await window.webauthnJSON.get(options.request_options);
        document.getElementById(form.dataset.webauthnField).value = JSON.stringify(answer);
        form.submit();
      } catch (error) {
        failed.hidden = false;
        start.disabled = false;
        start.focus();
      }
    });
  });
})();
