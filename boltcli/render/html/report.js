"use strict";
// Buttons that copy or unfold, filters of tables, and the page map: what is in the cell under the pointer or the cursor.
const each = (selector, work, root) => { for (const found of (root || document).querySelectorAll(selector)) work(found); };
const select = (element) => { const range = document.createRange(); range.selectNodeContents(element);
  const chosen = getSelection(); chosen.removeAllRanges(); chosen.addRange(range); };
each("button[data-copy]", (button) => {
  const code = button.parentElement.querySelector("code");
  button.hidden = false;
  button.addEventListener("click", async () => {
    let done = true;
    try { await navigator.clipboard.writeText(code.textContent); }
    catch { select(code); done = document.execCommand("copy"); }
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
});
each("button[data-unfold]", (button) => {
  button.hidden = !document.querySelector("details");
  button.addEventListener("click", () => {
    const open = button.dataset.unfold === "all";
    each("details", (part) => { part.open = open; });
    button.dataset.unfold = open ? "none" : "all";
    button.textContent = open ? "Fold all" : "Unfold all";
  });
});
const reveal = () => {
  let part = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
  if (!part) return;
  for (let outer = part; outer; outer = outer.parentElement) if (outer.localName === "details") outer.open = true;
  part.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();
each("input[data-filter]", (input) => {
  const rows = document.querySelectorAll("#" + input.dataset.filter + " tbody tr");
  input.hidden = false;
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
});
each(".map[data-map]", (box) => {
  const map = JSON.parse(document.getElementById(box.dataset.map).textContent);
  const bytes = Uint8Array.from(atob(map.pages), (letter) => letter.charCodeAt(0));
  const svg = box.querySelector(":scope > svg"), tip = box.querySelector(".tip"), list = box.querySelector(".pages");
  const hit = svg.querySelector(".hit"), cells = Math.ceil(map.count / map.step), number = (n) => n.toLocaleString("en");
  let at = 0;
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
    return kind + (tree ? ", about " + fill + "% full" : "") + (bucket === null ? "" : ", bucket " + bucket);
  };
  const range = (cell) => [cell * map.step, Math.min((cell + 1) * map.step, map.count) - 1];
  const name = (first, last) => first === last
    ? "page " + number(first) + " at offset " + number(first * map.page_size)
    : "pages " + number(first) + " to " + number(last);
  const show = (cell) => {
    const [first, last] = range(cell), counts = new Map();
    at = cell;
    hit.setAttribute("x", (cell % map.width) * map.side);
    hit.setAttribute("y", Math.floor(cell / map.width) * map.side);
    hit.removeAttribute("hidden");
    let words = "";
    if (bytes.length && first === last) words = ": " + describe(first);
    else if (bytes.length) {
      for (let page = first; page <= last; page++) {
        const kind = map.kinds[bytes[page] >> 4];
        counts.set(kind, (counts.get(kind) || 0) + 1);
      }
      words = ": " + [...counts].sort((a, b) => b[1] - a[1]).map(([kind, n]) => n + " " + kind).join(", ") + " (Enter: one by one)";
    }
    tip.textContent = name(first, last) + words;
  };
  const open = (cell) => {
    const [first, last] = range(cell), items = [];
    if (!bytes.length || first === last) return;
    for (let page = first, start = first; page <= last; page++) {
      if (page < last && describe(page + 1) === describe(start)) continue;
      const item = document.createElement("li");
      item.textContent = name(start, page) + ": " + describe(start);
      items.push(item);
      start = page + 1;
    }
    list.replaceChildren(...items);
    list.hidden = false;
  };
  const cellAt = (event) => {
    const frame = svg.getBoundingClientRect(), side = map.side * frame.width / svg.viewBox.baseVal.width;
    const column = Math.floor((event.clientX - frame.left) / side), row = Math.floor((event.clientY - frame.top) / side);
    const cell = row * map.width + column;
    return column >= 0 && column < map.width && cell >= 0 && cell < cells ? cell : null;
  };
  svg.addEventListener("mousemove", (event) => { const cell = cellAt(event); if (cell !== null) show(cell); });
  svg.addEventListener("click", (event) => { const cell = cellAt(event); if (cell !== null) { show(cell); open(cell); } });
  svg.addEventListener("focus", () => show(at));
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: map.width, ArrowUp: -map.width }[event.key];
    if (step && at + step >= 0 && at + step < cells) show(at + step);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(cells - 1);
    else if (event.key === "Enter") open(at);
    else return;
    event.preventDefault();
  });
});
