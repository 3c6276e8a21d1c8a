// The demo's running codes: counts down, then takes the new ones out of the same page.
(() => {
  "use strict";
  const counter = document.querySelector("[data-seconds-left]");
  let endsAt = Date.now() + Number(counter.dataset.secondsLeft) * 1000;

  const renew = async () => {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("[data-codes]").replaceWith(page.querySelector("[data-codes]"));
    endsAt = Date.now() + Number(page.querySelector("[data-seconds-left]").dataset.secondsLeft) * 1000;
  };
  const tick = async () => {
    const left = Math.ceil((endsAt - Date.now()) / 1000);
    counter.textContent = Math.max(left, 0);
    if (left <= 0) await renew().catch(() => {});
    setTimeout(tick, 1000);
  };
  tick();
})();
