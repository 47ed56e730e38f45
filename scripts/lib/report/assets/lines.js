// SPDX-License-Identifier: MIT
// Lines of medians with their intervals; invalid windows hollow.
function drawLines(figure, data) {
  const plot = figure.querySelector(".plot"), controls = figure.querySelector(".controls");
  const state = {measure: data.measures[0].column, scale: "log", per: "all", facet: data.facets[0]};
  const packages = data.lines.some(line => line.spots.some(spot => spot.packages));
  const xs = [...new Set(data.lines.flatMap(line => line.spots.map(spot => spot.x)))].sort((a, b) => a - b);
  const wide = xs.length > 2 && xs[xs.length - 1] > 16;
  // A logarithmic axis has no 0: then every number measured is a place of its own.
  const xType = wide && xs[0] > 0 ? "log" : wide ? "category" : "linear";
  const at = x => xType === "category" ? String(x) : x;

  function share(spot) {
    if (!measure().divisible || state.per === "all") return 1;
    // Packages that are not recorded make no number at all, and a gap in the line.
    return state.per === "cpu" ? spot.x : spot.packages || NaN;
  }
  const measure = () => data.measures.find(one => one.column === state.measure);
  const per = () => !measure().divisible || state.per === "all" ? ""
    : state.per === "cpu" ? ", divided by CPUs" : ", divided by packages";

  function traces() {
    const made = [], column = state.measure;
    for (const line of data.lines.filter(one => one.facet === state.facet)) {
      const style = styleOf(line.place);
      const known = line.spots.map(spot => spot.values[column] && share(spot)
        ? {spot, value: spot.values[column], by: share(spot)} : null);
      const shown = part => known.map(one => one && one.value[part] / one.by);
      made.push({
        type: "scatter", mode: "lines+markers", name: line.label, x: line.spots.map(spot => at(spot.x)), y: shown(0),
        connectgaps: false, line: {color: style.colour, dash: style.dash, width: 2},
        marker: {color: style.colour, symbol: style.symbol, size: 8},
        error_y: {
          type: "data", symmetric: false, color: style.colour, thickness: 1,
          array: known.map(one => one && (one.value[2] - one.value[0]) / one.by),
          arrayminus: known.map(one => one && (one.value[0] - one.value[1]) / one.by),
        },
        text: known.map(one => one && `${line.label}<br>${data.x}: ${one.spot.x}<br><b>`
          + `${scaled(one.value[0] / one.by)}</b> ${measure().label}${per()}<br>`
          + (one.value[3] > 1 ? `${scaled(one.value[1] / one.by)} .. ${scaled(one.value[2] / one.by)}, ` : "")
          + `${one.value[3]} of ${one.spot.count} windows valid`),
        hoverinfo: "text",
      });
      const spoilt = line.spots.filter(share).flatMap(spot => spot.spoilt[column].map(value => ({spot, y: value / share(spot)})));
      if (spoilt.length)
        made.push({
          type: "scatter", mode: "markers", name: `${line.label} (invalid)`, showlegend: false,
          x: spoilt.map(one => at(one.spot.x)), y: spoilt.map(one => one.y),
          marker: {color: style.colour, symbol: `${style.symbol}-open`, size: 8},
          text: spoilt.map(one => `${line.label}: an invalid window<br>${scaled(one.y)} ${measure().label}${per()}`),
          hoverinfo: "text",
        });
    }
    return made;
  }

  function draw() {
    const layout = layoutOf(data.x, measure().axis + per());
    Object.assign(layout.xaxis, {type: xType});
    if (xType === "category") Object.assign(layout.xaxis, {categoryorder: "array", categoryarray: xs.map(String), tickvals: xs.map(String), ticktext: xs.map(short)});
    else if (xs.length <= 12 || xType === "log") Object.assign(layout.xaxis, {tickvals: ticks(), ticktext: ticks().map(short)});
    Object.assign(layout.yaxis, {type: state.scale, rangemode: state.scale === "log" ? "normal" : "tozero"});
    if (state.scale === "log") layout.yaxis.dtick = undefined, layout.yaxis.exponentformat = "SI";
    if (xType !== "category") {
      layout.shapes = data.marks.map(([x]) => ({type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1,
        line: {color: inks().soft, width: 1, dash: "dot"}}));
      layout.annotations = data.marks.filter((_, place) => place === 0 || place === data.marks.length - 1)
        .map(([x, text]) => ({x: xType === "log" ? Math.log10(x) : x, yref: "paper", y: 1, yanchor: "bottom", text,
          showarrow: false, font: {size: 11}}));
    }
    const made = traces();
    makeRoom(plot, made);
    return Plotly.react(plot, made, layout, plotOptions);
  }

  const ticks = () => spaced(xs, xType === "log");

  const redraw = key => value => { state[key] = value; draw(); };
  chooser(controls, figure.id, data.measures.length > 1 ? "shown" : "", data.measures.map(one => [one.column, one.label]),
    state.measure, redraw("measure"));
  chooser(controls, figure.id, "scale", [["log", "log"], ["linear", "linear"]], state.scale, redraw("scale"));
  if (data.measures.some(one => one.divisible))
    chooser(controls, figure.id, "rates", [["all", "all CPUs"], ["cpu", "per CPU"],
      ...(packages ? [["package", "per package"]] : [])], state.per, redraw("per"));
  chooser(controls, figure.id, "part", data.facets.map(text => [text, text]), state.facet, redraw("facet"));
  return draw;
}
