// What is shown now, as text to take away. LaTeX is as in lrm_eval.reporting.latex: ASCII, languages by English name.
const LATEX = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  $: "\\$",
  "&": "\\&",
  "#": "\\#",
  "%": "\\%",
  _: "\\_",
  "^": "\\textasciicircum{}",
  "~": "\\textasciitilde{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "|": "\\textbar{}",
  '"': "''",
  "\u2212": "$-$",
  "—": "---",
  "–": "--",
  "·": "$\\cdot$",
};

function texSign(sign) {
  if (LATEX[sign]) return LATEX[sign];
  if (sign >= " " && sign <= "~") return sign;
  const bare = sign.normalize("NFKD").replace(/[^ -~]/g, "");
  // Again, for a full-width brace comes apart into a brace.
  if (bare) return [...bare].map(texSign).join("");
  return sign < " " ? " " : `[U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
}

// After \\ a bracket or a star would be read as its argument.
const tex = (text) =>
  [...text]
    // Two hyphens in a row would become a dash.
    .map((sign, place, all) => (sign === "-" && all[place - 1] === "-" ? "{}-" : texSign(sign)))
    .join("")
    .replace(/^(?=[[*])/, "{}");

function md(text) {
  const line = text.replace(/[\u0000-\u001f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, " ");
  return line
    .replace(/[\\|*_`[\]#~]/g, "\\$&")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;");
}

// Every form but the long one is of the same grid: models down, languages and sums across, as on the page.
function gridOf(view) {
  const sums = [
    ["rank", view.ranked, (row) => ({ text: rankOf(row.place) })],
    ["mean", view.means, (row) => ({ item: row.sum, sign: false, best: view.ranked && row.place && row.place.best })],
    ["gap", view.gaps, (row) => ({ item: row.gap, sign: true })],
  ].filter(([, there]) => there);
  const partOf = (cell) => {
    if (!cell) return { item: null, sign: false };
    // English has no gap: its score stands there, as on the page.
    const pivot = state.view === "gap" && !cell.gap;
    return {
      item: pivot ? cell : view.kind.part(cell),
      sign: view.kind.sign && !pivot,
      best: state.view === "score" && cell.best,
    };
  };
  const head = ["model", ...sums.map(([name]) => name), ...view.tags.map((tag) => `${nameOf(tag)} (${tag})`)];
  const rows = view.rows.map((row) => ({
    name: row.model,
    parts: [...sums.map(([, , part]) => part(row)), ...view.tags.map((tag) => partOf(row.cells[tag]))],
  }));
  return state.rows === "languages" ? turned(head, rows) : { head, rows };
}

function turned(head, rows) {
  const lines = head.slice(1).map((name, place) => ({ name, parts: rows.map((row) => row.parts[place]) }));
  return { head: ["", ...rows.map((row) => row.name)], rows: lines };
}

const bounds = ({ item, sign }) => (item ? interval(item.low, item.high, sign) : "");
const valueOf = ({ item, sign, text }) => text ?? (item ? number(item.value, sign) : "");
function both(part) {
  const value = part.best ? `**${valueOf(part)}**` : valueOf(part);
  return `${value} ${bounds(part)}`.trim();
}
const titleOf = (view) => `${view.table.title}: ${view.metric.label}${view.kind.label ? `, ${view.kind.label}` : ""}`;

function markdownOf(view) {
  const { head, rows } = gridOf(view);
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const body = rows.map((row) => line([md(row.name), ...row.parts.map(both)]));
  const title = `### ${md(titleOf(view))}`;
  return [
    title,
    "",
    line(head.map(md)),
    line(head.map((_, place) => (place ? "--:" : "---"))),
    ...body,
    "",
    md(captionOf(view)),
    "",
  ].join("\n");
}

