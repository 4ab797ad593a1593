/** What passes between the event loop's thread and the one that reads and writes large documents. */
import type { DecodeOptions, EncodeOptions } from "@quorate/protocol";

export type Job =
  | {
      readonly id: number;
      readonly kind: "read";
      readonly document: Uint8Array;
      readonly options: DecodeOptions;
    }
  | {
      readonly id: number;
      /** A result, or the slots of a multicall. */
      readonly kind: "write" | "writeSlots";
      /** In the value encoding. */
      readonly packed: Uint8Array;
      readonly options: EncodeOptions;
    };

export type JobResult =
  /** Of `read` the array of method and parameters in the value encoding, of `write` the document. */
  | { readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly refused: { readonly code: number; readonly message: string } }
  | { readonly id: number; readonly unwritable: string }
  | { readonly id: number; readonly failure: string };
