// Two models side by side: a sentence that says where one is better, as far as the data can tell.
function verdictOf(view) {
  if (view.rows.length !== 2 || state.view !== "score" || !view.metric.primary) return [];
  const [one, other] = view.rows;
  const better = (a, b, tag) => a.cells[tag].beats.includes(b.index);
  const both = view.tags.filter((tag) => one.cells[tag] && other.cells[tag]);
  if (!both.length) return [];
  const whole = view.meanOver.length > 1 && view.meanOver.length === view.metric.mean_over.length;
  const side = (a, b) => ({
    name: a.model,
    mean: whole && a.beats.includes(b.index),
    tags: both.filter((tag) => better(a, b, tag)),
  });
  const sides = [side(one, other), side(other, one)].filter(({ mean, tags }) => mean || tags.length);
  const open = both.filter((tag) => !better(one, other, tag) && !better(other, one, tag));
  const said = sides.map(({ name, mean, tags }) => [
    el("b", {}, el("bdi", {}, name)),
    " is better ",
    [mean ? "by the mean" : "", tags.length ? `in ${tags.length === both.length && tags.length > 1 ? `all ${tags.length} languages` : listed(tags.map(nameOf))}` : ""]
      .filter(Boolean)
      .join(", and "),
    ". ",
  ]);
  const byMean = whole && !sides.some(({ mean }) => mean);
  const unsure = [byMean ? "by the mean" : "", open.length ? `in ${open.length === both.length && open.length > 1 ? "any language" : listed(open.map(nameOf))}` : ""].filter(Boolean);
  if (unsure.length) said.push(`The data cannot tell which is better ${unsure.join(", or ")}. `);
  const tested =
    board.models.length > 2
      ? `All ${view.metric.rows.length} models of this table are tested together at 95 %; “lrm-eval compare” tests two alone.`
      : "At 95 %, on the same images.";
  return [el("p", { class: "verdict", role: "status" }, said, el("span", { class: "muted" }, tested))];
}
