"use strict";
(() => {
  const root = document.documentElement;

  // Theme: the system's until the reader chooses; the choice is kept where the browser allows it.
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const label = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  try {
    const kept = localStorage.getItem("isoperimetry-theme");
    if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  } catch { /* storage is closed to this page: the system's theme stays */ }
  button.hidden = false;
  label();
  dark.addEventListener("change", label);
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("isoperimetry-theme", root.dataset.theme); } catch { /* as above */ }
    label();
  });

  // Tables sort by a click on a heading, or Enter or space on it; what is not known stays last.
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  const read = (cell) => {
    if (!("value" in cell.dataset)) return null;
    const number = Number(cell.dataset.value);
    return Number.isNaN(number) ? cell.dataset.value : number;
  };
  const sort = (table, place) => {
    const heads = [...table.tHead.rows[0].cells];
    const order = heads[place].getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[place].setAttribute("aria-sort", order);
    const rows = [...table.tBodies[0].rows].map((row) => [read(row.cells[place]), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return order === "ascending" ? compare(a, b) : compare(b, a);
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
  };
  document.querySelectorAll("table[data-sortable]").forEach((table) => {
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      head.querySelector("button").addEventListener("click", () => sort(table, place));
    });
  });

  // A page is printed with everything open.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));

  // The table of contents marks where the reader is: at the last of its targets above the upper third of the window.
  const places = [...document.querySelectorAll("nav a")]
    .map((link) => [link, document.getElementById(link.hash.slice(1))])
    .filter(([, target]) => target);
  let waiting = false;
  const mark = () => {
    waiting = false;
    let here = places[0]?.[0];
    for (const [link, target] of places) if (target.getBoundingClientRect().top < innerHeight / 3) here = link;
    places.forEach(([link]) => link.removeAttribute("aria-current"));
    here?.setAttribute("aria-current", "true");
  };
  addEventListener("scroll", () => { if (!waiting) { waiting = true; requestAnimationFrame(mark); } }, { passive: true });
  mark();
})();
