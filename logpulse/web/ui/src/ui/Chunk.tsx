import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/** How a part that may be missing is loaded: the default export of a module, or nothing. */
export type Load<Props> = (() => Promise<{ default: ComponentType<Props> }>) | undefined;

/**
 * The component of a part, loaded after the page was painted; null until then, and where it cannot be loaded,
 * so that its caller shows something simpler.
 */
export function useChunk<Props>(load: Load<Props>, wanted = true): ComponentType<Props> | null {
  const [part, setPart] = useState<{ component: ComponentType<Props> } | null>(null);
  useEffect(() => {
    if (!load || !wanted || part) return;
    let left = false;
    // After two frames the first paint is behind us.
    requestAnimationFrame(() =>
      setTimeout(() => {
        load().then(
          (module) => {
            if (!left) setPart({ component: module.default });
          },
          () => {}, // the stand-in stays
        );
      }),
    );
    return () => {
      left = true;
    };
  }, [load, wanted, part]);
  return part?.component ?? null;
}
