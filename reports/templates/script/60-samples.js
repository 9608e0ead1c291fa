// A cell's questions: what was shown, what came back, how it was read, and the same question elsewhere.
const PAGE = 20;
const payloads = new Map();
let images = null;
// Which drawing of the dialog is the latest: blocks are inflated while the reader goes on clicking.
let turn = 0;

// Columns and numbers as lrm_eval.reporting.payload writes them.
async function payload(index) {
  if (!payloads.has(index)) payloads.set(index, await inflated(`samples-${index}`));
  return payloads.get(index);
}

function columnsOf(data, model, tag) {
  const of = Object.hasOwn(data.answers, model) ? data.answers[model] : {};
  return Object.hasOwn(of, tag) ? of[tag] : null;
}

function readingAt(data, columns, index) {
  const [value, rule, outcome, kind, language] = data.readings[columns[state.rules[0]][index]];
  return { value: value === null ? null : data.texts[value], rule: data.texts[rule], outcome, kind, language };
}

function answerAt(data, model, tag, index) {
  const columns = columnsOf(data, model, tag);
  if (!columns || columns.t[index] < 0) return null;
  const from = (name) => (columns[name] ? columns[name][index] : 0);
  return {
    text: data.texts[columns.t[index]],
    length: from("c"),
    truncated: Boolean(from("f")),
    error: from("e") ? data.texts[from("e") - 1] : "",
    template: from("p") ? data.templates[from("p") - 1] : null,
    wording: wordingAt(data, tag, index, from("w")),
    reading: readingAt(data, columns, index),
  };
}

function wordingAt(data, tag, index, which = 0) {
  const [q, hint, inst, gold, options, labels] = data.wordings[data.questions[tag][index][which]];
  const text = (place) => data.texts[place];
  return { q: text(q), hint: text(hint), inst: text(inst), gold: text(gold), options: options.map(text), labels: labels.map(text) };
}

function entriesOf(data, where) {
  const columns = columnsOf(data, where.model, where.tag);
  if (!columns) return [];
  return columns.t
    .map((text, index) => ({ text, index }))
    .filter((one) => one.text >= 0)
    .map(({ index }) => ({ index, reading: readingAt(data, columns, index) }));
}

function kindAt(data, model, tag, index) {
  const columns = columnsOf(data, model, tag);
  return columns && columns.t[index] >= 0 ? readingAt(data, columns, index).kind : null;
}

// The model to compare with: the one asked for, else the first other one with answers here.
function rivalOf(data, where) {
  const others = board.models.filter((model) => model !== where.model && columnsOf(data, model, where.tag));
  return others.includes(state.with) ? state.with : others[0] || null;
}

// A condition may ask for an answer in another language than the question's.
const askedIn = (table, tag) => board.tables[table].asked[tag] || tag;

const FITS = {
  all: () => true,
  wrong: ({ kind }) => kind === "wrong",
  unparsed: ({ kind }) => kind === "unparsed",
  error: ({ kind }) => kind === "error",
  right: ({ kind }) => kind === "right",
  other: ({ language }, where) => language !== null && language !== askedIn(where.table, where.tag),
  english: ({ kind }, where, data, index) => kind !== "right" && kindAt(data, where.model, "en", index) === "right",
  ours: ({ kind }, where, data, index) => kind === "right" && differs(data, where, index, (other) => other !== "right"),
  theirs: ({ kind }, where, data, index) => kind !== "right" && differs(data, where, index, (other) => other === "right"),
};

function differs(data, where, index, test) {
  const rival = rivalOf(data, where);
  const kind = rival && kindAt(data, rival, where.tag, index);
  return Boolean(kind) && test(kind);
}

const fits = (data, where, one, show) => FITS[show](one.reading, where, data, one.index);

async function drawSamples() {
  const dialog = byId("samples");
  const where = state.cell ? parseAddress(state.cell) : null;
  turn += 1;
  if (!where) {
    if (dialog.open) dialog.close();
    return;
  }
  const mine = turn;
  const data = await payload(where.table);
  if (mine !== turn) return;
  images ??= json("images");
  const entries = entriesOf(data, where);
  const rank = { error: 0, unparsed: 1, wrong: 2, right: 3 };
  entries.sort((a, b) => rank[a.reading.kind] - rank[b.reading.kind] || a.index - b.index);
  const chosen = state.item
    ? entries.filter((one) => data.texts[data.items.id[one.index]] === state.item)
    : entries.filter((one) => fits(data, where, one, state.show));
  const pages = Math.max(1, Math.ceil(chosen.length / PAGE));
  const page = Math.min(pages, Math.max(1, Number.parseInt(state.page, 10) || 1));
  const list = chosen.slice((page - 1) * PAGE, page * PAGE).map((one) => sampleNode(data, where, one.index));
  const again = dialog.open && dialog.contains(document.activeElement) ? pressed(document.activeElement) : null;
  dialog.replaceChildren(
    barNode(data, where, board.tables[where.table], entries),
    el(
      "div",
      { class: "body" },
      list.length ? list : el("p", { class: "muted" }, "No question on this page fits."),
      pagerNode(page, pages),
    ),
  );
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  const target = again ? dialog.querySelector(`${again}:enabled`) || dialog.querySelector(".pager button:enabled") : null;
  if (target) target.focus();
}

