// A cell's questions: what was shown, what came back, how it was read, and the same question elsewhere.
const PAGE = 20;
const payloads = new Map();
let images = null;

function payload(index) {
  if (!payloads.has(index)) payloads.set(index, json(`samples-${index}`));
  return payloads.get(index);
}

// Signs that would hide or turn the text around them are shown by name instead of being obeyed.
const CONTROLS =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/;
function visible(text) {
  return text
    .split(/([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff])/)
    .map((part) =>
      part.length === 1 && CONTROLS.test(part)
        ? el(
            "span",
            { class: "ctl", title: "an invisible sign of the text" },
            `U+${part.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
          )
        : part,
    );
}
const said = (text, tag) => el("bdi", { lang: tag || null, dir: "auto", class: "t" }, visible(text));

const readingOf = (answer) => {
  const [value, rule, outcome, kind, language] = answer[state.rules[0]];
  return { value, rule, outcome, kind, language };
};
const WORDS = { right: "right", wrong: "wrong", unparsed: "not read", error: "error" };
const chip = (kind) => el("span", { class: `chip ${kind}` }, WORDS[kind]);

function entriesOf(data, where) {
  const list = (data.answers[where.model] || {})[where.tag] || [];
  return list.map((answer, index) => ({ answer, index })).filter((one) => one.answer);
}

function fits(data, where, one, show) {
  if (show === "all") return true;
  const kind = readingOf(one.answer).kind;
  if (show !== "english") return kind === show;
  const english = ((data.answers[where.model] || {}).en || [])[one.index];
  return kind !== "right" && Boolean(english) && readingOf(english).kind === "right";
}

function drawSamples() {
  const dialog = byId("samples");
  const where = state.cell ? parseAddress(state.cell) : null;
  if (!where) {
    if (dialog.open) dialog.close();
    return;
  }
  images ??= json("images");
  const data = payload(where.table);
  const table = board.tables[where.table];
  const entries = entriesOf(data, where);
  const rank = { error: 0, unparsed: 1, wrong: 2, right: 3 };
  entries.sort((a, b) => rank[readingOf(a.answer).kind] - rank[readingOf(b.answer).kind] || a.index - b.index);
  const chosen = state.item
    ? entries.filter((one) => data.items[one.index].id === state.item)
    : entries.filter((one) => fits(data, where, one, state.show));
  const pages = Math.max(1, Math.ceil(chosen.length / PAGE));
  const page = Math.min(pages, Math.max(1, Number.parseInt(state.page, 10) || 1));
  const list = chosen.slice((page - 1) * PAGE, page * PAGE).map((one) => sampleNode(data, where, one));
  dialog.replaceChildren(
    barNode(data, where, table, entries),
    el(
      "div",
      { class: "body" },
      list.length ? list : el("p", { class: "muted" }, "No question on this page fits."),
      pagerNode(page, pages),
    ),
  );
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function barNode(data, where, table, entries) {
  const counts = ((data.counts[where.model] || {})[where.tag] || {})[state.rules] || {
    error: 0,
    unparsed: 0,
    wrong: 0,
    right: 0,
  };
  const total = Object.values(counts).reduce((sum, value) => sum + value, 0);
  const here = { error: 0, unparsed: 0, wrong: 0, right: 0 };
  for (const one of entries) here[readingOf(one.answer).kind] += 1;
  const filters = [
    ["all", "all", entries.length],
    ["wrong", "wrong", here.wrong],
    ["unparsed", "not read", here.unparsed],
    ["error", "errors", here.error],
    ["right", "right", here.right],
  ];
  if (where.tag !== "en" && (data.answers[where.model] || {}).en)
    filters.push([
      "english",
      "right in English only",
      entries.filter((one) => fits(data, where, one, "english")).length,
    ]);
  const buttons = filters.map(([key, label, count]) =>
    el(
      "button",
      { type: "button", "data-show": key, "aria-pressed": String(!state.item && state.show === key) },
      `${label} ${count}`,
    ),
  );
  const choose = (name, values, current, label) =>
    el(
      "select",
      { "data-go": name, "aria-label": name },
      values.map((value) => el("option", { value, selected: value === current }, label(value))),
    );
  const metric = metricOf(table);
  const row = metric && metric.rows.find((one) => board.models[one.model] === where.model);
  const cell = row && row.cells[where.tag] ? cellOf(row.cells[where.tag]) : null;
  const shares = ["wrong", "unparsed", "error", "right"].map(
    (kind) => `${here[kind]} of ${counts[kind]} ${kind === "error" ? "errors" : WORDS[kind]}`,
  );
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
    cell
      ? el(
          "p",
          { class: "caption" },
          `${metric.label} ${number(cell.value)} ${interval(cell.low, cell.high)}, n = ${cell.n}, `,
          `${percent(cell.unparsed)} not read, ${state.rules} rules.`,
          cell.note ? ` Note: ${cell.note}.` : "",
        )
      : "",
    el(
      "div",
      { class: "row" },
      choose("language", table.languages, where.tag, nameOf),
      choose(
        "model",
        board.models.filter((model) => data.answers[model]),
        where.model,
        (name) => name,
      ),
      el("span", { class: "switch" }, buttons),
    ),
    el("p", { class: "caption" }, told),
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

function sampleNode(data, where, { answer, index }) {
  const item = data.items[index];
  const wording = data.questions[where.tag][index][answer.w];
  const reading = readingOf(answer);
  const pictures = item.images.map((sha) =>
    images[sha]
      ? el("img", { src: images[sha], alt: `image of ${item.id}`, loading: "lazy" })
      : el("div", { class: "noimage" }, "no thumbnail of this image in the run folder"),
  );
  const left = el(
    "div",
    {},
    pictures,
    el("div", { class: "id" }, el("a", { href: `#${fragment({ ...state, item: item.id, page: "1" })}` }, item.id)),
    [item.category, item.split].filter(Boolean).map((text) => el("div", { class: "id" }, text)),
  );
  const right = el(
    "div",
    {},
    wording.hint ? el("p", { class: "hint" }, said(wording.hint, where.tag)) : "",
    el("p", { class: "q" }, said(wording.q || "", where.tag)),
    optionsNode(wording, reading, where.tag, item.kind),
    wording.inst ? el("p", { class: "hint" }, said(wording.inst, where.tag)) : "",
    el("div", { class: "answer" }, answerNode(answer, where.tag)),
    el("p", { class: "read" }, chip(reading.kind), " ", readingText(reading, wording)),
    promptNode(data, where, answer),
    elsewhere(data, where, index),
    otherModels(data, where, index),
  );
  return el("article", { class: "sample", "data-item": item.id }, left, right);
}

function optionsNode(wording, reading, tag, kind) {
  const options = wording.options || [];
  if (!options.length) return el("p", { class: "hint" }, "gold: ", el("bdi", { dir: "auto" }, wording.gold || ""));
  const rows = options.map((option, place) => {
    const label = (wording.labels || [])[place] || "";
    const gold = label === wording.gold,
      read = label === reading.value;
    const tags = [gold ? "gold" : "", read ? "read" : ""].filter(Boolean).join(", ");
    return el(
      "li",
      { class: gold ? "gold" : read ? "bad" : null },
      el("b", {}, el("bdi", {}, label)),
      said(option, tag),
      tags ? el("span", { class: "tag" }, tags) : "",
    );
  });
  return el("ol", { class: "options" }, rows);
}

function answerNode(answer, tag) {
  if (answer.e) return [el("span", { class: "none" }, "no answer: "), said(answer.e, null)];
  if (!answer.t) return el("span", { class: "none" }, "(an empty answer)");
  const ends = answer.cut
    ? el("span", { class: "none" }, ` … the first part of ${answer.cut} characters`)
    : answer.f === "length"
      ? el("span", { class: "none" }, " … cut off by the token budget")
      : "";
  return [said(answer.t, tag), ends];
}

function readingText(reading, wording) {
  if (reading.value === null) return [`${reading.outcome}, by rule `, el("code", {}, reading.rule)];
  const parts = [
    "read as ",
    el("bdi", { dir: "auto" }, el("b", {}, reading.value)),
    ", gold ",
    el("bdi", { dir: "auto" }, el("b", {}, wording.gold || "")),
    ", by rule ",
    el("code", {}, reading.rule),
  ];
  if (reading.language) parts.push(`, answer in ${nameOf(reading.language)}`);
  return parts;
}

function promptNode(data, where, answer) {
  if (answer.p === undefined) return "";
  const [start, end] = data.prompts[where.model];
  const text = answer.pcut ? `${answer.p} …` : start + answer.p + end;
  return el("details", {}, el("summary", {}, "Prompt as the model saw it"), el("pre", { dir: "auto" }, visible(text)));
}

function answerRow(head, answer, wording, tag) {
  const reading = readingOf(answer);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, head),
    el("td", {}, wording ? said(wording.q || "", tag) : ""),
    el("td", {}, answerNode(answer, tag)),
    el(
      "td",
      {},
      chip(reading.kind),
      " ",
      reading.value === null ? reading.outcome : el("bdi", { dir: "auto" }, reading.value),
    ),
  );
}

