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
  "·": "$\\cdot$",
};

function texSign(sign) {
  if (LATEX[sign]) return LATEX[sign];
  if (sign >= " " && sign <= "~") return sign;
  return sign < " " ? " " : `[U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
}

// After \\ a bracket or a star would be read as its argument.
const tex = (text) =>
  [...text]
    .map(texSign)
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

// Every form but the long one is of the same grid: models down, languages and sums across.
function gridOf(view) {
  const sums = [
    ["mean", false, view.meanOver],
    ["gap", true, view.gapOver],
  ].filter(([, , tags]) => tags.length);
  const partOf = (cell) => (cell ? (view.gaps ? cell.gap : cell) : null);
  const head = ["model", ...view.tags.map((tag) => `${nameOf(tag)} (${tag})`), ...sums.map(([name]) => name)];
  const rows = view.rows.map((row) => ({
    name: row.model,
    parts: [
      ...view.tags.map((tag) => ({ item: partOf(row.cells[tag]), sign: view.gaps })),
      ...sums.map(([name, sign]) => ({ item: row[name], sign })),
    ],
  }));
  return { head, rows };
}

const bounds = ({ item, sign }) => (item ? interval(item.low, item.high, sign) : "");
const both = (part) => (part.item ? `${number(part.item.value, part.sign)} ${bounds(part)}`.trim() : "");

function markdownOf(view) {
  const { head, rows } = gridOf(view);
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const body = rows.map((row) => line([md(row.name), ...row.parts.map(both)]));
  const title = `### ${md(view.table.title)}: ${md(view.metric.label)}`;
  return [
    title,
    "",
    line(head),
    line(head.map((_, place) => (place ? "--:" : "---"))),
    ...body,
    "",
    md(captionOf(view)),
    "",
  ].join("\n");
}

function latexOf(view) {
  const { head, rows } = gridOf(view);
  const value = ({ item, sign }) => (item && item.value !== null ? tex(number(item.value, sign)) : "--");
  const small = (part) => (bounds(part) ? `{\\scriptsize ${tex(bounds(part))}}` : "");
  const body = rows.flatMap((row) => {
    const first = `${tex(row.name)} & ${row.parts.map(value).join(" & ")} \\\\`;
    return row.parts.some(small) ? [first, `{} & ${row.parts.map(small).join(" & ")} \\\\`] : [first];
  });
  return [
    "\\begin{table}[t]",
    "\\centering\\small",
    `\\caption{${tex(view.table.title)}. ${tex(captionOf(view))}}`,
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
  "model",
  "task",
  "language",
  "condition",
  "rules",
  "metric",
  "value",
  "ci_low",
  "ci_high",
  "n",
  "clusters",
  "unparsed_rate",
  "gap",
  "gap_ci_low",
  "gap_ci_high",
  "note",
];

function csvLines(view) {
  const { table, metric } = view;
  return view.rows.flatMap((row) =>
    view.tags
      .filter((tag) => row.cells[tag])
      .map((tag) => {
        const cell = row.cells[tag];
        const gap = cell.gap || { value: null, low: null, high: null };
        const numbers = [
          cell.value,
          cell.low,
          cell.high,
          cell.n,
          cell.clusters,
          cell.unparsed,
          gap.value,
          gap.low,
          gap.high,
        ];
        return [row.model, table.task, tag, table.condition, state.rules, metric.name, ...numbers, cell.note];
      }),
  );
}

function quoted(value) {
  const text = value === null ? "" : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

function plainOf(view) {
  const { table, metric, tags, rows, meanOver, gapOver } = view;
  return {
    task: table.task,
    condition: table.condition,
    metric: metric.name,
    languages: tags,
    mean_over: meanOver,
    gap_over: gapOver,
    rows,
  };
}

const WRITERS = {
  csv: (views) => [CSV_HEAD, ...views.flatMap(csvLines)].map((line) => `${line.map(quoted).join(",")}\n`).join(""),
  json: (views) => JSON.stringify({ schema: board.schema, rules: state.rules, tables: views.map(plainOf) }, null, 1),
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

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    byId("copied").textContent = "copied";
  } catch {
    byId("copied").textContent = location.href;
  }
}
