"use strict";

const SHOWN = 20;
const FILES_SHOWN = 50;
const TILES = 150;
const ROOMY = { width: 120, height: 80 };
const HEAD = 20;
const CHUNK = 200;

const byId = (id) => document.getElementById(id);
const counted = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;
const perCent = (critical, measured) => (critical ? Math.round((100 * measured) / critical) : 100);

let index;
let files;
let unmeasured;
let root;
let current;
let shownUnmeasured = SHOWN;
const blocks = new Map();
const overview = { scroll: 0, focus: null };

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

async function unpacked(id) {
  const bytes = Uint8Array.from(atob(byId(id).textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function readFiles() {
  files = index.files.map(([path, app, pack, lines, block, place, marks]) => ({
    path, app, pack, lines, block, place,
    marks: marks.map(([name, line, start, end, score, critical, measured, reasons, hand]) => ({
      name, line, start, end, score, critical, measured, hand, reasons: reasons.map((reason) => index.reasons[reason]),
    })),
  }));
  unmeasured = files
    .flatMap((file) => file.marks.filter((mark) => mark.critical && !mark.measured).map((mark) => ({ file, mark })))
    .sort((one, other) => other.mark.score - one.mark.score);
}

/* The map: a tree of packages, sized by lines of code. */

function makeTree() {
  root = node("all", "", null);
  for (const file of files) {
    let place = root;
    const parts = file.pack.startsWith("(") ? [] : file.pack.split(".");
    for (const part of parts) {
      if (!place.children.has(part)) place.children.set(part, node(part, place.key ? `${place.key}.${part}` : part, place));
      place = place.children.get(part);
    }
    const leaf = node(file.path.split("/").pop(), file.path, place);
    leaf.file = file;
    place.children.set(`/${file.path}`, leaf);
    const critical = file.marks.filter((mark) => mark.critical);
    for (let above = leaf; above; above = above.parent) {
      above.lines += file.lines;
      above.critical += critical.length;
      above.measured += critical.filter((mark) => mark.measured).length;
    }
  }
}

function node(name, key, parent) {
  return { name, key, parent, file: null, lines: 0, critical: 0, measured: 0, children: new Map() };
}

function found(key) {
  let place = root;
  for (const part of key ? key.split(".") : []) {
    if (!place.children.has(part)) return root;
    place = place.children.get(part);
  }
  return place;
}

function drawMap(place) {
  while (place.children.size === 1 && !place.file) {
    const only = place.children.values().next().value;
    if (only.file) break;
    place = only;
  }
  const crumbs = [];
  for (let above = place; above; above = above.parent) crumbs.unshift(above);
  byId("crumbs").replaceChildren(
    ...crumbs.flatMap((crumb, position) => [
      ...(position ? [" / "] : []),
      crumb === place
        ? element("strong", { textContent: crumb.name })
        : element("button", { type: "button", textContent: crumb.name, onclick: () => zoom(crumb) }),
    ]),
  );
  const map = byId("map");
  current = place;
  const tiles = tiled(place, 0, 0, map.clientWidth || 1000, map.clientHeight || 400);
  if (tiles.length) tiles[0].tabIndex = 0;
  map.onkeydown = (event) => moved(event, tiles, place);
  map.replaceChildren(...tiles);
  return tiles;
}

/* The tiles of what is in a package; packages with room enough show what is in them, below a line with their name. */
function tiled(place, left, top, width, height) {
  const tiles = [];
  for (const { child, x, y, w, h } of squarified(largest(place), width, height)) {
    if (child.children.size && w > ROOMY.width && h > ROOMY.height) {
      tiles.push(tile(child, left + x, top + y, w, HEAD, "head"));
      tiles.push(...tiled(child, left + x, top + y + HEAD, w, h - HEAD));
    } else {
      tiles.push(tile(child, left + x, top + y, w, h));
    }
  }
  return tiles;
}

function largest(place) {
  const every = [...place.children.values()].filter((child) => child.lines).sort((one, other) => other.lines - one.lines);
  const shown = every.slice(0, TILES);
  const rest = every.slice(TILES);
  if (!rest.length) return shown;
  const others = node(`${rest.length} smaller ones`, "", null);
  for (const small of rest) {
    others.lines += small.lines;
    others.critical += small.critical;
    others.measured += small.measured;
  }
  return [...shown, others];
}

function tile(child, x, y, w, h, kind = "") {
  const share = perCent(child.critical, child.measured);
  const told = child.critical ? `${child.measured} of ${child.critical} measured, ${share} %` : "nothing critical";
  const made = element(
    "button",
    {
      type: "button", tabIndex: -1, className: `${kind} ${child.critical ? "" : "none"}`, title: `${child.name}: ${told}, ${counted(child.lines, "line")}`,
      "aria-label": `${child.name}: ${told}, ${counted(child.lines, "line")}`,
      onclick: () => (child.file ? go(`#/file/${encodeURIComponent(child.file.path)}`) : child.children.size && zoom(child)),
    },
  );
  if (w > 40 && (h > 18 || kind)) made.append(element("b", { textContent: child.name }));
  if (w > 60 && child.critical && (h > 36 || kind)) made.append(element("small", { textContent: `${share} % of ${child.critical}` }));
  Object.assign(made.style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` });
  made.style.setProperty("--share", share);
  return made;
}

/* Squarified treemaps: Bruls, Huizing, van Wijk (2000). */
function squarified(children, width, height) {
  const total = children.reduce((sum, child) => sum + child.lines, 0);
  const scale = (width * height) / (total || 1);
  const placed = [];
  let x = 0, y = 0, w = width, h = height;
  let row = [];
  const worst = (areas, side) => {
    const sum = areas.reduce((one, other) => one + other, 0);
    return Math.max((side * side * Math.max(...areas)) / (sum * sum), (sum * sum) / (side * side * Math.min(...areas)));
  };
  const lay = () => {
    const sum = row.reduce((one, child) => one + child.lines * scale, 0);
    const wide = w >= h;
    const depth = sum / (wide ? h : w);
    let offset = 0;
    for (const child of row) {
      const length = (child.lines * scale) / depth;
      placed.push(wide ? { child, x, y: y + offset, w: depth, h: length } : { child, x: x + offset, y, w: length, h: depth });
      offset += length;
    }
    if (wide) { x += depth; w -= depth; } else { y += depth; h -= depth; }
    row = [];
  };
  for (const child of children) {
    const side = Math.min(w, h);
    const areas = row.map((other) => other.lines * scale);
    if (row.length && worst([...areas, child.lines * scale], side) > worst(areas, side)) lay();
    row.push(child);
  }
  if (row.length) lay();
  return placed;
}

function zoom(place) {
  const tiles = drawMap(place);
  if (tiles.length) tiles[0].focus();
}

/* Arrow keys go to the nearest tile that way, Backspace to the package around. */
function moved(event, tiles, place) {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (event.key === "Backspace" && place.parent) {
    event.preventDefault();
    zoom(place.parent.children.size === 1 && place.parent.parent ? place.parent.parent : place.parent);
    return;
  }
  const way = ways[event.key];
  if (!way || !tiles.includes(document.activeElement)) return;
  event.preventDefault();
  const from = middle(document.activeElement);
  let best = null, least = Infinity;
  for (const candidate of tiles) {
    const to = middle(candidate);
    const along = (to.x - from.x) * way[0] + (to.y - from.y) * way[1];
    const aside = Math.abs((to.x - from.x) * way[1]) + Math.abs((to.y - from.y) * way[0]);
    if (along > 1 && along + 2 * aside < least) [best, least] = [candidate, along + 2 * aside];
  }
  if (!best) return;
  document.activeElement.tabIndex = -1;
  best.tabIndex = 0;
  best.focus();
}

function middle(made) {
  return { x: made.offsetLeft + made.offsetWidth / 2, y: made.offsetTop + made.offsetHeight / 2 };
}

/* Tables and lists. */

function shares(table, rows, title, trends) {
  const head = [title, "critical", "measured", "", ...(trends.size ? ["trend"] : [])];
  const body = rows.map(([name, , critical, measured]) => {
    const share = perCent(critical, measured);
    const cells = [
      element("td", { className: "path", textContent: name }),
      element("td", { className: "number", textContent: critical }),
      element("td", { className: "number", textContent: `${measured} (${share} %)` }),
      element("td", { className: "bar" }, element("div", { role: "img", "aria-label": `${share} %` }, bar(share))),
    ];
    if (trends.size) cells.push(trendCell(trends.get(name)));
    return element("tr", {}, ...cells);
  });
  table.replaceChildren(
    element("thead", {}, element("tr", {}, ...head.map((text, place) => element("th", { scope: "col", textContent: text, className: place === 1 || place === 2 ? "number" : "" })))),
    element("tbody", {}, ...body),
  );
}

function bar(share) {
  const made = element("i");
  made.style.width = `${share}%`;
  return made;
}

function trendCell(trend) {
  const cell = element("td", { className: "trend" });
  if (!trend) return cell;
  const [, , sentence, points, objective] = trend;
  const last = points[points.length - 1][0] || 1;
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 100 100");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const goal = document.createElementNS(space, "line");
  for (const [key, value] of [["x1", 0], ["x2", 100], ["y1", 100 - objective], ["y2", 100 - objective]]) goal.setAttribute(key, value);
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", `M${points.map(([at, share]) => `${((100 * at) / last).toFixed(2)} ${100 - share}`).join("L")}`);
  svg.append(goal, line);
  cell.append(svg, element("span", { className: "note", textContent: sentence }));
  return cell;
}

function drawUnmeasured() {
  const shown = unmeasured.slice(0, shownUnmeasured);
  byId("worst").replaceChildren(
    element("thead", {}, element("tr", {}, ...["score", "function", "why"].map((text) => element("th", { scope: "col", textContent: text, className: text === "score" ? "number" : "" })))),
    element("tbody", {}, ...shown.map(({ file, mark }) => element(
      "tr", {},
      element("td", { className: "number", textContent: mark.score }),
      element("td", {}, link(file, mark)),
      element("td", { textContent: mark.reasons.join("; ") }),
    ))),
  );
  byId("worst").hidden = !unmeasured.length;
  const left = unmeasured.length - shown.length;
  byId("more").hidden = !left;
  byId("more").textContent = `Show ${Math.min(left, 100)} more of ${left}`;
  if (!unmeasured.length) byId("worst-title").textContent = "All that is critical is measured";
}

function link(file, mark) {
  const made = element("a", { href: `#/file/${encodeURIComponent(file.path)}${mark ? `:${mark.line}` : ""}`, className: "path" });
  made.textContent = mark ? mark.name : file.path;
  if (!mark) return made;
  return element("span", {}, made, element("br"), element("span", { className: "note path", textContent: `${file.path}:${mark.line}` }));
}

function drawFiles() {
  const wanted = byId("search").value.trim().toLowerCase();
  const matching = wanted
    ? files.filter((file) => file.path.toLowerCase().includes(wanted) || file.marks.some((mark) => mark.name.toLowerCase().includes(wanted)))
    : files;
  byId("matches").textContent = matching.length > FILES_SHOWN
    ? `${FILES_SHOWN} of ${counted(matching.length, "file")} are shown: type to find others`
    : counted(matching.length, "file");
  byId("files").replaceChildren(...matching.slice(0, FILES_SHOWN).map((file) => {
    const critical = file.marks.filter((mark) => mark.critical);
    const measured = critical.filter((mark) => mark.measured).length;
    const told = critical.length ? `${measured} of ${critical.length}` : "";
    return element("li", {}, link(file), element("span", { className: "note", textContent: told }));
  }));
}

/* One file's source. */

async function drawSource(file, line) {
  byId("source-title").textContent = file.path;
  const critical = file.marks.filter((mark) => mark.critical);
  const hand = file.marks.filter((mark) => mark.hand.length).length;
  byId("source-note").textContent =
    `${critical.filter((mark) => mark.measured).length} of ${counted(critical.length, "critical function")} measured; ` +
    `${hand} with something built by hand; ${counted(file.lines, "line")}`;
  const code = byId("code");
  if (file.block < 0) {
    code.replaceChildren(element("p", { className: "note", textContent: "This file is too large to be shown here." }));
    return;
  }
  if (!blocks.has(file.block)) blocks.set(file.block, unpacked(`block${file.block}`));
  const text = (await blocks.get(file.block))[file.place];
  const lines = text.split(/\r\n|\r|\n/);
  if (lines[lines.length - 1] === "") lines.pop();
  const state = new Array(lines.length + 1).fill("");
  const heads = new Map();
  for (const mark of file.marks) {
    const kind = mark.hand.length ? "hand" : mark.measured ? "measured" : "unmeasured";
    state.fill(kind, mark.start, Math.min(mark.end, lines.length) + 1);
    heads.set(mark.start, [...(heads.get(mark.start) || []), [mark, kind]]);
  }
  const chunks = [];
  for (let from = 0; from < lines.length; from += CHUNK) {
    const chunk = element("pre");
    const to = Math.min(from + CHUNK, lines.length);
    chunk.style.containIntrinsicSize = `auto ${(to - from) * 21}px`;
    for (let number = from + 1; number <= to; number += 1) {
      for (const [mark, kind] of heads.get(number) || []) chunk.append(why(mark, kind));
      const row = element("span", { className: `row ${state[number]}` });
      row.append(element("span", { className: "number", textContent: number }), lines[number - 1]);
      chunk.append(row);
    }
    chunks.push(chunk);
  }
  code.replaceChildren(...chunks);
  const asked = code.querySelector(`.why[data-line="${Number(line)}"]`);
  if (asked) reach(asked);
  else byId("source-title").focus();
}

function why(mark, kind) {
  const parts = [];
  if (mark.critical) parts.push(`${mark.measured ? "measured" : "not measured"}, ${mark.score} points: ${mark.reasons.join("; ")}`);
  parts.push(...mark.hand);
  return element("span", { className: `why ${kind}`, tabIndex: -1, "data-line": mark.line, textContent: `${mark.name}: ${parts.join(". ")}` });
}

function reach(made) {
  made.focus({ preventScroll: true });
  made.scrollIntoView({ block: "center" });
}

function step(by) {
  const every = [...byId("code").querySelectorAll(".why")];
  const at = every.indexOf(document.activeElement);
  const next = every[at < 0 ? (by > 0 ? 0 : every.length - 1) : at + by];
  if (next) reach(next);
}

/* Where we are. */

function go(hash) {
  location.hash = hash;
}

async function show() {
  const match = location.hash.match(/^#\/file\/(.*?)(?::(\d+))?$/);
  const file = match && files.find((candidate) => candidate.path === decodeURIComponent(match[1]));
  if (file && !byId("overview").hidden) {
    overview.scroll = window.scrollY;
    overview.focus = document.activeElement;
  }
  byId("overview").hidden = Boolean(file);
  byId("source").hidden = !file;
  document.title = file ? `${file.path} - coverage` : "Coverage - golden-rules";
  if (file) {
    window.scrollTo(0, 0);
    await drawSource(file, match[2]);
  } else {
    if (overview.focus && overview.focus.isConnected) overview.focus.focus({ preventScroll: true });
    window.scrollTo(0, overview.scroll);
  }
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "INPUT") return;
  if (byId("source").hidden) {
    if (event.key === "/") {
      event.preventDefault();
      byId("search").focus();
    }
  } else if (event.key === "n" || event.key === "p") {
    step(event.key === "n" ? 1 : -1);
  } else if (event.key === "Escape") {
    go("#/");
  }
}

async function start() {
  if (!("DecompressionStream" in window)) {
    byId("sentence").textContent = "This browser is too old to unpack this page: it takes one of 2023 or later.";
    return;
  }
  index = await unpacked("index");
  readFiles();
  makeTree();
  const [, functions, critical, measured] = index.total;
  byId("sentence").textContent = critical
    ? `${measured} of ${critical} critical functions are measured (${perCent(critical, measured)} %); ${counted(functions, "function")} in ${counted(index.scanned, "file")}`
    : `none of ${counted(functions, "function")} is critical`;
  shares(byId("apps"), index.apps, "app", new Map(index.trends.map((trend) => [trend[0], trend])));
  shares(byId("packages"), index.packages, "package", new Map());
  byId("overview").hidden = false;
  drawMap(root);
  drawUnmeasured();
  drawFiles();
  byId("more").onclick = () => {
    shownUnmeasured += 100;
    drawUnmeasured();
  };
  byId("search").oninput = drawFiles;
  window.addEventListener("hashchange", show);
  new ResizeObserver(() => byId("overview").hidden || byId("map").contains(document.activeElement) || drawMap(current)).observe(byId("map"));
  document.addEventListener("keydown", pressed);
  await show();
  document.documentElement.dataset.ready = "yes";
}

start();
