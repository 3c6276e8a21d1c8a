// j and k go down and up a table of payouts, x selects, Enter opens: only while the focus is inside the table.
(() => {
  "use strict";
  const table = document.querySelector("table[data-keys]");
  const hint = document.querySelector("[data-keys-hint]");
  if (!table || !hint) return;
  hint.hidden = false;
  const place = table.closest(".scroll-x") || table;
  place.setAttribute("aria-describedby", hint.id);

  const rows = [...table.tBodies[0].rows];
  const target = (row) => row?.querySelector("th a, input[type=checkbox]");
  const here = () => rows.indexOf(document.activeElement?.closest("tbody tr"));
  const go = (step) => {
    const from = here();
    for (let at = from < 0 ? (step > 0 ? 0 : rows.length - 1) : from + step; rows[at]; at += step) {
      const found = target(rows[at]);
      if (found) {
        found.focus();
        rows[at].scrollIntoView({ block: "nearest" });
        return;
      }
    }
  };

  place.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "x") rows[here()]?.querySelector("input[type=checkbox]")?.click();
    else if (event.key === "Enter" && event.target.matches("input[type=checkbox]")) {
      // In a form it would send what is selected.
      rows[here()]?.querySelector("th a")?.click();
    } else return;
    event.preventDefault();
  });
})();
