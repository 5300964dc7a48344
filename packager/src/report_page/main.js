// Puts the page together.

function drawHead() {
  byId("title").textContent = shown(data.title);
  byId("total").replaceChildren(...(data.has_stored
    ? [sized(data.size)]
    : [sized(data.size), " ", element("small", {}, "unpacked")]));
  byId("facts").replaceChildren(...data.facts.map(([label, value]) =>
    element("div", {}, element("dt", {}, label), element("dd", {}, shown(value)))));
  byId("glibc").textContent = data.glibc ? shown(data.glibc) : "";
  byId("graph-size").textContent = `${counted(moduleCount, "module")}, ${counted(data.edges.to.length, "import")}`;
}

function drawCounts(licences) {
  const counts = {
    "left-out": data.left_out.length,
    libraries: data.native.length,
    licences,
    warnings: data.warnings.length,
  };
  for (const place of document.querySelectorAll("[data-count]")) {
    place.textContent = counts[place.dataset.count].toLocaleString("en");
  }
}

function redrawSizes() {
  rankDistributions();
  drawMap();
  drawTable();
}

drawHead();
startMap();
drawTable();
if (data.has_stored) {
  switchOf(byId("measure"), [[0, "In the file"], [1, "Unpacked"]], state.measure, (measure) => {
    state.measure = measure;
    redrawSizes();
  });
}
switchOf(byId("colouring"), [["distribution", "By distribution"], ["kind", "By kind"]], state.colouring, (colouring) => {
  state.colouring = colouring;
  drawMap();
});
if (moduleCount > 0) drawModule(Math.max(0, data.entry));
drawLeftOut();
drawLibraries();
drawCounts(drawLicences());
drawWarnings();
startSearch();
window.addEventListener("hashchange", arrive);
arrive();
// On paper nothing can be opened.
window.addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("#left-out-list details")) each.open = true;
});
document.documentElement.dataset.ready = "yes";
