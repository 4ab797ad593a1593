import { excerpt } from "./errors.js";

/** From the outermost value inwards: member names and item indexes. */
export type Path = readonly (string | number)[];

const plainName = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;
const shownMax = 10;

/** `params[0].name[3]["odd name"]`; the middle of a very deep path is left out. */
export function formatPath(root: string, path: Path): string {
  const steps = path.map((step) => {
    if (typeof step === "number") return `[${step}]`;
    return plainName.test(step) ? `.${step}` : `[${excerpt(step)}]`;
  });
  if (steps.length > shownMax) steps.splice(shownMax / 2, steps.length - shownMax, "…");
  return root + steps.join("");
}
