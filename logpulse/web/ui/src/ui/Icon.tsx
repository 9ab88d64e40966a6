// Icons as paths on 16 by 16 pixels; they say nothing to screen readers, their buttons have names.

const PATHS = {
  play: "M5 3.5v9l7.5-4.5z",
  pause: "M5 3.5v9M11 3.5v9",
  stop: "M4.5 4.5h7v7h-7z",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  theme: "M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11",
  close: "M4 4l8 8M12 4l-8 8",
  context: "M3 4h10M3 8h4M9 8h4M3 12h10",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  link: "M6.5 9.5l3-3M7 4.5l1.5-1.5a2.5 2.5 0 0 1 4 4L11 8.500M9 11.5L7.500 13a2.500 2.500 0 0 1-4-4L5 7.500",
  column: "M2.5 3h11v10h-11zM6.500 3v10M10 3v10",
  plus: "M8 3.500v9M3.500 8h9",
  minus: "M3.500 8h9",
  has: "M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zM4 12L12 4",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
  left: "M10 4L6 8l4 4",
  right: "M6 4l4 4-4 4",
  star: "M8 2.500l1.700 3.500 3.800.500-2.800 2.700.700 3.800L8 11.200 4.600 13l.700-3.800L2.500 6.500 6.300 6z",
  panel: "M2.500 3h11v10h-11zM6.500 3v10",
  wrap: "M2.500 4h11M2.500 8h9a2 2 0 0 1 0 4.500h-3M10 10.800L8.300 12.500l1.700 1.700M2.500 12.500h3",
  download: "M8 2.500v7.500M4.800 7L8 10.200 11.200 7M3 13h10",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  const solid = name === "play" || name === "stop";
  return (
    <svg class={solid ? "icon is-solid" : "icon"} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
