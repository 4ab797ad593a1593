/** Carries out what `birth.ts` decides: stores the record, then the identity, in that order. */
import { birthRecord, type Membership, type NodeId, type Restored } from "../core/index.js";
import type {
  BirthMessage,
  Identity,
  IdentityStore,
  NodeIntroduction,
  Storage,
  WriteBatch,
} from "../ports/index.js";
import { type Birth, foundingMembership } from "./birth.js";
import { bornAs, writeIdentity } from "./identity.js";
import type { RaftLog } from "./types.js";

/** What a node restores that was just admitted: its term, and nothing else. */
export const joinedRestored: Restored = {
  hardState: { term: 1, vote: null, commit: 0 },
  compacted: { index: 0, term: 0 },
  terms: [],
  tail: [],
  last: { index: 0, term: 0 },
  membership: null,
  applied: 0,
  logBytes: 0,
};

export interface BirthProcessOptions {
  readonly birth: Birth;
  readonly identity: Identity;
  readonly identityStore: IdentityStore;
  readonly storage: Storage;
  readonly randomId: () => string;
  readonly log: RaftLog;
  readonly onBorn: (identity: Identity, membership: Membership) => void;
  /** Admitted to a cluster that is at work; nothing of its log is here yet. */
  readonly onJoined: (identity: Identity, membership: Membership) => void;
  readonly onFailure: (error: unknown) => void;
}

export class BirthProcess {
  readonly #options: BirthProcessOptions;
  #described: string | null = null;
  #refused: string | null = null;
  #storing: Promise<void> | null = null;
  #stopped = false;

  constructor(options: BirthProcessOptions) {
    this.#options = options;
  }

  /** The transport listens: from now on others may be heard, and a cluster of one can be founded. */
  started(): void {
    const { identity, log } = this.#options;
    const { retired, incarnation } = identity;
    if (retired === null) this.#progress();
    else {
      log.warn(
        { retired: retired.incarnation, incarnation },
        `this disk was damaged and retired its incarnation ${retired.incarnation}: it waits, empty, as ${incarnation} until the ` +
          "leader has given it its place again",
      );
    }
  }

  connected(peer: NodeId, introduction: NodeIntroduction): void {
    this.#options.birth.connected(peer, introduction);
    this.#progress();
  }

  lost(peer: NodeId): void {
    this.#options.birth.lost(peer);
    this.#progress();
  }

  /** Nobody is missed by a disk that had a life before: it waits for its place, not for a birth. */
  missing(): NodeId[] {
    return this.#options.identity.retired === null ? this.#options.birth.missing() : [];
  }

  onMessage(message: BirthMessage): void {
    if (this.#storing !== null || this.#stopped) return;
    const adoption = this.#options.birth.judge(message);
    if (adoption.kind === "adopt") {
      if (message.index === 1) this.#store(adoption.membership);
      else this.#join(adoption.membership);
    } else if (adoption.reason !== this.#refused) {
      this.#refused = adoption.reason;
      this.#options.log.error(
        { from: message.from, clusterId: message.membership.clusterId },
        adoption.reason,
      );
    }
  }

  /** Nothing is begun any more; resolves when what was begun has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#storing;
  }

  #progress(): void {
    const { birth, identity, log, randomId } = this.#options;
    // It knows that there was a birth: a second one would forget what was acknowledged since.
    if (this.#storing !== null || this.#stopped || identity.retired !== null) return;
    const described = birth.describeMissing();
    if (described !== this.#described) {
      this.#described = described;
      if (described === null) log.info({}, "all listed members are here; waiting for the cluster's birth");
      else log.info({ missing: birth.missing() }, `the cluster is not born yet; waiting for ${described}`);
    }
    const founders = birth.founders();
    if (founders !== null) this.#store(foundingMembership(randomId(), founders));
  }

  #store(membership: Membership): void {
    const { hardState, entry } = birthRecord(membership);
    this.#become(membership, { hardState, entries: [entry] }, this.#options.onBorn);
  }

  /**
   * A cluster that has come further than its founding: this disk begins with an empty log, and the leader sends
   * the rest. The term comes first: a database without it, of a node that was born, has been lost.
   */
  #join(membership: Membership): void {
    const { hardState } = joinedRestored;
    this.#become(membership, { hardState, entries: [] }, this.#options.onJoined);
  }

  /** A crash between the two writes is repaired at start, by `establishIdentity`. */
  #become(
    membership: Membership,
    first: Pick<WriteBatch, "hardState" | "entries">,
    done: (identity: Identity, membership: Membership) => void,
  ): void {
    const { storage, identity, identityStore, onFailure } = this.#options;
    const nothing = { compactTo: 0, effects: [], applied: null, chunk: null, install: null };
    const become = async () => {
      await storage.write({ ...nothing, ...first });
      const born = await writeIdentity(identityStore, bornAs(identity, membership.clusterId));
      if (!this.#stopped) done(born, membership);
    };
    this.#storing = become().catch(onFailure);
  }
}
