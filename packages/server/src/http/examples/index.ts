/** How a method is called, in the languages of most callers: programs that run as they stand. */
import type { Value } from "@quorate/protocol";
import { curlExample } from "./curl.js";
import { phpExample } from "./php.js";
import { pythonExample } from "./python.js";
import { typescriptExample } from "./typescript.js";

export interface ExampleCall {
  /** Where the call is sent: a node's URL with the path for calls. */
  readonly url: string;
  readonly method: string;
  readonly params: readonly Value[];
}

export interface Example {
  readonly language: string;
  readonly code: string;
}

export function examplesOf(call: ExampleCall): readonly Example[] {
  return [
    { language: "Python", code: pythonExample(call) },
    { language: "TypeScript", code: typescriptExample(call) },
    { language: "PHP", code: phpExample(call) },
    { language: "curl", code: curlExample(call) },
  ];
}
