"use strict";
(() => {
  const root = document.documentElement;
  const theme = document.querySelector(".theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  const compare = (a, b) => {
    const x = Number(a), y = Number(b);
    if (a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    return a.localeCompare(b, undefined, { numeric: true });
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    table.tHead.addEventListener("click", (event) => {
      const head = event.target.closest("th");
      if (!head) return;
      const before = head.getAttribute("aria-sort");
      const first = head.classList.contains("num") ? "descending" : "ascending";
      const order = before ? (before === "ascending" ? "descending" : "ascending") : first;
      for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => sign * compare(a.cells[head.cellIndex].dataset.sort, b.cells[head.cellIndex].dataset.sort));
      table.tBodies[0].append(...rows);
    });
  }

  const nearest = (times, time) => {
    let low = 0, high = times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= time) low = middle; else high = middle - 1;
    }
    return low;
  };
  const follow = (plots) => {
    const values = JSON.parse(plots.dataset.hover);
    const scope = plots.closest(".side, .drive");
    const canvas = plots.querySelector(".canvas"), dot = scope.querySelector(".dot");
    const cursors = plots.querySelectorAll(".cursor"), readout = plots.querySelector(".readout");
    const frames = [...scope.querySelectorAll(".strip figure")];
    const end = values.t[values.t.length - 1];
    const show = (event) => {
      const box = canvas.getBoundingClientRect();
      const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      const at = nearest(values.t, share * end), time = values.t[at];
      for (const cursor of cursors) { cursor.hidden = false; cursor.style.left = `${(100 * time) / end}%`; }
      dot.hidden = false;
      dot.style.left = `${values.x[at]}%`;
      dot.style.top = `${values.y[at]}%`;
      const pedal = values.g[at] < 0 ? `brake ${-values.g[at]}` : `gas ${values.g[at]}`;
      readout.textContent = `${time.toFixed(1)} s · ${values.v[at]} km/h · ${pedal} · steering ${values.s[at]}`;
      const now = frames.filter((frame) => Number(frame.dataset.time) <= time + 1e-6).pop();
      for (const frame of frames) frame.classList.toggle("now", frame === now);
    };
    const hide = () => {
      for (const cursor of cursors) cursor.hidden = true;
      dot.hidden = true;
      readout.textContent = "";
      for (const frame of frames) frame.classList.remove("now");
    };
    plots.addEventListener("pointermove", show);
    plots.addEventListener("pointerdown", show);
    plots.addEventListener("pointerleave", hide);
  };
  for (const plots of document.querySelectorAll(".plots")) if (plots.dataset.hover) follow(plots);
})();
