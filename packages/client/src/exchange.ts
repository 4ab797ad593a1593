/**
 * One POST to one node, with the one piece of knowledge that HTTP clients do not give: whether anything of the
 * request left. `onRequestStart` is called when a connection stands and the request is written to it next;
 * what fails earlier (names, connections, waiting) was surely not sent.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";

export interface HttpAnswer {
  readonly kind: "answered";
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export type Exchange =
  | HttpAnswer
  /** No byte left. */
  | { readonly kind: "unsent"; readonly cause: unknown }
  /** Sent, perhaps in part; no complete answer came. */
  | { readonly kind: "unanswered"; readonly cause: unknown };

export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Never rejects. Ends at once when the signal aborts, with its reason as the cause. */
export function exchange(dispatcher: Dispatcher, { url, headers, body }: Post, signal: AbortSignal) {
  return new Promise<Exchange>((resolve) => {
    if (signal.aborted) {
      resolve({ kind: "unsent", cause: signal.reason });
      return;
    }
    let sending: Dispatcher.DispatchController | null = null;
    const answer = { status: 0, headers: {} as IncomingHttpHeaders, chunks: [] as Uint8Array[] };
    const end = (ending: Exchange) => {
      signal.removeEventListener("abort", stop);
      resolve(ending);
    };
    const fail = (cause: unknown) => end({ kind: sending === null ? "unsent" : "unanswered", cause });
    const stop = () => {
      fail(signal.reason);
      sending?.abort(new Error("the call was given up"));
    };
    signal.addEventListener("abort", stop, { once: true });
    dispatcher.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: "POST",
        headers,
        body,
        // The call's own deadline is the only one.
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      {
        onRequestStart: (controller) => {
          // Given up while the connection was being made: nothing is written after an abort here.
          if (signal.aborted) controller.abort(new Error("the call was given up"));
          else sending = controller;
        },
        onResponseStart: (_, status, given) => {
          answer.status = status;
          answer.headers = given;
        },
        onResponseData: (_, chunk) => {
          answer.chunks.push(chunk);
        },
        onResponseEnd: () => {
          const { status, headers: given, chunks } = answer;
          end({ kind: "answered", status, headers: given, body: Buffer.concat(chunks) });
        },
        onResponseError: (_, error) => fail(error),
      },
    );
  });
}
