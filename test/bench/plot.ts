/** An SVG picture of latency against offered load: a line for each target and percentile, latency on a log scale. */

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Series of one group share a colour. */
  readonly group: number;
  readonly dashed: boolean;
}

export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

const width = 860;
const height = 480;
const left = 70;
const right = 250;
const top = 50;
const bottom = 60;
/** Told apart also without colour vision (Okabe and Ito, "Color Universal Design", 2008). */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

export function svgOf(plot: Plot): string {
  const points = plot.series.flatMap((series) => series.points);
  const xMax = niceCeiling(Math.max(1, ...points.map(({ x }) => x)));
  const decades = decadesOf(points.map(({ y }) => y));
  const x = (value: number) => left + (value / xMax) * (width - left - right);
  const y = (value: number) => {
    const share = (Math.log10(value) - decades.lowest) / (decades.highest - decades.lowest);
    return height - bottom - share * (height - top - bottom);
  };
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(left, top - 20, plot.title, 'font-size="15"'),
    text((left + width - right) / 2, height - 15, plot.xLabel, 'text-anchor="middle"'),
    text(left, top - 5, plot.yLabel),
  ];
  for (let exponent = decades.lowest; exponent <= decades.highest; exponent++) {
    const at = y(10 ** exponent);
    parts.push(
      line(left, at, width - right, at),
      text(left - 8, at + 4, label(10 ** exponent), 'text-anchor="end"'),
    );
  }
  for (let tick = 0; tick <= 5; tick++) {
    const value = (xMax * tick) / 5;
    parts.push(line(x(value), top, x(value), height - bottom));
    parts.push(text(x(value), height - bottom + 18, label(value), 'text-anchor="middle"'));
  }
  for (const [index, series] of plot.series.entries()) {
    const colour = colours[series.group % colours.length] ?? "black";
    const dash = series.dashed ? ' stroke-dasharray="5 4"' : "";
    const way = series.points.map((point) => `${round(x(point.x))},${round(y(point.y))}`).join(" ");
    parts.push(`<polyline points="${way}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`);
    for (const point of series.points)
      parts.push(`<circle cx="${round(x(point.x))}" cy="${round(y(point.y))}" r="3" fill="${colour}"/>`);
    const at = top + 10 + 20 * index;
    parts.push(
      `<path d="M${width - right + 20} ${at}h30" stroke="${colour}" stroke-width="2"${dash}/>`,
      text(width - right + 58, at + 4, series.name),
    );
  }
  parts.push("</svg>");
  return `${parts.join("\n")}\n`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

const label = (value: number): string =>
  value >= 1000 ? `${value / 1000}k` : String(Number(value.toPrecision(3)));

const line = (x1: number, y1: number, x2: number, y2: number): string =>
  `<path d="M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}" stroke="#ddd"/>`;

function text(x: number, y: number, content: string, more = ""): string {
  const escaped = content.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  return `<text x="${round(x)}" y="${round(y)}" ${more}>${escaped}</text>`;
}

/** The powers of ten around all values. */
function decadesOf(values: readonly number[]): { readonly lowest: number; readonly highest: number } {
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0) return { lowest: 0, highest: 1 };
  const lowest = Math.floor(Math.log10(Math.min(...positive)));
  return { lowest, highest: Math.max(lowest + 1, Math.ceil(Math.log10(Math.max(...positive)))) };
}

/** The next of 1, 2, 5, 10, 20, 50, … */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10);
}
