// The map of sizes: what lies directly in the place that is shown are buttons, what lies deeper is drawn into them.
// One click goes one level in, so that nobody is lost; the crumbs, Escape and Backspace go out.

const MAP_HEADER = 18; // Height of a place's name over its contents, in pixels.
const LEAST_AREA = 36; // What is smaller, in square pixels, is not drawn for itself.
const DEEPEST = 4;
const HUES = [245, 160, 75, 310, 25, 200, 125, 345, 100, 275];

const map = { at: sizeTree, cells: [], focus: 0 };
const distributionRank = new Map();

/** The size of a branch that is shown. */
function sizeOf(at) {
  return at.sizes[state.measure];
}

/** Colours go to distributions by rank of size; who comes late shares a grey. */
function rankDistributions() {
  const ranked = [...sizeTree.children].sort((one, other) => sizeOf(other) - sizeOf(one));
  ranked.forEach((top, rank) => distributionRank.set(top.distribution, rank));
}

function paint(cell, at, byKind = state.colouring === "kind") {
  const rank = byKind ? (at.part < 0 ? -1 : data.parts.kind[at.part]) : distributionRank.get(at.distribution);
  const hue = rank >= 0 && rank < HUES.length ? HUES[rank] : null;
  cell.style.setProperty("--hue", hue ?? 250);
  cell.style.setProperty("--chroma", hue === null ? 0.15 : 1);
}

/** The children that are drawn, the largest first; those that are too small for it are one. */
function drawnChildren(at, area) {
  const all = at.children.filter((child) => sizeOf(child) > 0).sort((one, other) => sizeOf(other) - sizeOf(one));
  const least = (sizeOf(at) * LEAST_AREA * 4) / Math.max(area, 1);
  let end = all.findIndex((child) => sizeOf(child) < least);
  if (end < 0 || all.length - end < 2) return all;
  // A place with nothing but small things shows them as well as it can.
  if (end === 0) end = Math.min(all.length, 400);
  const rest = all.slice(end);
  if (rest.length === 0) return all;
  const others = branch(`${rest.length.toLocaleString("en")} smaller`, at, at.parent ? at.distribution : -1);
  others.children = rest;
  others.isRest = true;
  for (const child of rest) {
    others.sizes = others.sizes.map((size, measure) => size + child.sizes[measure]);
    others.modules += child.modules;
  }
  return [...all.slice(0, end), others].sort((one, other) => sizeOf(other) - sizeOf(one));
}

function drawMap() {
  const place = byId("map");
  const { clientWidth: width, clientHeight: height } = place;
  map.cells = [];
  const children = drawnChildren(map.at, width * height);
  const boxes = squarified(children.map(sizeOf), { x: 0, y: 0, width, height });
  const buttons = children.map((child, number) => {
    const button = cellOf(child, boxes[number], "button", number);
    button.setAttribute("aria-label", told(child).join(", "));
    fill(button, child, boxes[number], 1);
    return button;
  });
  place.replaceChildren(...buttons);
  if (children.length === 0) place.append(element("p", { class: "empty" }, "Nothing here has a size."));
  map.focus = Math.min(map.focus, Math.max(0, buttons.length - 1));
  buttons.forEach((button, number) => { button.tabIndex = number === map.focus ? 0 : -1; });
  drawCrumbs();
  drawLegend();
}

