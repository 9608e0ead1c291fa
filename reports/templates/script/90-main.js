// Wiring: one draw function for every change of state, events by delegation.
function draw(only = null) {
  const sections = [...document.querySelectorAll("section.task")];
  if (only) {
    for (const section of sections) if (board.tables[Number(section.dataset.table)].id === only) drawTable(section);
    return;
  }
  for (const key of ["rules", "view", "rows", "plot"])
    for (const button of byId(key).querySelectorAll("button"))
      button.setAttribute("aria-pressed", String(button.value === state[key]));
  for (const id of FACETS) if (byId(id).value !== state[id]) byId(id).value = state[id];
  const wanted = filter();
  const kept = board.languages.filter((one) => wantedLanguage(one.tag, wanted)).length;
  byId("found").textContent = [
    wanted.nothing.length ? `nothing is called ${wanted.nothing.join(", ")}` : "",
    kept < board.languages.length ? `${kept} of ${board.languages.length} languages` : "",
  ]
    .filter(Boolean)
    .join("; ");
  byId("scale").hidden = state.view === "gap" || state.view === "unread";
  byId("gapscale").hidden = !byId("scale").hidden;
  byId("legend-first").textContent = LEGEND[state.view];
  drawOverview();
  for (const section of sections) drawTable(section);
  drawAcross();
  drawHealth();
  drawSamples();
}

const FACETS = ["q", "family", "script", "joshi", "training"];
const TAIL = "n questions · share of answers that could not be read. Open it to see the questions.";
const LEGEND = {
  score: `A cell: score, [95 % interval], ${TAIL} Bold: the best of its column, and all that the data cannot tell from it.`,
  gap: `A cell: score less the score in English, [95 % interval], ${TAIL} Under English stands the score itself.`,
  chance: `A cell: 100 × (score − guessing) / (best possible − guessing), [95 % interval], ${TAIL}`,
  fidelity:
    "A cell: share of the questions answered rightly and in the language asked, [95 % interval], share answered rightly in another language.",
  same:
    "A cell: share of the questions answered as in English, [95 % interval], agreement beyond habit, share right in both of those right in either. Open it to see what is right in English only.",
  unread: "A cell: share of answers without a reading in percent, the most frequent cause, n questions. Open it to see them.",
};

// Kinds of numbers that no cell has are not offered: a model's answers may never have been identified.
function offerViews() {
  const has = (get) =>
    board.tables.some((table) =>
      Object.values(table.metrics).some((metrics) =>
        metrics.some((metric) => metric.rows.some((row) => Object.values(row.cells).some((cell) => get(cellOf(cell))))),
      ),
    );
  for (const button of byId("view").querySelectorAll("button"))
    if (button.value !== "score") button.hidden = !has((cell) => VIEWS[button.value].part(cell));
  if (byId("view").querySelector(`button[value="${state.view}"]`).hidden) state.view = "score";
}

function fillFacets() {
  for (const [id, of] of Object.entries(FACETS_OF)) {
    const values = [...new Set(board.languages.map(of))].filter((value) => value !== null && value !== "").sort();
    byId(id).append(
      ...values.map((value) => el("option", { value }, id === "joshi" ? `class ${value}` : String(value))),
    );
    byId(id).closest("label").hidden = values.length < 2 || board.languages.length < 4;
  }
  byId("training").closest("label").hidden = !board.trained.some(Boolean);
}

// The tables behind the dialog stay as they are.
function inDialog(changes) {
  state = { ...state, ...changes };
  history.replaceState(null, "", `#${fragment()}`);
  drawSamples();
}

