// The data of the page, as `packager/src/page/data.rs` writes it, made convenient: nodes of the import graph with who
// imports them, and the tree of sizes.
//
// A node is a module, or (behind all modules) a library. A part is whatever has a size: a file, or a piece of the
// executable itself. Both are numbers into columns.

const data = JSON.parse(byId("data").textContent);
const moduleCount = data.modules.name.length;
const nodeCount = moduleCount + data.libraries.length;

/** Edges of a node as [other node, rule, line]. */
const outgoing = [];
const incoming = [];

function connect(from, to, rule, line) {
  outgoing[from].push([to, rule, line]);
  incoming[to].push([from, rule, line]);
}

function readEdges() {
  for (let node = 0; node < nodeCount; node += 1) {
    outgoing.push([]);
    incoming.push([]);
  }
  const { count, to, rule, line } = data.edges;
  let at = 0;
  for (let from = 0; from < count.length; from += 1) {
    for (const end = at + count[from]; at < end; at += 1) connect(from, to[at], rule[at], line[at]);
  }
  const needs = data.rules.length - 1; // The last rule: a native file needs a library.
  data.libraries.forEach((library, number) => {
    for (const user of library.users) connect(user, moduleCount + number, needs, 0);
    for (const needed of library.needs) connect(moduleCount + number, moduleCount + needed, needs, 0);
  });
}

function nodeName(node) {
  return node < moduleCount ? data.modules.name[node] : data.libraries[node - moduleCount].name;
}

/** The part that is a node's file; -1 for what has none. */
function nodePart(node) {
  return node < moduleCount ? data.modules.part[node] : data.libraries[node - moduleCount].part;
}

/** The distribution of a node; -1 where it is nobody's. */
function nodeDistribution(node) {
  if (node < moduleCount) return data.modules.distribution[node];
  const part = nodePart(node);
  return part < 0 ? -1 : data.parts.distribution[part];
}

const nodeNumbers = new Map();
const nodeOfPart = new Map();

function readNames() {
  // A library may have a module's name: the module counts.
  for (let node = nodeCount - 1; node >= 0; node -= 1) {
    nodeNumbers.set(nodeName(node), node);
    if (nodePart(node) >= 0) nodeOfPart.set(nodePart(node), node);
  }
}

/** The steps from the program to a node, as `snapfreeze why` tells them: [who, does, node that it leads to]. */
function wayTo(node) {
  const way = [];
  const { from, who, does } = data.ways;
  for (let at = node; at >= 0 && way.length <= nodeCount; at = from[at]) {
    if (does[at] === "") break;
    way.push([who[at], does[at], at]);
  }
  way.reverse();
  // That a way starts at the program need not be said, unless there is no more to say.
  return way.length > 1 && way[0][2] === data.entry ? way.slice(1) : way;
}

/** A node of the tree of sizes. `sizes` are [in the file, unpacked]. */
function branch(name, parent, distribution) {
  return { name, parent, distribution, children: [], sizes: [0, 0], part: -1, modules: 0 };
}

/** The tree: the program, its distributions, their directories, their files. */
function readSizes() {
  const root = branch(data.title, null, -1);
  const tops = data.distributions.map((distribution, number) => branch(distribution.name, root, number));
  const known = tops.map(() => new Map());
  const { path, distribution, stored, unpacked } = data.parts;
  for (let part = 0; part < path.length; part += 1) {
    const number = distribution[part];
    const steps = path[part].split("/");
    let at = tops[number];
    let place = "";
    for (const step of steps.slice(0, -1)) {
      place += `${step}/`;
      if (!known[number].has(place)) {
        const inner = branch(step, at, number);
        known[number].set(place, inner);
        at.children.push(inner);
      }
      at = known[number].get(place);
    }
    const leaf = branch(steps[steps.length - 1], at, number);
    leaf.part = part;
    at.children.push(leaf);
    const isModule = nodeOfPart.has(part) && nodeOfPart.get(part) < moduleCount;
    for (let above = leaf; above; above = above.parent) {
      above.sizes[0] += stored[part];
      above.sizes[1] += unpacked[part];
      above.modules += isModule ? 1 : 0;
    }
  }
  root.children = tops.filter((top) => top.children.length > 0);
  for (const top of root.children) joinOnlyChildren(top);
  return root;
}

/** A directory with nothing but one directory in it is shown as one: `lib/python`. */
function joinOnlyChildren(at) {
  for (const child of at.children) joinOnlyChildren(child);
  const only = at.children[0];
  if (at.children.length === 1 && only.part < 0) {
    if (at.parent && at.parent.parent) at.name = `${at.name}/${only.name}`;
    at.children = only.children;
    for (const child of at.children) child.parent = at;
  }
}

readEdges();
readNames();
const sizeTree = readSizes();

/** Which size is shown: 0 in the file, 1 unpacked. */
const state = { measure: data.has_stored ? 0 : 1, colouring: "distribution" };