function cellOf(at, box, tag, number = null) {
  const cell = element(tag, { class: at.part < 0 ? "cell inner" : "cell leaf", "data-cell": map.cells.length });
  if (tag === "button") {
    cell.type = "button";
    cell.dataset.number = number;
    if (at.part >= 0 && !nodeOfPart.has(at.part)) cell.classList.add("still");
  }
  map.cells.push(at);
  Object.assign(cell.style, {
    left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px`,
  });
  paint(cell, at);
  return cell;
}

/** Writes a cell's name, and draws what is in it. */
function fill(cell, at, box, depth) {
  const hasName = box.width > 34 && box.height > 14;
  if (hasName) cell.append(element("span", { class: "name" }, shown(at.name)));
  if (hasName && at.part >= 0 && box.height > 32 && box.width > 52) cell.append(element("span", { class: "size" }, sized(sizeOf(at))));
  if (at.part >= 0 || depth >= DEEPEST || box.width < 12 || box.height < 12) return;
  const header = hasName && box.height > 2 * MAP_HEADER ? MAP_HEADER : 2;
  if (hasName && header > 2 && box.width > 110) {
    cell.append(element("span", { class: "size top" }, sized(sizeOf(at))));
  }
  const inner = { x: 2, y: header, width: box.width - 5, height: box.height - header - 3 };
  if (inner.width * inner.height < 4 * LEAST_AREA || inner.width < 8 || inner.height < 8) return;
  if (hasName && header === 2) return;
  const children = drawnChildren(at, inner.width * inner.height);
  const boxes = squarified(children.map(sizeOf), inner);
  children.forEach((child, number) => {
    const { width, height } = boxes[number];
    if (width * height < LEAST_AREA || width < 3 || height < 3) return;
    const drawnChild = cellOf(child, boxes[number], "span");
    fill(drawnChild, child, boxes[number], depth + 1);
    cell.append(drawnChild);
  });
}

/** What the map tells of a branch: its name, its size, its part of the whole, what it is. */
function told(at) {
  const name = at.part < 0 || at.isRest ? shown(at.name) : shown(data.parts.path[at.part]);
  const lines = [name, `${sized(sizeOf(at))}, ${share(sizeOf(at), sizeOf(sizeTree))} of the program`];
  if (data.has_stored) lines.push(`${sized(at.sizes[0])} in the file, ${sized(at.sizes[1])} unpacked`);
  if (at.part >= 0) {
    lines.push(data.kinds[data.parts.kind[at.part]]);
    const node = nodeOfPart.get(at.part);
    if (node !== undefined && node < moduleCount) lines.push(`module ${shown(nodeName(node))}`);
  } else if (at.modules > 0) {
    lines.push(counted(at.modules, "module"));
  }
  return lines;
}

function zoomTo(at) {
  map.at = at;
  map.focus = 0;
  hideTip();
  drawMap();
  byId("map").classList.remove("arrived");
  void byId("map").offsetWidth; // Starts the animation anew.
  byId("map").classList.add("arrived");
}

/** Into a place, or to the module that a file is. */
function enter(at) {
  if (at.part < 0) zoomTo(at);
  else if (nodeOfPart.has(at.part)) visit(nodeOfPart.get(at.part));
}

function leave() {
  if (map.at.parent) zoomTo(map.at.parent);
}

function drawCrumbs() {
  const places = [];
  for (let at = map.at; at; at = at.parent) places.unshift(at);
  const crumbs = places.map((at) => at === map.at
    ? element("span", { class: "here", "aria-current": "location" }, shown(at.name))
    : element("button", { type: "button", class: "plain", onclick: () => { zoomTo(at); focusMap(); } }, shown(at.name)));
  byId("crumbs").replaceChildren(
    element("ol", {}, crumbs.map((crumb) => element("li", {}, crumb))),
    element("span", { class: "crumb-size" }, `${sized(sizeOf(map.at))} · ${share(sizeOf(map.at), sizeOf(sizeTree))}`),
  );
}

function drawLegend() {
  const byKind = state.colouring === "kind";
  const kinds = byKind ? [...new Set(data.parts.kind)].sort((one, other) => one - other) : [];
  const items = kinds.map((kind) => {
    const swatch = element("i", { class: "swatch" });
    swatch.style.setProperty("--hue", HUES[kind % HUES.length]);
    swatch.style.setProperty("--chroma", 1);
    return element("span", {}, swatch, data.kinds[kind]);
  });
  byId("legend").replaceChildren(...(byKind ? items : ["A click goes in, Esc out."]));
}

function focusMap() {
  byId("map").querySelector('button[tabindex="0"]')?.focus();
}

/** The arrows go to the nearest button that lies in their direction. */
function moveFocus(key) {
  const buttons = [...byId("map").querySelectorAll(":scope > button")];
  const from = buttons[map.focus]?.getBoundingClientRect();
  if (!from) return;
  const isAcross = key === "ArrowLeft" || key === "ArrowRight";
  const sign = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1;
  const middle = (box) => [box.left + box.width / 2, box.top + box.height / 2];
  const [x, y] = middle(from);
  let best = null;
  buttons.forEach((button, number) => {
    const [otherX, otherY] = middle(button.getBoundingClientRect());
    const along = sign * (isAcross ? otherX - x : otherY - y);
    const aside = Math.abs(isAcross ? otherY - y : otherX - x);
    const distance = along + 2 * aside;
    if (along > 1 && (!best || distance < best.distance)) best = { number, distance };
  });
  if (!best) return;
  buttons[map.focus].tabIndex = -1;
  map.focus = best.number;
  buttons[map.focus].tabIndex = 0;
  buttons[map.focus].focus();
}

function showTip(at, x, y) {
  const tip = byId("tip");
  const [name, ...lines] = told(at);
  tip.replaceChildren(element("strong", {}, name), ...lines.map((line) => element("span", {}, line)));
  tip.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = tip;
  const left = Math.max(8, Math.min(x + 14, document.documentElement.clientWidth - width - 8));
  const below = y + 18 + height < window.innerHeight;
  Object.assign(tip.style, { left: `${left}px`, top: `${Math.max(8, below ? y + 18 : y - height - 12)}px` });
}

function hideTip() {
  byId("tip").hidden = true;
}

function startMap() {
  const place = byId("map");
  const cellAt = (event) => event.target.closest?.("[data-cell]");
  place.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-number]");
    if (!button) return;
    const at = map.cells[button.dataset.cell];
    enter(at);
    // A key's click has no place: its user goes on with keys.
    if (event.detail === 0 && at.part < 0) focusMap();
  });
  place.addEventListener("keydown", (event) => {
    if (event.key.startsWith("Arrow")) moveFocus(event.key);
    else if (event.key === "Escape" || event.key === "Backspace") { leave(); focusMap(); }
    else return;
    event.preventDefault();
  });
  place.addEventListener("pointermove", (event) => {
    const cell = cellAt(event);
    if (cell) showTip(map.cells[cell.dataset.cell], event.clientX, event.clientY);
    else hideTip();
  });
  place.addEventListener("pointerleave", hideTip);
  place.addEventListener("focusin", (event) => {
    const button = event.target.closest("button[data-number]");
    if (!button) return;
    map.focus = Number(button.dataset.number);
    if (!button.matches(":focus-visible")) return;
    const box = button.getBoundingClientRect();
    showTip(map.cells[button.dataset.cell], box.left, box.top + Math.min(box.height, 40));
  });
  place.addEventListener("focusout", hideTip);
  rankDistributions();
  new ResizeObserver(drawMap).observe(place);
  drawMap();
}
