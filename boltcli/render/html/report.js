"use strict";
// The filter of a table, and the page map: what is under the pointer, and a cell's pages one by one after a click.
for (const input of document.querySelectorAll("input[data-filter]")) {
  const rows = document.querySelectorAll("#" + input.dataset.filter + " tbody tr");
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}
for (const box of document.querySelectorAll(".map[data-map]")) {
  const map = JSON.parse(document.getElementById(box.dataset.map).textContent);
  const bytes = Uint8Array.from(atob(map.pages), (letter) => letter.charCodeAt(0));
  const svg = box.querySelector("svg"), tip = box.querySelector(".tip"), zoom = box.querySelector(".zoom");
  const hit = svg.querySelector(".cell-hit");
  const owner = (page) => {
    let low = 0, high = map.owners.length - 1, found = null;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (map.owners[middle][0] <= page) { found = map.owners[middle][1]; low = middle + 1; } else high = middle - 1;
    }
    return found === null || found < 0 ? null : map.buckets[found];
  };
  const describe = (page) => {
    const kind = map.kinds[bytes[page] >> 4], fill = Math.min(100, Math.round((bytes[page] & 15) * 100 / 15));
    const tree = kind === "leaf" || kind === "branch", bucket = owner(page);
    return "page " + page + " at offset " + page * map.page_size + ": " + kind + (tree ? ", about " + fill + "% full" : "") +
      (bucket === null ? "" : ", bucket " + bucket);
  };
  const cellAt = (event) => {
    const frame = svg.getBoundingClientRect(), scale = map.width * map.side / frame.width;
    const column = Math.floor((event.clientX - frame.left) * scale / map.side);
    const cell = Math.floor((event.clientY - frame.top) * scale / map.side) * map.width + column;
    return column >= 0 && column < map.width && cell >= 0 && cell * map.step < map.count ? cell : null;
  };
  const mark = (cell) => {
    hit.setAttribute("x", (cell % map.width) * map.side);
    hit.setAttribute("y", Math.floor(cell / map.width) * map.side);
    hit.removeAttribute("hidden");
  };
  const show = (cell) => {
    const first = cell * map.step, last = Math.min(first + map.step, map.count) - 1;
    if (!bytes.length) { tip.textContent = "pages " + first + " to " + last; return; }
    if (first === last) { tip.textContent = describe(first); return; }
    const counts = {};
    for (let page = first; page <= last; page++) {
      const kind = map.kinds[bytes[page] >> 4];
      counts[kind] = (counts[kind] || 0) + 1;
    }
    const parts = Object.entries(counts).sort((a, b) => b[1] - a[1]).map(([kind, count]) => count + " " + kind);
    tip.textContent = "pages " + first + " to " + last + ": " + parts.join(", ") + " (click: one by one)";
  };
  svg.addEventListener("mousemove", (event) => {
    const cell = cellAt(event);
    if (cell !== null) { mark(cell); show(cell); }
  });
  svg.addEventListener("click", (event) => {
    const cell = cellAt(event);
    if (cell === null || !bytes.length) return;
    mark(cell); show(cell);
    const first = cell * map.step, last = Math.min(first + map.step, map.count) - 1;
    const list = document.createElement("ol");
    list.start = first;
    for (let page = first; page <= last && page < first + 2000; page++) {
      const item = document.createElement("li");
      item.textContent = describe(page);
      list.append(item);
    }
    zoom.replaceChildren(list);
    zoom.hidden = false;
  });
}
