// One module at a time: why it is in the program, who imports it, what it imports.

const MOST_LISTED = 30;
const shownNode = { now: data.entry };

/** The address of a module within this page. */
function addressOf(name) {
  return `#module=${encodeURIComponent(name)}`;
}

function linkTo(node, text = nodeName(node), className = "") {
  return element("a", { href: addressOf(nodeName(node)), class: className || null }, shown(text));
}

/** Goes to a module: the address changes, so that the browser's "back" leads back. */
function visit(node) {
  const address = addressOf(nodeName(node));
  if (location.hash === address) arrive(true);
  else location.hash = address;
}

/** Shows the module that the address names. */
function arrive(event) {
  if (!location.hash.startsWith("#module=")) return;
  let name = "";
  try {
    name = decodeURIComponent(location.hash.slice("#module=".length));
  } catch {
    return; // No name at all.
  }
  const node = nodeNumbers.get(name);
  if (node === undefined) return;
  drawModule(node);
  // So that who listens to the page hears where it is now.
  byId("module-name").focus({ preventScroll: true });
  // Who opens the page with a name in its address has not been anywhere else.
  byId("imports").scrollIntoView({ block: "start", behavior: event ? "auto" : "instant" });
}

function kindOf(node) {
  if (node >= moduleCount) return "native library";
  const part = nodePart(node);
  if (part < 0) return data.modules.file[node] ? "namespace package" : "builtin module";
  return data.kinds[data.parts.kind[part]] === "extension module" ? "extension module" : "module";
}

function moduleFacts(node) {
  const part = nodePart(node);
  const distribution = nodeDistribution(node);
  const facts = [["Kind", kindOf(node)]];
  if (distribution >= 0) {
    const { name, version } = data.distributions[distribution];
    facts.push(["Distribution", shown(`${name} ${version}`.trim())]);
  }
  const file = node < moduleCount ? data.modules.file[node] : data.libraries[node - moduleCount].file;
  if (file) facts.push(["File", element("code", {}, shown(file))]);
  if (part >= 0) {
    const { stored, unpacked } = data.parts;
    facts.push(["Size", data.has_stored
      ? `${sized(stored[part])} in the file, ${sized(unpacked[part])} unpacked`
      : sized(unpacked[part])]);
  }
  const glibc = node >= moduleCount && data.libraries[node - moduleCount].glibc;
  if (glibc) facts.push(["Asks for", `glibc ${shown(glibc)}`]);
  return element("dl", { class: "facts small" }, facts.map(([label, value]) =>
    element("div", {}, element("dt", {}, label), element("dd", {}, value))));
}

function drawModule(node) {
  shownNode.now = node;
  const way = wayTo(node);
  const importers = [...incoming[node]].sort(byStrength);
  const imported = [...outgoing[node]].sort(byStrength);
  const steps = way.map(([who, does, to]) => element("li", { class: to === node ? "last" : null },
    element("span", { class: "who" }, shown(who)), " ", linkTo(to, does, "does")));
  byId("module").replaceChildren(
    element("h3", { class: "module-name", id: "module-name", tabindex: -1 }, shown(nodeName(node))),
    moduleFacts(node),
    element("div", { class: "module-parts" },
      element("div", { class: "why" },
        element("h4", {}, "Why it is in the program"),
        way.length > 0
          ? element("ol", { class: "way", id: "way" }, steps)
          : element("p", { class: "quiet" }, "Nothing imports it: it is data that the program may load itself.")),
      element("div", { class: "around" },
        element("h4", {}, "Around it"),
        element("div", { class: "neighbourhood", id: "neighbourhood" }))),
    element("div", { class: "module-lists" },
      edgeList("importers", "Imported by", importers, "Nothing imports it."),
      edgeList("imported", "Imports", imported, "It imports nothing.", notFollowedBy(node))),
  );
  drawNeighbourhood(byId("neighbourhood"), node, importers, imported);
}

/** The strongest rule first, then by name. */
function byStrength([one, oneRule], [other, otherRule]) {
  return oneRule - otherRule || nodeName(one).localeCompare(nodeName(other), "en");
}

function edgeList(id, heading, edges, none, others = []) {
  const items = [...edges.map(([node, rule, line]) => () => element("li", {},
    linkTo(node), " ", element("span", { class: "how" }, [data.rules[rule].label, line ? `line ${line}` : ""].filter(Boolean).join(", ")))),
  ...others];
  const list = someOf(element("ul", { class: "edges" }), items, MOST_LISTED, (make) => make());
  return element("div", { id },
    element("h4", {}, heading, " ", element("span", { class: "count" }, String(items.length))),
    items.length > 0 ? list : element("p", { class: "quiet" }, none));
}

/** What a module asks for that is not in the program. */
function notFollowedBy(node) {
  const makers = [];
  const add = (name, how) => makers.push(() => element("li", { class: "absent" },
    element("span", {}, shown(name)), " ", element("span", { class: "how" }, how)));
  data.left_out.forEach((left) => {
    const names = new Set(left.askers.filter((asker) => asker.node === node).map((asker) => asker.name));
    for (const name of names) add(name, `left out: ${left.reason}`);
  });
  data.missing.filter((missing) => missing.node === node).forEach((missing) => add(missing.name, "not found"));
  return makers;
}
