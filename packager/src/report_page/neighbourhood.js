// The drawing around a module: who imports it on the left, what it imports on the right, each a link that goes there.

const LEAST_WIDTH = 240;
const ROW = 30;
const MOST_ROWS = 10;
const CHARACTER = 7.3; // Width of a character of the 12 px monospace font, in pixels.

let redraw = null;
const neighbourhoodSize = new ResizeObserver(() => redraw?.());

function drawNeighbourhood(place, node, importers, imported) {
  let width = 0;
  redraw = () => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    // On narrow screens there is no drawing, only the lists.
    if (width >= LEAST_WIDTH) place.replaceChildren(neighbourhood(width, node, importers, imported));
  };
  neighbourhoodSize.disconnect();
  neighbourhoodSize.observe(place);
  redraw();
}

function neighbourhood(width, node, importers, imported) {
  const gap = Math.max(24, width * 0.09);
  const column = (width - 2 * gap) / 3;
  const rows = Math.max(1, rowsOf(importers), rowsOf(imported));
  const height = rows * ROW + 6;
  const middle = { x: column + gap, y: height / 2 - 15, width: column };
  const picture = drawn("svg", {
    width, height, viewBox: `0 0 ${width} ${height}`, role: "group",
    "aria-label": `${counted(importers.length, "importer")}, ${counted(imported.length, "import")}`,
  });
  side(picture, importers, { x: 0, width: column }, height, "importers", (y) =>
    [column, y, middle.x, height / 2]);
  side(picture, imported, { x: 2 * (column + gap), width: column }, height, "imported", (y) =>
    [middle.x + column, height / 2, 2 * (column + gap), y]);
  picture.append(box(middle, nodeName(node), "self"));
  return picture;
}

function rowsOf(edges) {
  return Math.min(edges.length, MOST_ROWS + 1);
}

function side(picture, edges, { x, width }, height, list, ends) {
  const rows = rowsOf(edges);
  const top = (height - rows * ROW) / 2;
  const shownEdges = edges.length > MOST_ROWS ? edges.slice(0, MOST_ROWS) : edges;
  shownEdges.forEach(([node, rule], row) => {
    const y = top + row * ROW + ROW / 2;
    picture.append(drawn("path", { class: data.rules[rule].is_weak ? "edge weak" : "edge", d: curve(ends(y)) }));
    const link = drawn("a", { href: addressOf(nodeName(node)), class: "node" });
    link.append(
      drawn("title", {}, `${shown(nodeName(node))} (${data.rules[rule].label})`),
      ...box({ x, y: y - 11, width }, nodeName(node), "other").childNodes);
    picture.append(link);
  });
  if (edges.length > MOST_ROWS) {
    const y = top + MOST_ROWS * ROW + ROW / 2;
    const more = drawn("a", { href: `#${list}`, class: "rest" });
    more.append(drawn("text", { x: x + width / 2, y: y + 4, "text-anchor": "middle" },
      `and ${(edges.length - MOST_ROWS).toLocaleString("en")} more`));
    picture.append(more);
  }
}

function box({ x, y, width }, name, className) {
  const height = className === "self" ? 30 : 22;
  const group = drawn("g", { class: className });
  group.append(
    drawn("rect", { x, y, width, height, rx: 5 }),
    drawn("text", { x: x + width / 2, y: y + height / 2 + 4, "text-anchor": "middle" }, fitted(name, width - 12)));
  return group;
}

/** A name that fits: its end tells more than its beginning. */
function fitted(name, width) {
  const characters = Array.from(shown(name));
  const most = Math.max(2, Math.floor(width / CHARACTER));
  return characters.length <= most ? characters.join("") : `…${characters.slice(1 - most).join("")}`;
}

function curve([fromX, fromY, toX, toY]) {
  const bend = (fromX + toX) / 2;
  return `M${fromX} ${fromY}C${bend} ${fromY} ${bend} ${toY} ${toX} ${toY}`;
}
