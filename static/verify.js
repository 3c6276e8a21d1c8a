// Computes a file's digest here and sends only that. Without this script the form sends the file.
(() => {
  "use strict";
  const form = document.querySelector("[data-verify]");
  if (!form || !window.crypto?.subtle) return;
  const file = form.querySelector("input[type=file]");
  const digest = form.querySelector("input[name=digest]");
  const drop = form.querySelector("[data-drop]");
  const said = document.querySelector("[data-said]");
  const upload = document.querySelector("[data-upload]");
  const LARGEST = 200_000_000;
  let asked = 0;

  form.querySelector("[data-sends]").hidden = true;
  form.querySelector("[data-stays]").hidden = false;

  const say = (name) => {
    said.replaceChildren(document.querySelector(`template[data-${name}]`).content.cloneNode(true));
  };

  const sha256 = async (of) => {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await of.arrayBuffer()));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };

  // What the portal says: its answer, or what was wrong with the question. Anything else is no answer.
  const answerTo = async (name, value) => {
    const body = new FormData();
    body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    if (name) body.set(name, value);
    const response = await fetch(`${form.action}?part=answer`, { method: "POST", body, redirect: "error" });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const answer = page.querySelector("[data-answer]");
    if (!answer) throw new Error(`no answer: ${response.status}`);
    return document.adoptNode(answer);
  };

  // Only the newest question is answered: a slow file does not overwrite what was asked after it.
  const verify = async (question) => {
    const mine = ++asked;
    upload.hidden = true;
    say("working");
    try {
      const answer = await answerTo(...(await question()));
      if (mine !== asked) return "";
      said.replaceChildren(answer);
      said.scrollIntoView({ block: "nearest" });
      return answer.dataset.answer;
    } catch {
      if (mine === asked) say("failed");
      return "";
    }
  };

  const verifyFile = async (chosen) => {
    if (chosen.size > LARGEST) {
      asked += 1;
      upload.hidden = true;
      say("too-large");
      return;
    }
    const outcome = await verify(async () => ["digest", await sha256(chosen)]);
    const isJson = /\.json$/i.test(chosen.name) || chosen.type === "application/json";
    upload.hidden = !(outcome === "unknown" && isJson && chosen.size <= Number(form.dataset.readUpTo));
  };

  const verifyWhatIsThere = () => {
    if (file.files[0]) verifyFile(file.files[0]);
    else verify(async () => ["digest", digest.value]);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    verifyWhatIsThere();
  });
  // The one takes the other's place, so that a digest is never answered with the file's outcome.
  digest.addEventListener("input", () => {
    file.value = "";
    upload.hidden = true;
  });
  file.addEventListener("change", () => {
    digest.value = "";
    if (file.files[0]) verifyWhatIsThere();
  });
  document.querySelector("[data-send]").addEventListener("click", () => {
    const chosen = file.files[0];
    verify(async () => ["file", chosen]);
  });

  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.remove("over");
    });
  }
  drop.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    file.files = event.dataTransfer.files;
    digest.value = "";
    verifyWhatIsThere();
  });
})();
