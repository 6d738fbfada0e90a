// A chart, drawn on a canvas, with a table of the same beside it for who reads rather than looks.

import { html, useEffect, useRef } from "./vendor-preact.js";
import { locale, t } from "./i18n.js";
import { number } from "./format.js";
import { Table } from "./parts.js";

const { uPlot } = window;
const dark = matchMedia("(prefers-color-scheme: dark)");
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const HEIGHT = 230;

// What a bar reaches up to when it stands on the series before it.
function stacked(series) {
  const sums = series[0]?.values.map(() => 0) ?? [];
  return series.map(({ values }) => values.map((value, i) => (sums[i] += value)));
}

function options({ series, labels, width }) {
  const axis = { stroke: color("quiet"), grid: { stroke: color("line-soft"), width: 1 }, ticks: { show: false }, font: "12px system-ui", size: 44 };
  const bars = uPlot.paths.bars({ size: [0.66, 44], radius: 0.15, gap: 1 });
  return {
    width,
    height: HEIGHT,
    padding: [12, 8, 0, 0],
    cursor: { points: { show: false }, drag: { x: false, y: false }, y: false },
    legend: { show: false },
    scales: { x: { time: false, range: [-0.6, labels.length - 0.4] }, y: { range: (_, least, most) => [0, Math.max(4, most * 1.1)] } },
    axes: [
      { ...axis, grid: { show: false }, size: 30, space: 56, incrs: [1, 2, 3, 4, 6, 8, 12], values: (_, at) => at.map((i) => labels[i] ?? "") },
      { ...axis, values: (_, at) => at.map((value) => (Number.isInteger(value) ? new Intl.NumberFormat(locale, { notation: "compact" }).format(value) : "")) },
    ],
    // The tallest is drawn first, so that each shows its own part above the one before.
    series: [{}, ...series.map((one) => ({ label: one.label, fill: color(one.color), stroke: color(one.color), width: 0, paths: bars, points: { show: false } })).reverse()],
  };
}

// `series` are counts, one for each label, as `{label, color, values}`; `color` is one of the style sheet's.
export const Chart = ({ label, labels, series, firstColumn }) => {
  const place = useRef();
  useEffect(() => {
    const draw = () => {
      const width = place.current?.clientWidth;
      if (!width) return;
      place.current.replaceChildren();
      const values = stacked(series).reverse();
      place.current.plot = new uPlot(options({ series, labels, width }), [labels.map((_, i) => i), ...values], place.current);
    };
    draw();
    const sized = new ResizeObserver(draw);
    sized.observe(place.current);
    dark.addEventListener("change", draw);
    return () => {
      sized.disconnect();
      dark.removeEventListener("change", draw);
    };
  }, [JSON.stringify([labels, series])]);
  const rows = labels.map((name, i) => ({ name, values: series.map((one) => one.values[i]) })).reverse();
  return html`
    <div class="chart">
      <figure>
        <ul class="legend" aria-hidden="true">${series.map((one) => html`<li class=${`tone-${one.color}`}>${one.label}</li>`)}</ul>
        <div class="plot" role="img" aria-label=${label} ref=${place}></div>
      </figure>
      <div class="beside" tabindex="0" role="region" aria-label=${t("chart.table", { chart: label })}>
        <${Table} small label=${label} rows=${rows} keyOf=${(row) => row.name} columns=${[
          { label: firstColumn, cell: (row) => row.name },
          ...series.map((one, i) => ({ label: one.label, class: "number", cell: (row) => number(row.values[i]) })),
        ]} />
      </div>
    </div>`;
};
