/** Which entries were struck out, as the state itself knows: one small record for each, for good. */
import type { Effect } from "@quorate/raft";

/** This state includes an entry that the others' do not. */
export class DivergedState extends Error {
  override readonly name = "DivergedState";
}

/** No service's key can equal it (those begin with a string). */
function markKey(index: number): Buffer {
  const key = Buffer.alloc(10);
  key[1] = 0x05;
  key.writeBigUInt64BE(BigInt(index), 2);
  return key;
}

/** The effect that remembers it; the only one of an entry that is struck out. */
export function strikeMark(index: number): Effect {
  return { key: markKey(index), value: Uint8Array.of(1) };
}

/** @throws DivergedState when entry `index` was executed here, although entry `at` strikes it out */
export function requireStruck(
  state: { get(key: Uint8Array): Uint8Array | undefined },
  index: number,
  at: number,
): void {
  if (state.get(markKey(index)) !== undefined) return;
  throw new DivergedState(
    `entry ${index} is struck out by entry ${at}, but this node had executed it before: its state differs from that of ` +
      "the nodes that held before it. Start this node with an empty data folder and run quorate replace",
  );
}
