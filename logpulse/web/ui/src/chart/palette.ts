// Colours of series. One that is named by a level has the level's, so that errors are red in every chart.

import { LEVELS, levelOf } from "../levels";
import type { Line } from "./series";

const DARK = [
  "#5aa9f0",
  "#f0954a",
  "#4fc79b",
  "#e07ac4",
  "#dcb53c",
  "#a091f2",
  "#f07876",
  "#5fc9da",
  "#aebd5a",
  "#c98f6f",
];
const LIGHT = [
  "#1f6fc2",
  "#b85a0c",
  "#12805c",
  "#a52f86",
  "#8a6a00",
  "#5a48c4",
  "#c23b38",
  "#0f7a8c",
  "#66751a",
  "#8a5334",
];

/** Give each line its colour, read from the page's stylesheet. */
export function paletteOf(lines: readonly Line[], colour: (name: string, fallback: string) => string): string[] {
  const colours = isDark(colour("--bg0", "#ffffff")) ? DARK : LIGHT;
  let next = 0;
  return lines.map(({ labels }) => {
    const word = labels.level ?? labels.detected_level;
    const level = word === undefined ? "unknown" : levelOf(word);
    if (level !== "unknown" && LEVELS.includes(level)) return colour(`--fill-${level}`, "#888888");
    return colours[next++ % colours.length] ?? "#888888";
  });
}

function isDark(hex: string): boolean {
  const [red = 255, green = 255, blue = 255] = (hex.match(/[0-9a-f]{2}/gi) ?? []).map((part) =>
    Number.parseInt(part, 16),
  );
  return red * 0.3 + green * 0.6 + blue * 0.1 < 128;
}
