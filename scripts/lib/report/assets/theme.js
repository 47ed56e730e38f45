// SPDX-License-Identifier: MIT
"use strict";
// How things look in light and dark, and how numbers are worded; the page's Python words them in the same way.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const palette = JSON.parse(document.getElementById("palette").textContent);
const symbols = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "triangle-left",
  "triangle-right", "pentagon", "diamond-tall", "hexagon", "star"];
const dashes = ["solid", "dash", "dashdot", "dot", "longdashdot"];

function inks() {
  return dark.matches
    ? {ink: "#e9e9e6", soft: "#b3b3ae", rule: "#3a3e44", panel: "#1f2226"}
    : {ink: "#1b1b1b", soft: "#595959", rule: "#dddddd", panel: "#f5f5f3"};
}

// place: [number of the scheme, number of the machine], as all figures of the page have them.
function styleOf(place) {
  const colour = palette[place[0] % palette.length];
  return {
    // Black is one of the colours; on dark it would be nothing.
    colour: colour === "#000000" ? inks().ink : colour,
    symbol: symbols[(place[0] + 5 * place[1]) % symbols.length],
    dash: dashes[(place[0] + place[1]) % dashes.length],
  };
}

function plain(value, digits) {
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(digits));
  const whole = Math.floor(Math.log10(rounded)) + 1;
  return rounded.toFixed(Math.max(digits - whole, 0));
}

// 1234567 is "1.235M".
function scaled(value, digits = 4) {
  for (const [factor, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]])
    if (Number(value.toPrecision(digits)) >= factor) return plain(value / factor, digits) + letter;
  return plain(value, digits);
}

// A number at an axis, as short as it is exact: 100000 is "100k".
function short(value) {
  const [factor, letter] = [[1e6, "M"], [1e3, "k"]].find(([factor]) => value >= factor && value % (factor / 10) === 0) || [1, ""];
  return String(value / factor) + letter;
}

// Of places that rise, those far enough from the one before to be labelled.
function spaced(places, logarithmic) {
  const kept = [], reach = places[places.length - 1] - places[0];
  const far = (x, last) => logarithmic ? x / last >= 1.6 : places.length <= 12 || x - last >= reach / 12;
  for (const x of places)
    if (!kept.length || far(x, kept[kept.length - 1])) kept.push(x);
  return kept;
}

// Radio buttons in a fieldset; choices: [[value, text], ...]. Many are a list to choose from instead.
function chooser(parent, id, legend, choices, chosen, act) {
  if (choices.length < 2) return;
  const field = document.createElement("fieldset");
  field.append(Object.assign(document.createElement("legend"), {textContent: legend}));
  if (choices.length > 6) {
    const list = document.createElement("select");
    list.setAttribute("aria-label", legend);
    for (const [value, text] of choices) list.append(new Option(text, value, false, value === chosen));
    list.addEventListener("change", () => act(list.value));
    field.append(list);
  } else {
    for (const [value, text] of choices) {
      const label = document.createElement("label");
      const button = Object.assign(document.createElement("input"),
        {type: "radio", name: `${id}-${legend}`, value, checked: value === chosen});
      button.addEventListener("change", () => act(value));
      label.append(button, text);
      field.append(label);
    }
  }
  parent.append(field);
}

function layoutOf(xTitle, yTitle) {
  const {ink, rule} = inks();
  const axis = {gridcolor: rule, linecolor: ink, tickcolor: ink, zeroline: false, automargin: true};
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: {color: ink, size: 13},
    margin: {l: 60, r: 15, t: 25, b: 50}, hovermode: "closest", showlegend: true,
    legend: {orientation: "h", y: -0.22, yanchor: "top"},
    xaxis: {...axis, title: {text: xTitle}}, yaxis: {...axis, title: {text: yTitle}},
  };
}

// Makes a plot as high as its axes and the legend below them need: with many lines, or on a telephone, the legend would
// else be written over the axis.
function makeRoom(plot, traces) {
  const names = traces.filter(trace => trace.showlegend !== false).map(trace => trace.name || "");
  const widest = Math.max(...names.map(name => name.length), 1) * 7 + 60;
  const rows = Math.ceil(names.length / Math.max(1, Math.floor((plot.clientWidth - 75) / widest)));
  plot.style.height = `${380 + 20 * rows}px`;
}

const plotOptions = {responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false};
