// Shows figures that live.js brings, piece by piece, as the server wrote them. Without it the page is right as
// of when it was loaded, and says so.
(() => {
  "use strict";
  const announcer = document.querySelector("[data-figures]");
  if (!announcer) return;
  const seconds = 1000;
  const { month, back } = announcer.dataset;
  const panel = document.querySelector("[data-live-panel]");
  const lost = document.querySelector("[data-lost]");
  const moved = document.querySelector("[data-moved]");
  let tier = announcer.dataset.tier;
  let saidAt = -Infinity;
  let isLost = false;

  // What is parsed here runs no scripts, and only what differs is touched: who reads or copies is left alone.
  const show = (html) => {
    for (const piece of new DOMParser().parseFromString(html, "text/html").querySelectorAll("[data-live]")) {
      const place = document.querySelector(`[data-live="${piece.dataset.live}"]`);
      if (place && place.innerHTML !== piece.innerHTML) place.replaceChildren(...piece.childNodes);
    }
  };
  // For who cannot see the page: never the figures themselves, and no more than one thing in half a minute.
  const announce = (text) => {
    const wait = saidAt + 30 * seconds - performance.now();
    clearTimeout(announce.later);
    if (wait > 0) {
      announce.later = setTimeout(announce, wait, text);
      return;
    }
    saidAt = performance.now();
    announcer.textContent = text;
  };
  const found = () => {
    if (!isLost) return;
    isLost = false;
    panel?.classList.remove("is-lost");
    if (lost) lost.hidden = true;
    announce(back);
  };
  let isLoading = false;
  const load = (within) => {
    if (isLoading) return;
    isLoading = true;
    setTimeout(() => location.reload(), Math.random() * within);
  };

  document.addEventListener("portal:figures", ({ detail }) => {
    // Another month is another page; pages that are open at midnight do not all ask for it at once.
    if (detail.month !== month) return load(15 * seconds);
    // The page had nothing to show and has no place for it.
    if ("empty" in announcer.dataset && detail.fills > 0) return load(seconds);
    show(detail.html);
    if (moved) moved.hidden = false;
    if (detail.tier !== tier) announce(detail.says);
    tier = detail.tier;
  });
  document.addEventListener("portal:beat", ({ detail }) => {
    show(detail.html);
    found();
  });
  document.addEventListener("portal:lost", () => {
    if (isLost) return;
    isLost = true;
    panel?.classList.add("is-lost");
    if (lost) {
      lost.hidden = false;
      announce(lost.textContent);
    }
  });
})();
