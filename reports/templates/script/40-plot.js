// Dot plot: a line per language, a dot with its interval per model. At most six models; the table has them all.
const PLOTTED = 6;
const SHAPES = [
  (x, y, r) => svg("circle", { cx: x, cy: y, r }),
  (x, y, r) => svg("rect", { x: x - r * 0.88, y: y - r * 0.88, width: r * 1.76, height: r * 1.76 }),
  (x, y, r) =>
    svg("path", { d: `M${x} ${y - r * 1.15}L${x + r * 1.1} ${y + r * 0.85}L${x - r * 1.1} ${y + r * 0.85}Z` }),
  (x, y, r) =>
    svg("path", { d: `M${x} ${y - r * 1.25}L${x + r * 1.25} ${y}L${x} ${y + r * 1.25}L${x - r * 1.25} ${y}Z` }),
  (x, y, r) =>
    svg("path", { d: `M${x} ${y + r * 1.15}L${x + r * 1.1} ${y - r * 0.85}L${x - r * 1.1} ${y - r * 0.85}Z` }),
  (x, y, r) => {
    const [a, b] = [r * 0.65, r * 0.7];
    return svg("path", { d: `M${x - r} ${y - b / 2}h${a}v${-a}h${b}v${a}h${a}v${b}h${-a}v${a}h${-b}v${-a}h${-a}z` });
  },
];

function mark(index, x, y, r = 4.5) {
  const node = SHAPES[index](x, y, r);
  node.setAttribute("class", `dot s${index}`);
  return node;
}

function niceTicks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-9; tick += step)
    ticks.push(Math.abs(tick) < 1e-9 ? 0 : tick);
  return ticks;
}

// Beside the table where there is room for it, else beneath.
function drawFigure(section, view, table) {
  if (state.plot === "none") return;
  const pair = section.querySelector(".pair");
  const room = pair.clientWidth - table.offsetWidth - 36;
  const width = Math.round(Math.min(room >= 320 ? room : pair.clientWidth, 544));
  pair.append(state.plot === "radar" ? radar(view, width) : plot(view, width));
}

function keysOf(view, rows) {
  const keys = rows.map((row, index) => el("span", {}, svgKey(index), el("bdi", {}, row.model)));
  if (view.rows.length > rows.length)
    keys.push(el("span", {}, `The first ${rows.length} of ${view.rows.length} models as sorted; filter to see others.`));
  return el("figcaption", {}, keys);
}

function plot(view, width) {
  const rows = view.rows.slice(0, PLOTTED);
  const points = [];
  const signed = view.kind.sign;
  const tags = view.tags.filter((tag) => rows.some((row) => shown(row.cells[tag], view.kind) !== null));
  tags.forEach((tag, line) =>
    rows.forEach((row, index) => {
      const cell = row.cells[tag];
      const part = cell && view.kind.part(cell);
      if (part && part.value !== null)
        points.push({
          line,
          index,
          tag,
          model: row.model,
          value: part.value,
          low: part.low ?? part.value,
          high: part.high ?? part.value,
        });
    }),
  );
  const figure = el("figure");
  if (points.length < 2) return figure;
  let low = Math.min(...points.map((one) => one.low));
  let high = Math.max(...points.map((one) => one.high));
  if (signed) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
  const least = Math.max(Math.abs(high), Math.abs(low)) * 0.1 || 1;
  // Downwards where values have no sign: an axis beyond the largest value would show 102 %.
  if (high - low < least) [low, high] = signed ? [(low + high - least) / 2, (low + high + least) / 2] : [high - least, high];
  const pitch = Math.max(22, 11 * rows.length + 8);
  const left = 84,
    right = 14,
    top = 6;
  const bottom = top + pitch * tags.length;
  const pad = (high - low) * 0.03;
  const place = (value) => left + ((value - low + pad) / (high - low + 2 * pad)) * (width - left - right);
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${bottom + 22}`,
    width,
    height: bottom + 22,
    role: "img",
    "aria-label": `Dot plot of the table: ${view.metric.label} by language${view.kind.label ? `, ${view.kind.label}` : ""}`,
  });
  for (const tick of niceTicks(low, high, width < 420 ? 3 : 5)) {
    picture.append(
      svg("line", {
        class: signed && tick === 0 ? "zero" : "grid",
        x1: place(tick),
        x2: place(tick),
        y1: top,
        y2: bottom,
      }),
    );
    picture.append(
      svg(
        "text",
        { class: "axis", x: place(tick), y: bottom + 15, "text-anchor": "middle" },
        number(tick, signed, Number.isInteger(tick) ? 0 : 1),
      ),
    );
  }
  tags.forEach((tag, line) =>
    picture.append(
      svg("text", { x: 0, y: top + pitch * (line + 0.5) + 4 }, nameOf(tag).length > 13 ? tag : nameOf(tag)),
    ),
  );
  for (const one of points) {
    const y = top + pitch * (one.line + 0.5) + (one.index - (rows.length - 1) / 2) * 11;
    const group = svg(
      "g",
      { class: `s${one.index}` },
      svg(
        "title",
        {},
        `${one.model}, ${nameOf(one.tag)}: ${number(one.value, signed)} `,
        one.low < one.high ? interval(one.low, one.high, signed) : "",
      ),
    );
    if (one.low < one.high)
      group.append(svg("line", { class: "whisker", x1: place(one.low), x2: place(one.high), y1: y, y2: y }));
    group.append(mark(one.index, place(one.value), y));
    picture.append(group);
  }
  figure.append(picture, keysOf(view, rows));
  return figure;
}

function svgKey(index) {
  const key = svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" });
  key.append(mark(index, 6, 6));
  return key;
}
