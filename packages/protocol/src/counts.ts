import type { Limits } from "./limits.js";
import { tooDeep, tooManyElements, tooManyValues } from "./refusals.js";

/** Elements around the outermost value: methodResponse, fault, params, param, value and a scalar in it. */
const elementsAround = 8;
/** Each level of nesting is at most three elements deep: value, struct, member. */
const elementsPerLevel = 3;
/** Each value comes with at most five elements: member, name, value, array and data. */
const elementsPerValue = 5;

/** How many elements can be open at once in a document that keeps the limit on depth. */
export function openElementsMax({ depth }: Limits): number {
  return elementsPerLevel * depth + elementsAround;
}

/** Holds the limits on depth and on numbers, element by element. */
export class Counts {
  readonly #limits: Limits;
  #elements = 0;
  #values = 0;
  /** Arrays and structs that are open. */
  #containers = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * Counts an element that is opened inside so many others.
   * @throws DecodeError -32005
   */
  open(name: string, around: number, position: number): void {
    const { depth, values } = this.#limits;
    if (around >= openElementsMax(this.#limits)) tooDeep(this.#limits, position);
    if (isContainer(name) && ++this.#containers > depth) tooDeep(this.#limits, position);
    if (name === "value" && ++this.#values > values) tooManyValues(this.#limits, position);
    if (++this.#elements > elementsPerValue * values + elementsAround) {
      tooManyElements(this.#limits, position);
    }
  }

  close(name: string): void {
    if (isContainer(name)) this.#containers--;
  }
}

/** Whether values are inside others by way of this element. */
function isContainer(name: string): boolean {
  return name === "array" || name === "struct";
}
