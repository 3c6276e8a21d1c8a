// Tells whoever has a broker's page open that its standing changed, or that they are no longer a member.
// Pages work without it: the next page says the same.
(() => {
  "use strict";
  const place = document.querySelector("[data-live]");
  if (!place || !window.EventSource) return;
  const { live, mark, changed, gone, home, goHome, out, lookAgain } = place.dataset;
  const seconds = 1000;
  let source = null;
  let said = "";

  const say = (text, kind, away = false) => {
    if (said === text) return;
    said = text;
    const line = document.createElement("p");
    line.className = `banner ${kind}`;
    const link = document.createElement("a");
    link.href = away ? home : location.href;
    link.textContent = away ? goHome : lookAgain;
    if (!away) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        location.reload();
      });
    }
    line.append(text, " ", link);
    place.replaceChildren(line);
  };
  const stop = () => {
    source?.close();
    source = null;
  };

  // A stream that cannot be opened says nothing of why: ask for its head.
  const ask = async () => {
    stop();
    let answer;
    try {
      answer = await fetch(live, { method: "HEAD", credentials: "same-origin", cache: "no-store" });
    } catch {
      return setTimeout(open, 15 * seconds);
    }
    if (answer.status === 404 || answer.status === 403) return say(gone, "error", true);
    if (answer.redirected) return say(out, "error");
    if (answer.status === 204) return; // this server has no streams
    setTimeout(open, answer.ok ? 3 * seconds : 60 * seconds);
  };
  const open = () => {
    if (source) return;
    source = new EventSource(live);
    source.addEventListener("standing", (event) => {
      if (JSON.parse(event.data).mark !== mark) say(changed, "warning");
    });
    source.addEventListener("ended", ask);
    source.addEventListener("error", () => {
      if (source?.readyState === EventSource.CLOSED) ask();
    });
  };

  // A page that nobody looks at needs no stream; a page that comes back from the browser's memory does.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : open()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", () => document.hidden || open());
})();