function elsewhere(data, where, index) {
  const rows = board.tables[where.table].languages.filter(
    (tag) => tag !== where.tag && ((data.answers[where.model] || {})[tag] || [])[index],
  );
  if (!rows.length) return "";
  const lines = rows.map((tag) => {
    const answer = data.answers[where.model][tag][index];
    return answerRow(
      [nameOf(tag), " ", el("span", { class: "muted" }, tag)],
      answer,
      data.questions[tag][index][answer.w],
      tag,
    );
  });
  return el(
    "details",
    {},
    el(
      "summary",
      {},
      `The same question in ${rows.length === 1 ? "another language" : `${rows.length} other languages`}`,
    ),
    el("div", { class: "scroll" }, el("table", { class: "plain" }, el("tbody", {}, lines))),
  );
}

function otherModels(data, where, index) {
  const models = board.models.filter(
    (model) => model !== where.model && ((data.answers[model] || {})[where.tag] || [])[index],
  );
  if (!models.length) return "";
  const lines = models.map((model) =>
    answerRow(el("bdi", {}, model), data.answers[model][where.tag][index], null, where.tag),
  );
  return el(
    "details",
    {},
    el("summary", {}, `What ${models.length === 1 ? "the other model" : `${models.length} other models`} answered`),
    el("div", { class: "scroll" }, el("table", { class: "plain" }, el("tbody", {}, lines))),
  );
}