// The button or list that was used stands in the new drawing as well, and keeps the keyboard.
function pressed(node) {
  if (node.dataset.page !== undefined) return `.pager button:${node.matches(":first-child") ? "first" : "last"}-child`;
  const name = ["show", "go"].find((one) => node.dataset[one] !== undefined);
  return name ? `[data-${name}="${CSS.escape(node.dataset[name])}"]` : null;
}

function filtersOf(data, where, entries) {
  const count = (show) => entries.filter((one) => fits(data, where, one, show)).length;
  const found = [
    ["all", "all"],
    ["wrong", "wrong"],
    ["unparsed", "not read"],
    ["error", "errors"],
    ["right", "right"],
  ];
  if (where.tag !== "en" && columnsOf(data, where.model, "en")) found.push(["english", "right in English only"]);
  if (entries.some((one) => one.reading.language)) found.push(["other", "in another language"]);
  if (rivalOf(data, where)) found.push(["ours", "right here, not there"], ["theirs", "right there, not here"]);
  return found.map(([show, label]) =>
    el(
      "button",
      { type: "button", "data-show": show, "aria-pressed": String(!state.item && state.show === show) },
      `${label} ${count(show)}`,
    ),
  );
}

function barNode(data, where, table, entries) {
  const counts = ((data.counts[where.model] || {})[where.tag] || [])[board.rules_order.indexOf(state.rules)] || [0, 0, 0, 0];
  const total = counts.reduce((sum, value) => sum + value, 0);
  const here = { error: 0, unparsed: 0, wrong: 0, right: 0 };
  for (const one of entries) here[one.reading.kind] += 1;
  const choose = (name, values, current, label) =>
    el(
      "select",
      { "data-go": name },
      values.map((value) => el("option", { value, selected: value === current }, label(value))),
    );
  const models = board.models.filter((model) => Object.hasOwn(data.answers, model));
  const rival = rivalOf(data, where);
  const shares = Object.keys(here).map((kind, place) => `${here[kind]} of ${counts[place]} ${kind === "error" ? "errors" : WORDS[kind]}`);
  const told =
    total === 0
      ? "The answers of this cell are not on the page."
      : `${entries.length} of ${total} questions are on this page: ${shares.join(", ")}.`;
  return el(
    "div",
    { class: "bar" },
    el(
      "div",
      { class: "top" },
      el(
        "h2",
        { id: "samples-title", tabindex: "-1" },
        el("bdi", {}, where.model),
        ` · ${table.title} · ${nameOf(where.tag)} `,
        autonym(where.tag),
      ),
      el("button", { type: "button", "data-close": true, "aria-label": "close" }, "✕"),
    ),
    scoreNode(where, table),
    el(
      "div",
      { class: "row" },
      el("label", {}, "language ", choose("language", table.languages, where.tag, nameOf)),
      el("label", {}, "model ", choose("model", models, where.model, (name) => name)),
      rival ? el("label", {}, "beside ", choose("with", models.filter((name) => name !== where.model), rival, (name) => name)) : "",
    ),
    el("div", { class: "row" }, el("span", { class: "switch" }, filtersOf(data, where, entries))),
    el("p", { class: "caption" }, told, state.item ? [" One question is shown: ", el("button", { type: "button", "data-show": "all" }, "show all")] : ""),
  );
}

function scoreNode(where, table) {
  const metric = metricOf(table);
  const row = metric && metric.rows.find((one) => board.models[one.model] === where.model);
  const cell = row && row.cells[where.tag] ? cellOf(row.cells[where.tag]) : null;
  if (!cell) return "";
  const chance = cell.chance === null ? "" : ` Guessing gives ${number(cell.chance)}.`;
  return el(
    "p",
    { class: "caption" },
    `${metric.label} ${number(cell.value)} ${interval(cell.low, cell.high)}, n = ${cell.n}, `,
    `${percent(cell.unparsed)} not read, ${state.rules} rules.${chance}`,
    cell.note ? ` Note: ${cell.note}.` : "",
  );
}

function pagerNode(page, pages) {
  if (pages < 2) return "";
  return el(
    "div",
    { class: "pager" },
    el("button", { type: "button", "data-page": String(page - 1), disabled: page === 1 }, "← before"),
    `page ${page} of ${pages}`,
    el("button", { type: "button", "data-page": String(page + 1), disabled: page === pages }, "after →"),
  );
}
