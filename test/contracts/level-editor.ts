/**
 * Opens a database behind the storage's back, to plant faults into it. The keys are written out here once
 * more, by hand: a change of the format on disk must not pass unnoticed.
 */
import { createRequire } from "node:module";

export interface Editor {
  get(key: Buffer): Promise<Buffer | undefined>;
  put(key: Buffer, value: Buffer): Promise<void>;
  del(key: Buffer): Promise<void>;
  /** Moves everything into table files. */
  compactRange(start: Buffer, end: Buffer): Promise<void>;
  keys(range: { gte: Buffer; lt: Buffer }): { all(): Promise<Buffer[]> };
  open(): Promise<void>;
  close(): Promise<void>;
}

/** LevelDB as the raft package has it: a dependency of that package only, so it is looked up from there. */
const requireFromRaft = createRequire(new URL("../../packages/raft/package.json", import.meta.url));
const { Level } = requireFromRaft("level") as {
  Level: new (directory: string, options: object) => Editor;
};

/** Runs `edit` on the closed database in `directory`. */
export async function editDatabase<Result>(
  directory: string,
  edit: (editor: Editor) => Promise<Result>,
): Promise<Result> {
  const editor = new Level(directory, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
    createIfMissing: false,
    compression: false,
  });
  await editor.open();
  try {
    return await edit(editor);
  } finally {
    await editor.close();
  }
}

const key = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");
const index = (value: number): string => value.toString(16).padStart(16, "0");

export const keys = {
  format: key("00"),
  generations: key("01"),
  hardState: key("02"),
  applied: key("03"),
  compacted: key("04"),
  last: key("05"),
  batch: key("06"),
  log: (at: number): Buffer => key(`10 00000001 ${index(at)}`),
  membership: (at: number): Buffer => key(`11 00000001 ${index(at)}`),
  state: (name: string): Buffer => key(`20 00000001 ${Buffer.from(name).toString("hex")}`),
};
