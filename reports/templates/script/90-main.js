// Wiring: one draw function for every change of state, events by delegation.
function draw() {
  for (const [id, key] of [
    ["rules", "rules"],
    ["view", "view"],
    ["rows", "rows"],
  ])
    for (const button of byId(id).querySelectorAll("button"))
      button.setAttribute("aria-pressed", String(button.value === state[key]));
  for (const id of ["q", "family", "script", "joshi"]) if (byId(id).value !== state[id]) byId(id).value = state[id];
  const { nothing } = filter();
  const kept = board.languages.filter((one) => wantedLanguage(one.tag, filter().tongues)).length;
  byId("found").textContent = [
    nothing.length ? `nothing is called ${nothing.join(", ")}` : "",
    kept < board.languages.length ? `${kept} of ${board.languages.length} languages` : "",
  ]
    .filter(Boolean)
    .join("; ");
  byId("scale").hidden = state.view === "gap";
  byId("gapscale").hidden = state.view !== "gap";
  drawOverview();
  for (const section of document.querySelectorAll("section.task")) drawTable(section);
  drawSamples();
}

function fillFacets() {
  const facets = { family: (one) => one.family, script: (one) => one.script, joshi: (one) => one.joshi_class };
  for (const [id, of] of Object.entries(facets)) {
    const values = [...new Set(board.languages.map(of))].filter((value) => value !== null && value !== "").sort();
    byId(id).append(
      ...values.map((value) => el("option", { value }, id === "joshi" ? `class ${value}` : String(value))),
    );
    byId(id).closest("label").hidden = values.length < 2 || board.languages.length < 4;
  }
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("button, a");
  if (!target) return;
  const { col, show, page, jump } = target.dataset;
  if (col !== undefined) {
    const { id } = board.tables[Number(target.closest("section").dataset.table)];
    const current = state.sort[id];
    // Best first, then worst first, then the page's own order again.
    const [first, second] = col === "name" ? ["asc", "desc"] : ["desc", "asc"];
    const next =
      current === `${col}:${first}` ? `${col}:${second}` : current === `${col}:${second}` ? null : `${col}:${first}`;
    const sort = { ...state.sort, [id]: next };
    if (!next) delete sort[id];
    change({ sort });
    const again = [
      ...document.querySelectorAll(
        `section.task[data-table="${board.tables.findIndex((one) => one.id === id)}"] .sort`,
      ),
    ].find((one) => one.dataset.col === col);
    if (again) again.focus();
  } else if (show !== undefined) change({ show, page: "1", item: "" });
  else if (page !== undefined) change({ page });
  else if (target.dataset.close !== undefined) byId("samples").close();
  else if (jump !== undefined) {
    event.preventDefault();
    byId(jump).scrollIntoView();
  } else if (target.closest("#rules, #view, #rows"))
    change({ [target.closest(".switch").id]: target.value, sort: target.closest("#rows") ? {} : state.sort });
  else if (target.closest("#downloads")) {
    if (target.value === "link") copyLink();
    else download(target.value);
  }
});

document.addEventListener("change", (event) => {
  const { target } = event;
  if (target.dataset.metric) setFor("metric", target.dataset.metric, target.value);
  else if (target.dataset.go) {
    const where = parseAddress(state.cell);
    const next = { ...where, [target.dataset.go === "language" ? "tag" : "model"]: target.value };
    change({ cell: address(board.tables[where.table].id, next.tag, next.model), page: "1" });
  } else if (["family", "script", "joshi"].includes(target.id)) change({ [target.id]: target.value });
});

byId("q").addEventListener("input", (event) => change({ q: event.target.value }));
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("samples").addEventListener("close", () => {
  if (!state.cell) return;
  const link = state.cell;
  change({ cell: "", show: "all", page: "1", item: "" });
  const back = [...document.querySelectorAll("a.fill")].find(
    (one) => one.hash && new URLSearchParams(one.hash.slice(1)).get("cell") === link,
  );
  if (back) back.focus();
});
byId("samples").addEventListener("click", (event) => {
  if (event.target === event.currentTarget) event.currentTarget.close();
});
addEventListener("hashchange", () => {
  state = read();
  draw();
});

byId("controls").hidden = false;
byId("downloads").hidden = false;
fillFacets();
// On a narrow screen a few models are easier to read with a line per language.
if (innerWidth < 560 && board.models.length < 4 && !location.hash.includes("rows=")) state.rows = "languages";
draw();
