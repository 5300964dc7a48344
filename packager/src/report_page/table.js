// The table of distributions, beside the map: any column sorts it, a name goes to its place in the map.

const COLUMNS = [
  { name: "Distribution", key: (row) => row.name.toLowerCase(), isText: true },
  { name: "Version", key: (row) => row.version, isText: true },
  { name: "Modules", key: (row) => row.modules },
  { name: "Size", key: (row) => row.size },
];

const table = { column: 3, ascending: false };

function tableRows() {
  return sizeTree.children.map((at) => {
    const { name, version } = data.distributions[at.distribution];
    return { at, name, version, modules: at.modules, size: sizeOf(at) };
  });
}

function drawTable() {
  const { key, isText } = COLUMNS[table.column];
  const sign = table.ascending ? 1 : -1;
  const compare = (one, other) =>
    (isText ? key(one).localeCompare(key(other), "en", { numeric: true }) : key(one) - key(other)) * sign
    || one.name.localeCompare(other.name, "en");
  const rows = tableRows().sort(compare);
  const largest = Math.max(1, ...rows.map((row) => row.size));
  const place = byId("distributions");
  place.tHead.replaceChildren(element("tr", {}, COLUMNS.map((column, number) => {
    const isSorted = number === table.column;
    const direction = isSorted ? (table.ascending ? "ascending" : "descending") : "none";
    const sort = () => {
      table.ascending = isSorted ? !table.ascending : Boolean(column.isText);
      table.column = number;
      drawTable();
      place.tHead.querySelectorAll("button")[number].focus();
    };
    return element("th", { scope: "col", "aria-sort": direction, class: column.isText ? null : "number" },
      element("button", { type: "button", onclick: sort }, column.name));
  })));
  place.tBodies[0].replaceChildren(...rows.map((row) => {
    const swatch = element("i", { class: "swatch" });
    paint(swatch, row.at, false);
    const bar = element("span", { class: "bar" });
    bar.style.setProperty("--part", row.size / largest);
    paint(bar, row.at, false);
    const go = () => { zoomTo(row.at); byId("sizes").scrollIntoView({ block: "start" }); };
    return element("tr", { class: `is-${data.distributions[row.at.distribution].kind}` },
      element("th", { scope: "row" },
        element("span", {}, swatch, element("button", { type: "button", class: "plain", onclick: go }, shown(row.name)))),
      element("td", { class: "quiet" }, shown(row.version)),
      element("td", { class: "number" }, row.modules ? row.modules.toLocaleString("en") : "–"),
      element("td", { class: "number" }, sized(row.size), bar));
  }));
}
