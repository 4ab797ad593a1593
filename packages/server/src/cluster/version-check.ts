/**
 * Nodes that execute different services must not work together: a leader's entries would stop the others. A
 * node that learns that its leader runs another version than itself says so, naming both; it is then ended.
 */
import type { Clock } from "@quorate/raft";
import type { ClusterWatch } from "./cluster-watch.js";
import { type ServiceVersion, serviceFromValue, serviceQuestion } from "./forwarding.js";
import type { Raft, Service } from "./ports.js";

export interface VersionCheckOptions {
  readonly raft: Pick<Raft, "request">;
  readonly watch: Pick<ClusterWatch, "view" | "onChange">;
  readonly clock: Pick<Clock, "after">;
  readonly codec: Pick<Service, "encodeValue" | "decodeValue">;
  readonly own: ServiceVersion;
  /** Called once, with a sentence for the operator. */
  readonly onMismatch: (sentence: string) => void;
}

const questionTimeoutMs = 2_000;
const retryPauseMs = 500;

export class VersionCheck {
  readonly #options: VersionCheckOptions;
  readonly #unsubscribe: () => void;
  /** The reign whose leader was asked last, whether it has answered or not. */
  #asked = "";
  #closed = false;
  #cancelRetry: () => void = () => undefined;

  constructor(options: VersionCheckOptions) {
    this.#options = options;
    this.#unsubscribe = options.watch.onChange(() => this.#check());
    this.#check();
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    this.#cancelRetry();
  }

  #check(): void {
    const { leader, term } = this.#options.watch.view;
    if (this.#closed || leader === null || leader.isThisNode) return;
    const reign = `${leader.id}@${term}`;
    if (reign === this.#asked) return;
    this.#asked = reign;
    this.#cancelRetry();
    this.#ask(leader.id).then(
      (found) => this.#judge(leader.id, found),
      () => this.#retry(reign),
    );
  }

  async #ask(leader: string): Promise<ServiceVersion> {
    const { raft, codec } = this.#options;
    const answer = await raft.request(leader, codec.encodeValue(serviceQuestion), questionTimeoutMs);
    return serviceFromValue(codec.decodeValue(answer));
  }

  #judge(leader: string, found: ServiceVersion): void {
    const { own, onMismatch } = this.#options;
    if (this.#closed || (found.service === own.service && found.sha256 === own.sha256)) return;
    this.close();
    onMismatch(
      `the leader ${leader} runs ${named(found)}, but this node runs ${named(own)}. All nodes must run the same ` +
        "service: stop all of them, give them the same service file, and start them again.",
    );
  }

  /** It could not be asked: perhaps it is starting. A new leader is asked at once. */
  #retry(reign: string): void {
    if (this.#closed || reign !== this.#asked) return;
    this.#cancelRetry = this.#options.clock.after(retryPauseMs, () => {
      this.#asked = "";
      this.#check();
    });
  }
}

function named({ service, sha256 }: ServiceVersion): string {
  return `service ${service} in version ${sha256.slice(0, 12)}`;
}
