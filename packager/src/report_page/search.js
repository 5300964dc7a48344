// The search: modules, libraries, and names that are not in the program. A combobox as WAI-ARIA has it: the arrows
// choose, Enter goes there, Escape closes.

const MOST_FOUND = 12;
const searching = { found: [], active: -1 };

/** Everything that can be found: {name, label, go}. */
const findable = [];

function readFindable() {
  for (let node = 0; node < nodeCount; node += 1) {
    const label = node < moduleCount ? "" : "library";
    findable.push({ name: nodeName(node), label, go: () => visit(node) });
  }
  data.left_out.forEach((left, number) => {
    const go = () => openFold(`left-out-${number}`);
    for (const name of new Set([left.title, ...left.names])) findable.push({ name, label: "left out", go });
  });
  for (const { name } of data.missing) findable.push({ name, label: "not found", go: () => openFold("missing") });
  for (const entry of findable) entry.lower = entry.name.toLowerCase();
}

/** How well a name fits; the less the better, Infinity for not at all. */
function fit(entry, text) {
  const at = entry.lower.indexOf(text);
  if (at < 0) return Infinity;
  const isWhole = entry.lower.length === text.length;
  const startsPart = at === 0 || ".-_/".includes(entry.lower[at - 1]);
  return (isWhole ? 0 : at === 0 ? 1 : startsPart ? 2 : 3) * 1000 + Math.min(entry.lower.length, 999);
}

function find() {
  const text = byId("search").value.trim().toLowerCase();
  const rated = text === "" ? [] : findable.map((entry) => [fit(entry, text), entry]).filter(([rate]) => rate < Infinity);
  rated.sort(([one, first], [other, second]) => one - other || (first.name < second.name ? -1 : 1));
  searching.found = rated.slice(0, MOST_FOUND).map(([, entry]) => entry);
  searching.active = searching.found.length > 0 ? 0 : -1;
  drawFound(text, rated.length);
}

function drawFound(text, count) {
  const list = byId("found");
  const options = searching.found.map((entry, number) => element("li", {
    role: "option", id: `found-${number}`, "aria-selected": String(number === searching.active),
    // The press, not the click: the field would lose the focus before.
    onpointerdown: (event) => { event.preventDefault(); take(number); },
  }, element("span", {}, shown(entry.name)), entry.label && element("em", {}, entry.label)));
  if (count > searching.found.length) {
    options.push(element("li", { class: "rest", role: "presentation" }, `${(count - searching.found.length).toLocaleString("en")} more`));
  }
  if (text !== "" && count === 0) options.push(element("li", { class: "rest", role: "presentation" }, "Nothing has that in its name"));
  list.replaceChildren(...options);
  list.hidden = options.length === 0;
  byId("search").setAttribute("aria-expanded", String(!list.hidden));
  markActive();
}

function markActive() {
  const { active } = searching;
  [...byId("found").querySelectorAll('[role="option"]')].forEach((option, number) => {
    option.setAttribute("aria-selected", String(number === active));
    if (number === active) option.scrollIntoView({ block: "nearest" });
  });
  if (active >= 0) byId("search").setAttribute("aria-activedescendant", `found-${active}`);
  else byId("search").removeAttribute("aria-activedescendant");
}

function take(number) {
  const entry = searching.found[number];
  closeSearch();
  if (!entry) return;
  byId("search").value = "";
  byId("search").blur();
  entry.go();
}

function closeSearch() {
  byId("found").hidden = true;
  byId("search").setAttribute("aria-expanded", "false");
  byId("search").removeAttribute("aria-activedescendant");
}

function startSearch() {
  readFindable();
  const field = byId("search");
  field.addEventListener("input", find);
  field.addEventListener("focus", find);
  field.addEventListener("blur", closeSearch);
  field.addEventListener("keydown", (event) => {
    const count = searching.found.length;
    if (event.key === "ArrowDown" && count) searching.active = (searching.active + 1) % count;
    else if (event.key === "ArrowUp" && count) searching.active = (searching.active + count - 1) % count;
    else if (event.key === "Enter") take(searching.active);
    else if (event.key === "Escape") closeSearch();
    else return;
    event.preventDefault();
    if (event.key.startsWith("Arrow")) markActive();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
    }
  });
}
