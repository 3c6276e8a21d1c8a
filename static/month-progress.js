// Keeps the bar of a calculation moving, and loads the page once it is over. Without it: load the page again.
(() => {
  "use strict";
  const place = document.querySelector("[data-progress]");
  if (!place) return;
  const bar = place.querySelector("progress");
  const words = place.querySelector("[data-progress-done]");
  const seconds = 1000;

  const look = async () => {
    if (document.hidden) return setTimeout(look, 2 * seconds);
    try {
      const answer = await fetch(place.dataset.progress, {
        headers: { Accept: "application/json" },
        credentials: "same-origin",
        cache: "no-store",
      });
      if (answer.redirected || answer.status === 403 || answer.status === 404) return undefined;
      if (answer.ok) {
        const found = await answer.json();
        bar.max = found.all;
        bar.value = found.done;
        words.textContent = found.done;
        if (!found.works) return location.reload();
      }
    } catch {
      // The network is gone for a moment: ask again.
    }
    return setTimeout(look, 2 * seconds);
  };
  setTimeout(look, seconds);
})();
