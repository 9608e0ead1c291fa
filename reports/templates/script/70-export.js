// What is shown now, as text to take away. LaTeX here is as in lrm_eval.reporting.latex: ASCII, names in English.
const LATEX = { "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", $: "\\$", "&": "\\&", "#": "\\#", "%": "\\%", _: "\\_", "^": "\\textasciicircum{}", "~": "\\textasciitilde{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", '"': "''", "\u2212": "$-$", "—": "---", "·": "$\\cdot$" };

function tex(text) {
  return [...text].map((char) => LATEX[char] || (char >= " " && char <= "~" ? char : char < " " ? " " : `{[}U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}{]}`)).join("").replace(/^(?=[[*])/, "{}");
}
const md = (text) => text.replace(/[\\|*_`[\]#~]/g, "\\$&").replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/[\u0000-\u001f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, " ");

function grid(view) {
  const part = (row, tag) => { const cell = row.cells[tag]; return cell ? (view.gaps ? cell.gap : cell) : null; };
  const sums = [["mean", false, view.meanOver], ["gap", true, view.gapOver]].filter(([, , tags]) => tags.length);
  return {
    head: ["model", ...view.tags.map((tag) => `${nameOf(tag)} (${tag})`), ...sums.map(([name]) => name)],
    rows: view.rows.map((row) => ({ name: row.model, parts: [...view.tags.map((tag) => ({ item: part(row, tag), sign: view.gaps })), ...sums.map(([name, sign]) => ({ item: row[name], sign }))] })),
  };
}
const shownText = ({ item, sign }) => (item ? `${number(item.value, sign)} ${interval(item.low, item.high, sign)}`.trim() : "");

const WRITERS = {
  md: (views) => views.map((view) => { const { head, rows } = grid(view); const line = (cells) => `| ${cells.join(" | ")} |`; return [`### ${md(view.table.title)}: ${md(view.metric.label)}`, "", line(head), line(head.map((_, place) => (place ? "--:" : "---"))), ...rows.map((row) => line([md(row.name), ...row.parts.map(shownText)])), "", captionOf(view), ""].join("\n"); }).join("\n"),
  tex: (views) => ["% needs \\usepackage{booktabs,graphicx}", ...views.map((view) => { const { head, rows } = grid(view); const value = ({ item, sign }) => (item && item.value !== null ? tex(number(item.value, sign)) : "--"); const bounds = ({ item, sign }) => (item && item.low !== null ? `{\\scriptsize ${tex(interval(item.low, item.high, sign))}}` : ""); const body = rows.flatMap((row) => [`${tex(row.name)} & ${row.parts.map(value).join(" & ")} \\\\`, ...(row.parts.some(bounds) ? [`{} & ${row.parts.map(bounds).join(" & ")} \\\\`] : [])]); return ["\\begin{table}[t]", "\\centering\\small", `\\caption{${tex(view.table.title)}. ${tex(captionOf(view))}}`, "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%", `\\begin{tabular}{@{}l${"r".repeat(head.length - 1)}@{}}`, "\\toprule", `${head.map(tex).join(" & ")} \\\\`, "\\midrule", ...body, "\\bottomrule", "\\end{tabular}%", "}", "\\end{table}", ""].join("\n"); })].join("\n"),
  csv: (views) => { const quote = (value) => { const text = value === null || value === undefined ? "" : String(value); return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text; }; const lines = [["model", "task", "language", "condition", "rules", "metric", "value", "ci_low", "ci_high", "n", "clusters", "unparsed_rate", "gap", "gap_ci_low", "gap_ci_high", "note"]]; for (const view of views) for (const row of view.rows) for (const tag of view.tags) { const cell = row.cells[tag]; if (cell) lines.push([row.model, view.table.task, tag, view.table.condition, state.rules, view.metric.name, cell.value, cell.low, cell.high, cell.n, cell.clusters, cell.unparsed, cell.gap && cell.gap.value, cell.gap && cell.gap.low, cell.gap && cell.gap.high, cell.note]); } return lines.map((line) => line.map(quote).join(",")).join("\n") + "\n"; },
  json: (views) => JSON.stringify({ schema: board.schema, rules: state.rules, tables: views.map((view) => ({ task: view.table.task, condition: view.table.condition, metric: view.metric.name, languages: view.tags, mean_over: view.meanOver, gap_over: view.gapOver, rows: view.rows })) }, null, 1),
};

function download(kind) {
  const views = board.tables.map(viewOf).filter(Boolean);
  const link = el("a", { href: URL.createObjectURL(new Blob([WRITERS[kind](views)], { type: "text/plain;charset=utf-8" })), download: `leaderboard.${kind}` });
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
