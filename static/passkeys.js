// Passkeys: shows their buttons where the browser has them, and says so in words when it gives none.
(() => {
  "use strict";
  if (window.PublicKeyCredential) {
    for (const part of document.querySelectorAll("[data-needs-passkeys]")) part.hidden = false;
  }
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const fault = document.querySelector("[data-passkey-fault]");
    if (fault) fault.hidden = false;
  });
})();