// A link was written when its table was drawn, and what is chosen may have changed since: only what it opens counts.
// "Back" closes it again.
function follow(link) {
  const given = new URLSearchParams(link.hash.slice(1));
  const [cell, show, item] = ["cell", "show", "item"].map((name) => given.get(name) || "");
  state = { ...state, cell, show: show || "all", page: "1", item };
  history.pushState(null, "", `#${fragment()}`);
  drawSamples();
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("button, a");
  if (!target) return;
  const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
  if (target.hash && target.hash.includes("cell=") && !elsewhere) {
    event.preventDefault();
    follow(target);
    return;
  }
  const { col, show, page, jump } = target.dataset;
  if (col !== undefined) {
    const { id } = board.tables[Number(target.closest("section").dataset.table)];
    const current = state.sort[id];
    // Best first, then worst first, then the page's own order again.
    const [first, second] = col === "name" || col === "rank" ? ["asc", "desc"] : ["desc", "asc"];
    const next =
      current === `${col}:${first}` ? `${col}:${second}` : current === `${col}:${second}` ? null : `${col}:${first}`;
    const sort = { ...state.sort, [id]: next };
    if (!next) delete sort[id];
    change({ sort }, id);
    const again = [
      ...document.querySelectorAll(
        `section.task[data-table="${board.tables.findIndex((one) => one.id === id)}"] .sort`,
      ),
    ].find((one) => one.dataset.col === col);
    if (again) again.focus();
  } else if (show !== undefined) inDialog({ show, page: "1", item: "" });
  else if (page !== undefined) inDialog({ page });
  else if (target.dataset.close !== undefined) byId("samples").close();
  else if (jump !== undefined) {
    event.preventDefault();
    byId(jump).scrollIntoView();
  } else if (target.closest("#rules, #view, #rows, #plot"))
    change({ [target.closest(".switch").id]: target.value, sort: target.closest("#rows") ? {} : state.sort });
  else if (target.closest("#downloads")) {
    if (target.value === "link") copyText(location.href, "link");
    else if (target.value === "citation") copyText(byId("citation").textContent, "citation");
    else download(target.value);
  }
});

document.addEventListener("change", (event) => {
  const { target } = event;
  if (target.dataset.metric) {
    setFor("metric", target.dataset.metric, target.value);
    drawOverview();
    drawAcross();
    drawHealth();
  } else if (target.dataset.go) {
    const where = parseAddress(state.cell);
    if (target.dataset.go === "with") {
      inDialog({ with: target.value, page: "1" });
      return;
    }
    const next = { ...where, [target.dataset.go === "language" ? "tag" : "model"]: target.value };
    inDialog({ cell: address(board.tables[where.table].id, next.tag, next.model), page: "1" });
  } else if (FACETS.includes(target.id)) change({ [target.id]: target.value });
});

// One drawing a frame, however fast one types.
let typed = 0;
byId("q").addEventListener("input", (event) => {
  cancelAnimationFrame(typed);
  typed = requestAnimationFrame(() => change({ q: event.target.value }));
});

// Arrow keys go from cell to cell, as in a spreadsheet; a stroke goes to the search.
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const writing = event.target.closest("input, select, textarea, dialog");
  if (event.key === "/" && !writing) {
    event.preventDefault();
    byId("q").focus();
    return;
  }
  const cell = STEPS[event.key] && !writing && event.target.closest("table.board th, table.board td");
  if (!cell) return;
  const [down, right] = STEPS[event.key];
  const lines = [...cell.closest("table").rows];
  let [y, x] = [lines.indexOf(cell.parentNode), cell.cellIndex];
  for (;;) {
    [y, x] = [y + down, x + right];
    const next = lines[y] && lines[y].cells[x];
    if (!next) return;
    const target = next.querySelector("a, button");
    if (!target) continue;
    event.preventDefault();
    target.focus();
    return;
  }
});
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("samples").addEventListener("close", () => {
  if (!state.cell) return;
  const link = state.cell;
  state = { ...state, cell: "", show: "all", page: "1", item: "" };
  history.replaceState(null, "", `#${fragment()}`);
  const back = [...document.querySelectorAll("a.fill")].find(
    (one) => one.hash && new URLSearchParams(one.hash.slice(1)).get("cell") === link,
  );
  if (back) back.focus();
});
byId("samples").addEventListener("click", (event) => {
  if (event.target === event.currentTarget) event.currentTarget.close();
});
// A link inside the page changes what is open and nothing else; one that was typed or gone back to may change all.
addEventListener("hashchange", () => {
  const before = fragment({ ...state, cell: "", show: "all", page: "1", item: "", with: "" });
  state = read();
  if (before === fragment({ ...state, cell: "", show: "all", page: "1", item: "", with: "" })) drawSamples();
  else draw();
});

byId("controls").hidden = false;
byId("downloads").hidden = false;
byId("health").hidden = false;
fillFacets();
offerViews();
// On a narrow screen a few models are easier to read with a line per language.
if (innerWidth < 560 && board.models.length < 4 && !location.hash.includes("rows=")) state.rows = "languages";
draw();
