// SPDX-License-Identifier: MIT
// Medians as points, the law that they bear out as a curve, its knee as an upright stroke.
function drawFit(figure, data) {
  const plot = figure.querySelector(".plot"), controls = figure.querySelector(".controls");
  const state = {scale: "log"};

  function traces() {
    return data.lines.flatMap(line => {
      const style = styleOf(line.place), column = place => line.spots.map(spot => spot[place]);
      const made = [{
        type: "scatter", mode: "markers", name: `${line.label}: ${line.said}`, x: column(0), y: column(1),
        marker: {color: style.colour, symbol: style.symbol, size: 8}, legendgroup: line.label,
        error_y: {type: "data", symmetric: false, color: style.colour, thickness: 1,
          array: line.spots.map(spot => spot[3] - spot[1]), arrayminus: line.spots.map(spot => spot[1] - spot[2])},
        text: line.spots.map(spot => `${line.label}<br>${data.x}: ${spot[0]}<br><b>${scaled(spot[1])}</b> switches/s`),
        hoverinfo: "text",
      }];
      if (line.curve.length)
        made.push({type: "scatter", mode: "lines", name: line.label, x: line.curve[0], y: line.curve[1], showlegend: false,
          legendgroup: line.label, line: {color: style.colour, dash: style.dash, width: 1.5}, hoverinfo: "skip"});
      if (line.knee)
        made.push({type: "scatter", mode: "markers", name: `${line.label}: knee`, x: [line.knee[0]], y: [line.knee[1]],
          showlegend: false, legendgroup: line.label,
          marker: {color: style.colour, symbol: "line-ns-open", size: 26, line: {width: 3, color: style.colour}},
          text: [`${line.label}: ${line.said}`], hoverinfo: "text"});
      return made;
    });
  }

  function draw() {
    const layout = layoutOf(data.x, data.y);
    layout.xaxis.type = layout.yaxis.type = state.scale;
    layout.yaxis.rangemode = state.scale === "log" ? "normal" : "tozero";
    if (state.scale === "log") layout.yaxis.exponentformat = "SI";
    const counts = [...new Set(data.lines.flatMap(line => line.spots.map(spot => spot[0])))].sort((a, b) => a - b);
    const kept = spaced(counts, state.scale === "log");
    Object.assign(layout.xaxis, {tickvals: kept, ticktext: kept.map(String)});
    const made = traces();
    makeRoom(plot, made);
    return Plotly.react(plot, made, layout, plotOptions);
  }
  chooser(controls, figure.id, "scale", [["log", "log"], ["linear", "linear"]], state.scale,
    value => { state.scale = value; draw(); });
  return draw;
}
