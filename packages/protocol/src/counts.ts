import type { Limits } from "./limits.js";
import { tooDeep, tooLarge, tooManyValues } from "./refusals.js";

/** Elements around the outermost value: methodResponse, fault, params, param, value and a scalar in it. */
const elementsAround = 8;
/** Each level of nesting is at most three elements deep: value, struct, member. */
const elementsPerLevel = 3;
/** Each value comes with at most five elements: member, name, value, array and data. */
const elementsPerValue = 5;

/** Holds the limits on depth and on numbers, element by element. */
export class Counts {
  readonly #limits: Limits;
  #elements = 0;
  #values = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * Counts an element that is opened inside so many others.
   * @throws DecodeError -32005
   */
  open(name: string, around: number, position: number): void {
    const { depth, values } = this.#limits;
    if (around >= elementsPerLevel * depth + elementsAround) tooDeep(this.#limits, position);
    if (name === "value" && ++this.#values > values) tooManyValues(this.#limits, position);
    if (++this.#elements > elementsPerValue * values + elementsAround) {
      tooLarge(`more elements than ${values} values need`, position);
    }
  }
}
