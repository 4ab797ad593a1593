/** With curl: the document itself, one element to a line. */
import { encodeCall } from "@quorate/protocol";
import type { ExampleCall } from "./index.js";

export function curlExample({ url, method, params }: ExampleCall): string {
  const document = encodeCall(method, params)
    .toString()
    .replace(/<(?:methodName|params)>|<\/methodCall>/g, "\n$&")
    .replace(/<param>|(?<=<\/param>)<\/params>/g, "\n$&")
    .replace(/\n+/g, "\n")
    .trim();
  return `curl --location --header 'Content-Type: text/xml' --data-binary ${quote(document)} ${quote(url)}
`;
}

/** For a shell: nothing means anything inside single quotes, and they end at the next one. */
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
