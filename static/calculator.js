// Calculates while one types: asks the server for the same part of the page. Without it the button does.
(() => {
  "use strict";
  const form = document.querySelector("[data-calculator]");
  const result = document.querySelector("[data-result]");
  const said = document.querySelector("[data-said]");
  if (!form) return;
  const PAUSE = 350;
  let timer = 0;
  let asked = null;

  const address = () => {
    const found = new URL(form.action);
    found.search = new URLSearchParams(new FormData(form)).toString();
    return found;
  };

  // Each input keeps focus and cursor: only what is wrong with it is taken over.
  const takeErrors = (page) => {
    for (const input of form.querySelectorAll("input")) {
      const fresh = page.getElementById(input.id);
      input.parentElement.querySelector(".errorlist")?.remove();
      const errors = fresh.parentElement.querySelector(".errorlist");
      if (errors) input.before(document.adoptNode(errors));
      for (const name of ["aria-invalid", "aria-describedby"]) {
        if (fresh.hasAttribute(name)) input.setAttribute(name, fresh.getAttribute(name));
        else input.removeAttribute(name);
      }
    }
  };

  const show = (text, { typing }) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const summary = page.querySelector("[data-summary]");
    // Half a number is no mistake yet: what is wrong is said once the field is left.
    if (!summary && typing) return false;
    takeErrors(page);
    result.replaceChildren(...page.querySelector("[data-result]").childNodes);
    result.classList.remove("stale");
    said.textContent = summary ? summary.dataset.summary : "";
    return true;
  };

  const ask = async ({ typing }) => {
    asked?.abort();
    const mine = new AbortController();
    asked = mine;
    const shared = address();
    const part = new URL(shared);
    part.hash = "";
    part.searchParams.set("part", "calculator");
    try {
      const answer = await fetch(part, { signal: mine.signal, credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      if (show(await answer.text(), { typing })) history.replaceState(null, "", shared);
    } catch (problem) {
      // Whoever overtook this question answers it; anything else leaves the old result, marked as such.
      if (problem.name !== "AbortError") result.classList.add("stale");
    }
  };

  const later = (event) => {
    result.classList.add("stale");
    clearTimeout(timer);
    timer = setTimeout(ask, event.type === "change" ? 0 : PAUSE, { typing: event.type !== "change" });
  };

  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    ask({ typing: false });
  });
})();
