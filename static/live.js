// Keeps whoever has a broker's page open up to date: its figures, that its standing changed, or that they are no
// longer a member. Pages work without it: the next page says the same.
(() => {
  "use strict";
  const place = document.querySelector("[data-stream]");
  if (!place || !window.EventSource) return;
  const { stream, mark, changed, gone, home, goHome, out, lookAgain } = place.dataset;
  const page = document.querySelector("[data-figures]"); // it shows figures that move
  const seconds = 1000;
  // A stream that says nothing for so long does not come through; the server says something every five.
  const patience = 12 * seconds;
  let version = page?.dataset.figures;
  let source = null;
  let said = "";
  let heardAt = 0;
  let failures = 0;
  let next = 0; // the timer of what is tried next
  let polling = 0;
  let isOver = false;

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
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`portal:${name}`, { detail }));
  const close = () => {
    source?.close();
    source = null;
  };
  const stop = () => {
    close();
    clearTimeout(next);
    clearTimeout(polling);
    polling = 0;
  };
  const later = (wait) => {
    clearTimeout(next);
    // Pages that lost the server together do not all come back together.
    if (!document.hidden && !isOver) next = setTimeout(open, wait * (1 + Math.random() / 2));
  };
  // Nothing that comes later will be for this page.
  const end = (...words) => {
    isOver = true;
    stop();
    if (page) tell("lost");
    say(...words);
  };
  const isEnd = (answer) => {
    if (answer.status === 404 || answer.status === 403) end(gone, "error", true);
    else if (answer.redirected) end(out, "error");
    return isOver;
  };

  const took = (figures) => {
    version = figures.version;
    tell("figures", figures);
  };
  // For networks that keep streams back: the same figures, asked for one by one.
  const poll = async () => {
    let wait = 5 * seconds;
    try {
      const answer = await fetch(page.dataset.figuresUrl, {
        headers: { Accept: "application/json", "If-None-Match": `"${version}"` },
        credentials: "same-origin",
        cache: "no-store",
      });
      if (isEnd(answer)) return;
      if (answer.status === 200) took(await answer.json());
      if (answer.ok || answer.status === 304) tell("beat", JSON.parse(answer.headers.get("Figures-Beat")));
      else if (answer.status === 429) wait = 15 * seconds;
      else tell("lost");
    } catch {
      tell("lost");
    }
    if (polling) polling = setTimeout(poll, wait);
  };
  const fallBack = () => {
    if (!page || polling || document.hidden) return;
    polling = 1;
    poll();
  };

  // A stream that cannot be opened says nothing of why: ask for its head.
  const ask = async () => {
    close();
    let answer;
    try {
      answer = await fetch(stream, { method: "HEAD", credentials: "same-origin", cache: "no-store" });
    } catch {
      if (page) tell("lost");
      return later(3 * seconds);
    }
    if (isEnd(answer)) return;
    if (answer.status === 204) return fallBack(); // this server has no streams
    if (failures >= 2 || answer.status === 429) fallBack();
    later((polling || answer.status === 429 ? 60 : 3) * seconds);
    if (answer.status >= 500 && page) tell("lost");
  };
  const failed = () => {
    failures += 1;
    ask();
  };
  const heard = () => {
    heardAt = performance.now();
    failures = 0;
    clearTimeout(polling);
    polling = 0;
  };
  const open = () => {
    if (source || isOver || document.hidden) return;
    clearTimeout(next);
    const address = page ? `${stream}?figures=${encodeURIComponent(version)}` : stream;
    const mine = (source = new EventSource(address));
    heardAt = performance.now();
    mine.addEventListener("standing", (event) => {
      if (!page) heard();
      if (JSON.parse(event.data).mark !== mark) say(changed, "warning");
    });
    mine.addEventListener("figures", (event) => {
      heard();
      took(JSON.parse(event.data));
    });
    mine.addEventListener("beat", (event) => {
      heard();
      tell("beat", JSON.parse(event.data));
    });
    mine.addEventListener("trouble", () => {
      heard();
      tell("lost");
    });
    mine.addEventListener("ended", ask);
    mine.addEventListener("error", () => {
      if (source !== mine) return;
      if (mine.readyState === EventSource.CLOSED) return failed();
      // It comes back by itself, at once when its time was up.
      setTimeout(() => page && source === mine && mine.readyState !== EventSource.OPEN && tell("lost"), 4 * seconds);
    });
  };
  if (page) {
    setInterval(() => {
      if (source && performance.now() - heardAt > patience) {
        if (!polling) tell("lost");
        failed();
      }
    }, seconds);
  }

  // A page that nobody looks at needs no stream; a page that comes back from the browser's memory does.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : open()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", open);
})();
