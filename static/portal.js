// Small things of every page: the theme and times that keep counting. Pages work without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
  const toggle = document.querySelector("[data-theme-toggle]");

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemIsDark.matches);

  const show = () => {
    if (toggle) {
      toggle.textContent = isDark() ? toggle.dataset.toLight : toggle.dataset.toDark;
      toggle.hidden = false;
    }
    document.dispatchEvent(new CustomEvent("portal:theme"));
  };

  // The server reads the cookie and writes data-theme itself, so the next page does not flash.
  const choose = (theme) => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    root.dataset.theme = theme;
    show();
  };

  toggle?.addEventListener("click", () => choose(isDark() ? "light" : "dark"));
  systemIsDark.addEventListener("change", show);
  show();

  const words = new Intl.RelativeTimeFormat(root.lang || "en", { numeric: "always" });
  const loadedAt = Date.now();
  const times = [...document.querySelectorAll("time[data-ago]")].map((element) => ({
    element,
    // Seconds as the server's clock counted them, so that a wrong clock here does no harm.
    passed: Number(element.dataset.ago),
  }));
  const say = (seconds) => {
    if (seconds < 60) return words.format(-seconds, "second");
    if (seconds < 3600) return words.format(-Math.floor(seconds / 60), "minute");
    if (seconds < 172800) return words.format(-Math.floor(seconds / 3600), "hour");
    return words.format(-Math.floor(seconds / 86400), "day");
  };
  const tick = () => {
    const since = Math.floor((Date.now() - loadedAt) / 1000);
    for (const { element, passed } of times) element.textContent = say(passed + since);
  };
  if (times.length) setInterval(tick, 1000);
})();
