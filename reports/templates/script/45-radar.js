// Radar: an axis per language. Areas mislead, so it is no default, has at most six models, and needs three languages.
function radar(view, width) {
  const rows = view.rows.slice(0, PLOTTED);
  const tags = view.tags.filter((tag) => rows.every((row) => shown(row.cells[tag], view.kind) !== null));
  const figure = el("figure", { class: "radar" });
  if (tags.length < 3) {
    figure.append(el("p", { class: "caption" }, "A radar needs three languages that all models shown have."));
    return figure;
  }
  const values = rows.map((row) => tags.map((tag) => shown(row.cells[tag], view.kind)));
  const ticks = niceTicks(Math.min(0, ...values.flat()), Math.max(0, ...values.flat(), 1e-6), 4);
  const [low, high] = [Math.min(ticks[0], ...values.flat()), Math.max(ticks[ticks.length - 1], ...values.flat())];
  const size = Math.min(width, 460);
  const [centre, radius] = [size / 2, size / 2 - 44];
  const at = (index, value) => {
    const angle = (2 * Math.PI * index) / tags.length - Math.PI / 2;
    const reach = (radius * (value - low)) / (high - low);
    return [centre + reach * Math.cos(angle), centre + reach * Math.sin(angle)];
  };
  const ring = (numbers) => numbers.map((value, index) => at(index, value).map((one) => one.toFixed(1)).join(" "));
  const picture = svg("svg", {
    viewBox: `0 0 ${size} ${size}`,
    width: size,
    height: size,
    role: "img",
    "aria-label": `Radar of the table: ${view.metric.label} by language${view.kind.label ? `, ${view.kind.label}` : ""}`,
  });
  for (const tick of ticks) {
    const line = svg("path", { class: tick === 0 ? "zero" : "grid", d: `M${ring(tags.map(() => tick)).join("L")}Z` });
    line.setAttribute("fill", "none");
    picture.append(line);
  }
  tags.forEach((tag, index) => {
    const [x, y] = at(index, high);
    picture.append(svg("line", { class: "grid", x1: centre, y1: centre, x2: x, y2: y }));
    const [cos, sin] = [(x - centre) / radius, (y - centre) / radius];
    const anchor = Math.abs(cos) < 0.2 ? "middle" : cos > 0 ? "start" : "end";
    const label = nameOf(tag).length > 9 || tags.length > 9 ? tag : nameOf(tag);
    picture.append(svg("text", { x: x + 9 * cos, y: y + 4 + 9 * sin, "text-anchor": anchor }, label));
  });
  for (const tick of ticks) {
    const [x, y] = at(0, tick);
    picture.append(svg("text", { class: "axis", x: x + 4, y: y + 4 }, number(tick, view.kind.sign, Number.isInteger(tick) ? 0 : 1)));
  }
  rows.forEach((row, index) => {
    const group = svg("g", { class: `s${index}` }, svg("title", {}, row.model));
    group.append(svg("path", { class: `web d${index}`, d: `M${ring(values[index]).join("L")}Z` }));
    values[index].forEach((value, place) => {
      const dot = mark(index, ...at(place, value), 3.5);
      dot.append(svg("title", {}, `${row.model}, ${nameOf(tags[place])}: ${number(value, view.kind.sign)}`));
      group.append(dot);
    });
    picture.append(group);
  });
  figure.append(picture, keysOf(view, rows));
  return figure;
}
