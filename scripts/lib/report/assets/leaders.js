// SPDX-License-Identifier: MIT
// The map of the cheapest scheme: a square for each number of CPUs and of exits.
function drawLeaders(figure, data) {
  const plot = figure.querySelector(".plot");
  const sorted = key => [...new Set(data.cells.map(cell => cell[key]))].sort((a, b) => a - b).map(String);

  return function draw() {
    const groups = new Map();
    for (const cell of data.cells) {
      const name = cell.leaders.length === 1 ? cell.leaders[0] : cell.leaders.length ? "undecided" : "no valid window";
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(cell);
    }
    const columns = sorted("exits"), rows = sorted("cpus");
    const room = Math.min((plot.clientWidth - 90) / columns.length, (plot.clientHeight - 120) / rows.length);
    const traces = [...groups].map(([name, cells]) => {
      const one = cells[0].leaders.length === 1;
      return {
        type: "scatter", mode: "markers", name, x: cells.map(cell => String(cell.exits)), y: cells.map(cell => String(cell.cpus)),
        marker: {
          size: Math.max(8, Math.min(36, room * 0.8)), symbol: one ? styleOf(cells[0].place).symbol : "circle-open",
          color: one ? styleOf(cells[0].place).colour : inks().soft, line: {color: inks().ink, width: 1},
        },
        text: cells.map(cell => `${cell.cpus} CPUs, ${cell.exits} exits per million<br><b>`
          + `${cell.leaders.length > 1 ? "undecided between " : ""}${cell.leaders.join(", ") || "no valid window"}</b>`
          + cell.costs.map(([scheme, cost]) => `<br>${scheme}: ${cost === null ? "no valid window" : scaled(cost) + " ns"}`).join("")),
        hoverinfo: "text",
      };
    });
    const layout = layoutOf(data.x, "CPUs");
    Object.assign(layout.xaxis, {type: "category", categoryorder: "array", categoryarray: columns, tickvals: columns,
      ticktext: columns.map(Number).map(short)});
    Object.assign(layout.yaxis, {type: "category", categoryorder: "array", categoryarray: rows});
    makeRoom(plot, traces);
    return Plotly.react(plot, traces, layout, plotOptions);
  };
}
