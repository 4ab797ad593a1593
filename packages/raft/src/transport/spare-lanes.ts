import type { Connection } from "./connection.js";
import { COPY_BYTES_MAX, encodeCopy, KeptMessages } from "./copies.js";
import type { DialOutcome } from "./dial.js";
import type { Frame } from "./frame.js";
import { type Channel, spareChannels } from "./handshake.js";
import { SpareLane } from "./spare-lane.js";

export interface SpareLanesContext {
  /** Dials a spare channel; returns a function that gives up. */
  dial(channel: Channel, outcome: DialOutcome): () => void;
  /** Uniform in [0, 1). */
  random(): number;
  /** Whether the control connection gives no sign of life, or is not there. */
  quiet(): boolean;
  /** Whether spare connections are of use; asked before every dial. */
  wanted(): boolean;
  /** One of them closed, not by us. */
  onClosed(): void;
  readonly quietMs: number;
  readonly silenceMs: number;
}

/**
 * The spare connections to one peer, each of them the resort of those before it: a copy goes from one to the next
 * until one that is not quiet has taken it. So the last ones are fresh when they are needed.
 */
export class SpareLanes {
  readonly #lanes: readonly SpareLane[];
  readonly #context: SpareLanesContext;
  readonly #stream: number;
  /** Of which it is not known that they arrived on the control connection. */
  readonly #kept = new KeptMessages();

  /** `stream` names the numbers of the messages. */
  constructor(stream: number, context: SpareLanesContext) {
    this.#stream = stream;
    this.#context = context;
    this.#lanes = spareChannels.map((channel) => {
      const { random, wanted, onClosed, quietMs, silenceMs } = context;
      const again = () => this.copyKept();
      const dial = (outcome: DialOutcome) => context.dial(channel, outcome);
      return new SpareLane({
        ...{ dial, random, wanted, onClosed, quietMs, silenceMs },
        onOpen: again,
        onQuiet: again,
      });
    });
  }

  /** The open ones, with the peer's incarnation. */
  get open(): readonly { readonly connection: Connection; readonly incarnation: string }[] {
    return this.#lanes.flatMap(({ connection, incarnation }) =>
      connection === null || incarnation === null ? [] : [{ connection, incarnation }],
    );
  }

  /** The peer answered on one of them within the last `ms` milliseconds. */
  answeredWithin(ms: number): boolean {
    return this.#lanes.some((lane) => lane.answeredWithin(ms));
  }

  /** Whether a message of so many bytes would be copied now. */
  hasRoomFor(bytes: number, everywhere: boolean): boolean {
    if (bytes > COPY_BYTES_MAX) return false;
    return this.#lanes.slice(0, this.#depth(everywhere)).some((lane) => lane.hasRoomFor(bytes));
  }

  /** A message, sent on the control connection or not. `everywhere`: it is copied to all, whatever they are like. */
  add(number: number, frame: Frame, everywhere: boolean): void {
    if (frame.bytes > COPY_BYTES_MAX) return;
    const depth = this.#depth(everywhere);
    if (depth > 0) this.#copy(number, frame, 0, depth);
    this.#kept.add(number, frame, depth);
  }

  /** Everything up to that number has arrived on the control connection. */
  arrived(number: number): void {
    this.#kept.arrived(number);
  }

  /** What may have got stuck goes to the lanes that it was not given yet. */
  copyKept(): void {
    const depth = this.#depth(false);
    if (depth > 0) this.#kept.copyTo(depth, (number, frame, from) => this.#copy(number, frame, from, depth));
  }

  /** A control connection was opened: what was sent before it is over. */
  renew(): void {
    this.#kept.clear();
    for (const lane of this.#lanes) lane.start();
  }

  /** Asks on every one of them for a sign of life, so that a dead one is replaced before it is needed. */
  ask(): void {
    for (const lane of this.#lanes) lane.ask();
  }

  stop(): void {
    this.#kept.clear();
    for (const lane of this.#lanes) lane.stop();
  }

  /** How many of them are in use. */
  #depth(everywhere: boolean): number {
    if (everywhere) return this.#lanes.length;
    if (!this.#context.quiet()) return 0;
    const sound = this.#lanes.findIndex((lane) => !lane.quiet);
    return sound < 0 ? this.#lanes.length : sound + 1;
  }

  #copy(number: number, frame: Frame, from: number, to: number): void {
    const copy = encodeCopy(this.#stream, number, frame);
    for (const lane of this.#lanes.slice(from, to)) lane.send(copy);
  }
}
