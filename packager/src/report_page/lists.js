// What was left out, native code, licences, warnings: lists that are folded where they are long.

const MOST_ASKERS = 12;

/** Opens a folded list, and goes there. */
function openFold(id) {
  const fold = byId(id);
  if (!fold) return;
  fold.open = true;
  fold.scrollIntoView({ block: "center" });
  fold.querySelector("summary").focus({ preventScroll: true });
}

function fold(id, summary, ...body) {
  return element("details", { id, class: "fold" }, element("summary", {}, ...summary), element("div", { class: "fold-body" }, ...body));
}

function askersOf(askers, more) {
  const list = someOf(element("ul", { class: "askers" }), askers, MOST_ASKERS, ({ node, who, does }) =>
    element("li", {}, node >= 0 ? linkTo(node, who, "who") : element("span", { class: "who" }, shown(who)), " ", shown(does)));
  if (more > 0) list.append(element("li", { class: "quiet" }, `and ${more.toLocaleString("en")} more that are not listed here`));
  return list;
}

function drawLeftOut() {
  const folds = data.left_out.map((left, number) => fold(`left-out-${number}`,
    [element("strong", {}, shown(left.title)), element("span", { class: "tag" }, left.reason),
      element("span", { class: "quiet" }, `asked for ${counted(left.askers.length + left.more, "time")}`)],
    element("p", {}, left.what, " ", element("code", { class: "option" }, shown(left.option)), ` ${left.effect}.`),
    left.names.length > 1 && element("p", { class: "quiet" }, "Names: ", left.names.map(shown).join(", ")),
    askersOf(left.askers, left.more)));
  if (data.missing.length > 0) {
    const missing = data.missing.map(({ node, who, name }) => ({ node, who, does: `asks for ${name}` }));
    folds.push(fold("missing",
      [element("strong", {}, "Not found"), element("span", { class: "tag" }, "missing"),
        element("span", { class: "quiet" }, `${counted(data.missing.length, "name")} that imports ask for`)],
      element("p", {}, "They were not there when the program was looked at: many are for other systems or versions. What is missing is brought in by ",
        element("code", { class: "option" }, "--hidden-import NAME"), " or ", element("code", { class: "option" }, "--paths DIR"), "."),
      askersOf(missing, 0)));
  }
  byId("left-out-list").replaceChildren(folds.length > 0
    ? element("div", { class: "card folds" }, folds)
    : element("p", { class: "card empty" }, "Nothing: everything that is imported was found and followed."));
}

function drawLibraries() {
  if (data.native.length === 0) {
    byId("libraries-list").replaceChildren(element("p", { class: "empty" }, "No native code but CPython's own."));
    return;
  }
  const row = (native) => {
    const users = native.node >= 0 ? [...incoming[native.node]].sort(byStrength).map(([user]) => linkTo(user)) : [];
    const list = users.length > 4
      ? element("details", { class: "inline" }, element("summary", {}, counted(users.length, "module or library", "modules and libraries")),
        element("ul", {}, users.map((user) => element("li", {}, user))))
      : users.flatMap((user, at) => (at > 0 ? [", ", user] : [user]));
    return element("tr", {},
      element("th", { scope: "row" }, native.node >= 0 ? linkTo(native.node, native.name) : shown(native.name)),
      element("td", { class: "quiet", "data-label": "Kind" }, native.kind),
      element("td", { "data-label": "Needed by" }, users.length > 0 ? list : element("span", { class: "quiet" }, "–")),
      element("td", { class: "number", "data-label": "glibc" }, native.glibc ? shown(native.glibc) : "–"),
      element("td", { class: "number", "data-label": "Size" }, sized(native.size)));
  };
  const body = element("tbody");
  const rows = [...data.native].sort((one, other) => other.size - one.size);
  const most = 25;
  body.append(...rows.slice(0, most).map(row));
  const head = ["File", "Kind", "Needed by", "glibc", "Size"];
  const table = element("table", {},
    element("caption", { class: "unseen" }, "Native files by size"),
    element("thead", {}, element("tr", {}, head.map((name, at) =>
      element("th", { scope: "col", class: at > 2 ? "number" : null }, name)))),
    body);
  const more = rows.length > most && element("button", { type: "button", class: "plain", onclick: () => {
    body.append(...rows.slice(most).map(row));
    more.remove();
  } }, `${rows.length - most} more`);
  byId("libraries-list").replaceChildren(table, ...(more ? [more] : []));
}

function drawLicences() {
  const licensed = data.distributions.filter((distribution) => distribution.kind === "distribution" || distribution.files.length > 0);
  const folds = licensed.map((distribution) => {
    const made = fold(null,
      [element("strong", {}, shown(distribution.name)), element("span", { class: "quiet" }, shown(distribution.version)),
        element("span", { class: "tag" }, shown(distribution.licence) || "not said")],
      ...(distribution.files.length === 0 ? [element("p", { class: "quiet" }, "No text of it is in the program.")] : []));
    // The texts are long: they are put in when somebody looks.
    made.addEventListener("toggle", () => {
      const body = made.lastElementChild;
      if (!made.open || body.dataset.filled) return;
      body.dataset.filled = "yes";
      for (const { name, text } of distribution.files) {
        body.append(element("h4", {}, shown(name)), element("pre", {}, data.texts[text]));
      }
    });
    return made;
  });
  byId("licences-list").replaceChildren(...(folds.length > 0 ? folds : [element("p", { class: "empty" }, "No distributions but CPython.")]));
  byId("unfold").hidden = folds.length === 0;
  byId("unfold").addEventListener("click", () => {
    const open = !folds.every((each) => each.open);
    for (const each of folds) each.open = open;
    byId("unfold").textContent = open ? "Fold all texts" : "Show all texts";
  });
  return licensed.length;
}

function drawWarnings() {
  byId("warnings-list").replaceChildren(data.warnings.length > 0
    ? element("ul", { class: "warnings" }, data.warnings.map((warning) => element("li", {}, shown(warning))))
    : element("p", { class: "empty" }, "None."));
}
