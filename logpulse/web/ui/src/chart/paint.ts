// Canvas that is sharp on every screen, and colours of the page's stylesheet.

/** Fit the canvas to its box; null where it has none yet or the browser draws nothing. */
export function surfaceOf(
  canvas: HTMLCanvasElement,
): { context: CanvasRenderingContext2D; width: number; height: number } | null {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = canvas.getContext("2d");
  if (!context || width === 0 || height === 0) return null;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Read variables of the stylesheet at an element, `fallback` where one is missing. */
export function coloursAt(element: Element): (name: string, fallback: string) => string {
  const style = getComputedStyle(element);
  return (name, fallback) => style.getPropertyValue(name).trim() || fallback;
}

/** A round number of at least `value`, and the steps to it, for counts: both are whole. */
export function roundScale(value: number, steps = 2): { top: number; step: number } {
  if (value <= 0) return { top: 1, step: 1 };
  const raw = value / steps;
  const power = Math.max(1, 10 ** Math.floor(Math.log10(raw)));
  const round = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((factor) => factor * power);
  const step = round.find((each) => each >= raw && Number.isInteger(each)) ?? 10 * power;
  return { top: Math.ceil(value / step) * step, step };
}

/** 1,204 as `1.2k`, for axes. */
export function short(value: number): string {
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value).replace("K", "k");
}

/** Diagonal stripes of a colour, for what must be told from another of the same colour. */
export function hatched(context: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 4;
  const brush = tile.getContext("2d");
  if (!brush) return colour;
  brush.strokeStyle = colour;
  brush.lineWidth = 1.5;
  brush.beginPath();
  for (const shift of [-4, 0, 4]) {
    brush.moveTo(shift, 4);
    brush.lineTo(shift + 4, 0);
  }
  brush.stroke();
  return context.createPattern(tile, "repeat") ?? colour;
}