function latexOf(view) {
  const { head, rows } = gridOf(view);
  const value = (part) => {
    if (part.text === undefined && (!part.item || part.item.value === null)) return "--";
    return part.best ? `\\textbf{${tex(valueOf(part))}}` : tex(valueOf(part));
  };
  const small = (part) => (bounds(part) ? `{\\scriptsize ${tex(bounds(part))}}` : "");
  const body = rows.flatMap((row) => {
    const first = `${tex(row.name)} & ${row.parts.map(value).join(" & ")} \\\\`;
    return row.parts.some(small) ? [first, `{} & ${row.parts.map(small).join(" & ")} \\\\`] : [first];
  });
  return [
    "\\begin{table}[t]",
    "\\centering\\small",
    `\\caption{${tex(titleOf(view))}. ${tex(captionOf(view))}}`,
    "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
    `\\begin{tabular}{@{}l${"r".repeat(head.length - 1)}@{}}`,
    "\\toprule",
    `${head.map(tex).join(" & ")} \\\\`,
    "\\midrule",
    ...body,
    "\\bottomrule",
    "\\end{tabular}%",
    "}",
    "\\end{table}",
    "",
  ].join("\n");
}

const CSV_HEAD = [
  ...["model", "task", "language", "condition", "rules", "metric", "view", "shown", "shown_ci_low", "shown_ci_high"],
  ...["value", "ci_low", "ci_high", "n", "clusters", "unparsed_rate", "gap", "gap_ci_low", "gap_ci_high"],
  ...["chance", "chance_corrected", "not_separable_from_best", "note"],
];

function csvLines(view) {
  const { table, metric } = view;
  const ends = (item) => (item ? [item.value, item.low, item.high] : [null, null, null]);
  const line = (row, tag) => {
    const cell = row.cells[tag];
    return [
      ...[row.model, table.task, tag, table.condition, state.rules, metric.name, state.view],
      ...ends(view.kind.part(cell)),
      ...[cell.value, cell.low, cell.high, cell.n, cell.clusters, cell.unparsed],
      ...ends(cell.gap),
      ...[cell.chance, cell.corrected ? cell.corrected.value : null, view.rows.length > 1 ? cell.best : null, cell.note],
    ];
  };
  return view.rows.flatMap((row) => view.tags.filter((tag) => row.cells[tag]).map((tag) => line(row, tag)));
}

function quoted(value) {
  const raw = value === null ? "" : String(value);
  // A spreadsheet would run a text that begins like a formula; numbers may begin with a minus.
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(raw) ? `'${raw}` : raw;
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

function plainOf(view) {
  const { table, metric, tags, rows, meanOver, gapOver } = view;
  return {
    task: table.task,
    condition: table.condition,
    metric: metric.name,
    unit: metric.unit,
    view: state.view,
    languages: tags,
    mean_over: meanOver,
    gap_over: gapOver,
    rows,
  };
}

const WRITERS = {
  csv: (views) => [CSV_HEAD, ...views.flatMap(csvLines)].map((line) => `${line.map(quoted).join(",")}\n`).join(""),
  json: (views) => JSON.stringify({ schema: board.schema, view: location.hash, rules: state.rules, tables: views.map(plainOf) }, null, 1),
  md: (views) => views.map(markdownOf).join("\n"),
  tex: (views) => ["% needs \\usepackage{booktabs,graphicx}", ...views.map(latexOf)].join("\n"),
};

function download(kind) {
  const views = board.tables.map(viewOf).filter(Boolean);
  const blob = new Blob([WRITERS[kind](views)], { type: "text/plain;charset=utf-8" });
  const link = el("a", { href: URL.createObjectURL(blob), download: `leaderboard.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function copyText(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page from disk may not be allowed to write to the clipboard by that door: this one is older.
    const field = el("textarea", { readonly: true, class: "visually-hidden" });
    field.value = text;
    byId("downloads").append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) {
      byId("copied").textContent = what === "link" ? text : "not copied: the text stands under “How to cite”";
      return;
    }
  }
  byId("copied").textContent = `${what} copied`;
}
