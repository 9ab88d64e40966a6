import { useEffect, useState } from "preact/hooks";

const KEY = "logpulse.details";
const LEAST = 320;
const MOST = 720;
const STEP = 20;

/** The border of the details, which drags; its place is the browser's own. */
export function Splitter() {
  const [width, setWidth] = useState(() => bounded(Number(localStorage.getItem(KEY)) || 360));
  useEffect(() => {
    document.documentElement.style.setProperty("--details-width", `${width}px`);
    localStorage.setItem(KEY, String(width));
  }, [width]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that moves is no hr
    <div
      class="splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the details"
      aria-valuenow={width}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) setWidth(bounded(innerWidth - event.clientX));
      }}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") setWidth(bounded(width + STEP));
        else if (event.key === "ArrowRight") setWidth(bounded(width - STEP));
        else return;
        event.preventDefault();
      }}
    />
  );
}

function bounded(width: number): number {
  return Math.max(LEAST, Math.min(MOST, Math.round(width)));
}
