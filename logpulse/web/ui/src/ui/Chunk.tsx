import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { usePage } from "../page";

/** How a part that may be missing is loaded: the default export of a module, or nothing. */
export type Load<Props> = (() => Promise<{ default: ComponentType<Props> }>) | undefined;

/**
 * The component of a part, loaded after the first rows were painted; null until then, and where it cannot be loaded,
 * so that its caller shows something simpler.
 */
export function useChunk<Props>(load: Load<Props>, wanted = true): ComponentType<Props> | null {
  const { search } = usePage();
  const [part, setPart] = useState<{ component: ComponentType<Props> } | null>(null);
  useEffect(() => {
    if (!load || !wanted || part) return;
    let left = false;
    void search.firstAnswer.then(() =>
      // After the frame that paints its rows.
      requestAnimationFrame(() =>
        setTimeout(() => {
          load().then(
            (module) => {
              if (!left) setPart({ component: module.default });
            },
            () => {}, // the stand-in stays
          );
        }),
      ),
    );
    return () => {
      left = true;
    };
  }, [load, wanted, part, search]);
  return part?.component ?? null;
}
