/**
 * A small model of Raft that judges the transitions of a running cluster, one record at a time. It is written
 * from the paper alone and imports nothing: a mistake of the core cannot hide in code that both share. It has
 * no messages and no clock, only what every server's term, vote, log and disk were and became.
 */

/** One server's transition, as a line of a trace has it. */
export interface TraceLine {
  readonly node: string;
  /** Of the disk; another one than before: the old disk is lost. Null: there is only one. */
  readonly incarnation: string | null;
  readonly event: string;
  readonly from: string | null;
  readonly role: string;
  readonly term: number;
  readonly vote: string | null;
  readonly commit: number;
  readonly compacted: number;
  readonly durable: number;
  readonly hardStateDurable: boolean;
  readonly log: {
    readonly kept: number;
    readonly appended: readonly (readonly [term: number, count: number])[];
    readonly memberships: readonly ({ readonly index: number } & Voting)[];
  } | null;
}

export interface Voting {
  readonly voters: readonly string[];
  readonly votersOutgoing: readonly string[];
  readonly learners: readonly string[];
}

/** The model does not allow what the trace says; the text says why. */
export class Rejected extends Error {
  override readonly name = "Rejected";
}

interface Entry {
  readonly term: number;
  readonly membership: Voting | null;
}

/** `log[i]` is the entry at index i + 1. */
type Log = readonly Entry[];

interface Server {
  readonly incarnation: string | null;
  role: string;
  term: number;
  vote: string | null;
  log: Log;
  commit: number;
  /** Its disk holds `log` up to here. */
  durable: number;
  durableTerm: number;
  durableVote: string | null;
}

/** What is known of one term. */
class Term {
  /** A candidate's log when it asked for votes. */
  readonly campaigns = new Map<string, Log>();
  /** Votes that are on the voter's disk. */
  readonly votes = new Map<string, string>();
  leader: string | null = null;
  /** The leader's log, as long as it has ever been in this term. */
  log: Log = [];
}

const birthTerm = 1;

export class ReferenceModel {
  readonly #servers = new Map<string, Server>();
  readonly #lost: { readonly node: string; readonly server: Server }[] = [];
  readonly #terms = new Map<number, Term>();
  #committed: Log;
  /** The terms of the leaders that committed them, ascending. */
  readonly #committedIn: number[] = [birthTerm];

  /** `birth` is the membership of entry 1, which every server holds from the start. */
  constructor(birth: Voting) {
    this.#committed = [{ term: birthTerm, membership: birth }];
    this.#term(birthTerm).log = this.#committed;
  }

  /** Throws `Rejected` when Raft does not allow this transition. */
  judge(line: TraceLine): void {
    if (line.event === "restored") this.#restart(line);
    else this.#step(line);
  }

  #step(line: TraceLine): void {
    const server = this.#servers.get(line.node);
    if (server === undefined) throw reject(line, "acts before it started");
    this.#judgeTermAndVote(server, line);
    const log = line.event === "installed" ? this.#judgeSnapshot(server, line) : this.#judgeLog(server, line);
    if (line.role === "leader" && (server.role !== "leader" || server.term !== line.term)) {
      this.#judgeVictory(server, line, log);
    }
    // Counting comes before what follows from it: a committed joint membership is left in the same step.
    const voting = line.role === "leader" ? votingOf(server.log) : null;
    if (line.role === "leader") this.#term(line.term).log = log;
    if (line.durable > log.length) throw reject(line, `has ${line.durable} of ${log.length} entries on disk`);
    Object.assign(server, { role: line.role, term: line.term, vote: line.vote, log, durable: line.durable });
    this.#noteHardState(server, line);
    // The commit comes last: the leader's own disk may be what completes the majority.
    this.#judgeCommit(server, line, voting);
    server.commit = line.commit;
  }

  /** Paper, figure 2: term and vote survive, and so does what the disk held. */
  #restart(line: TraceLine): void {
    const known = this.#servers.get(line.node);
    const before = known?.incarnation === line.incarnation ? known : undefined;
    // What it had acknowledged was there when it was counted.
    if (known !== undefined && before === undefined) this.#lost.push({ node: line.node, server: known });
    const log = this.#restoredLog(line);
    if (before !== undefined) {
      if (line.term < before.durableTerm) throw reject(line, `forgot term ${before.durableTerm}`);
      const { durableVote } = before;
      if (line.term === before.durableTerm && durableVote !== null && line.vote !== durableVote) {
        throw reject(line, `forgot its vote for ${durableVote} in term ${line.term}`);
      }
      // A snapshot that reached the disk right before the end took the place of whatever the log was.
      const last = this.#committed[line.compacted - 1];
      const replaced = line.compacted > 0 && before.log[line.compacted - 1] !== last;
      if (replaced && line.compacted < before.commit) throw reject(line, "was set back by a snapshot");
      for (let i = 0; i < before.durable && !replaced; i++) {
        if (log[i]?.term !== before.log[i]?.term)
          throw reject(line, `forgot entry ${i + 1}, which was on disk`);
      }
    }
    const { role, term, vote, commit, durable, incarnation } = line;
    const server = {
      incarnation,
      role,
      term,
      vote,
      log,
      commit,
      durable,
      durableTerm: term,
      durableVote: vote,
    };
    this.#servers.set(line.node, server);
    this.#noteHardState(server, line);
    if (commit > this.#committed.length)
      throw reject(line, `starts with commit ${commit}, beyond what is committed`);
    this.#comparePrefix(line, log, this.#committed, commit, "what is committed");
  }

  #restoredLog(line: TraceLine): Log {
    if (line.compacted > this.#committed.length) throw reject(line, "compacted what is not committed");
    const terms: number[] = this.#committed.slice(0, line.compacted).map((entry) => entry.term);
    for (const [term, count] of line.log?.appended ?? []) for (let i = 0; i < count; i++) terms.push(term);
    // Log Matching: the last entry's leader had this very prefix.
    const source = this.#term(terms.at(-1) ?? birthTerm).log;
    for (const [i, term] of terms.entries()) {
      if (source[i]?.term !== term)
        throw reject(line, `restored ${term}@${i + 1}, which no leader wrote there`);
    }
    return source.slice(0, terms.length);
  }

  /** Paper, section 5.2 and 5.4.1. */
  #judgeTermAndVote(server: Server, line: TraceLine): void {
    const { node, term, vote } = line;
    if (term < server.term) throw reject(line, `goes back from term ${server.term} to ${term}`);
    if (term === server.term && vote === server.vote) return;
    if (term === server.term && server.vote !== null) {
      throw reject(line, `turns its vote of term ${term} from ${server.vote} to ${vote}`);
    }
    if (vote === null) return;
    if (vote === node) {
      if (line.role !== "candidate") throw reject(line, "votes for itself without being a candidate");
      if (term !== server.term + 1) throw reject(line, `campaigns in term ${term} after ${server.term}`);
      this.#term(term).campaigns.set(node, server.log);
      return;
    }
    const asked = this.#term(term).campaigns.get(vote);
    if (asked === undefined) throw reject(line, `votes for ${vote}, who is no candidate of term ${term}`);
    if (!isUpToDate(asked, server.log)) {
      throw reject(
        line,
        `votes for ${vote}, whose log ends at ${show(asked)}, before its own ${show(server.log)}`,
      );
    }
  }

  #noteHardState(server: Server, { node, term, vote, hardStateDurable }: TraceLine): void {
    if (!hardStateDurable) return;
    server.durableTerm = term;
    server.durableVote = vote;
    if (vote !== null) this.#term(term).votes.set(node, vote);
  }

  #judgeVictory(server: Server, line: TraceLine, log: Log): void {
    const { node, term } = line;
    const known = this.#term(term);
    if (server.role !== "candidate" || server.term !== term) throw reject(line, "leads without a campaign");
    if (known.leader !== null) throw reject(line, `leads term ${term} beside ${known.leader}`);
    // Its own vote may have reached the disk in this very step.
    const own = line.hardStateDurable && line.vote === node;
    const granted = (voter: string) => (voter === node ? own : known.votes.get(voter) === node);
    if (!decides(votingOf(server.log), granted)) {
      throw reject(
        line,
        `leads term ${term} with the durable votes of ${[...known.votes.keys()].join(", ")}`,
      );
    }
    // Leader Completeness is about earlier terms: who wins late, with votes that were long under way, may lack
    // what leaders of later terms have committed since.
    const later = this.#committedIn.findIndex((other) => other > term);
    const earlier = later < 0 ? this.#committed.length : later;
    this.#comparePrefix(line, log, this.#committed, earlier, "what earlier leaders committed");
    const isNoOp = log.length === server.log.length + 1 && log.at(-1)?.membership === null;
    if (!isNoOp) throw reject(line, "does not start its term with one no-op");
    known.leader = node;
  }

  /** Paper, section 5.3: leaders append, followers take over from the leader of their term. */
  #judgeLog(server: Server, line: TraceLine): Log {
    const { log: change, role, term } = line;
    if (change === null) return server.log;
    if (line.compacted > change.kept + change.appended.length)
      throw reject(line, "compacted more than it has");
    if (role === "leader") return this.#leadersLog(server, line, change);
    const { leader, log: source } = this.#term(term);
    if (leader === null || leader !== line.from) {
      throw reject(line, `changes its log for ${line.from}; the leader of term ${term} is ${leader}`);
    }
    const length = change.appended.reduce((sum, [, count]) => sum + count, change.kept);
    if (length > source.length) throw reject(line, `has ${length} entries, its leader ${source.length}`);
    const kept = server.log.slice(0, change.kept);
    this.#comparePrefix(line, kept, source, change.kept, "its leader's log");
    if (change.kept < server.log.length) {
      if (change.kept < server.commit)
        throw reject(line, `cuts off ${change.kept + 1}, which it knew as committed`);
      if (server.log[change.kept]?.term === source[change.kept]?.term) {
        throw reject(line, `cuts off ${change.kept + 1}, which is its leader's too`);
      }
    }
    let index = change.kept;
    for (const [entryTerm, count] of change.appended) {
      for (let i = 0; i < count; i++, index++) {
        if (source[index]?.term === entryTerm) continue;
        throw reject(line, `appends ${entryTerm}@${index + 1}; its leader has ${source[index]?.term}`);
      }
    }
    for (const membership of change.memberships) {
      if (sameVoting(source[membership.index - 1]?.membership ?? null, membership)) continue;
      throw reject(line, `has another membership at ${membership.index} than its leader`);
    }
    return source.slice(0, length);
  }

  /** Paper, section 7: a snapshot is of what is committed, and takes a follower forward. */
  #judgeSnapshot(server: Server, line: TraceLine): Log {
    const { compacted, commit, durable, role, log: change } = line;
    if (role === "leader") throw reject(line, "leads and installs a snapshot");
    if (compacted > this.#committed.length) throw reject(line, "installs what is not committed");
    if (compacted <= server.commit) throw reject(line, `installs ${compacted} after commit ${server.commit}`);
    const log = this.#committed.slice(0, compacted);
    if (server.log[compacted - 1] === log[compacted - 1]) throw reject(line, "installs what its log holds");
    if (
      change?.kept !== compacted ||
      change.appended.length > 0 ||
      commit !== compacted ||
      durable !== compacted
    ) {
      throw reject(line, `does not end with the snapshot up to ${compacted}`);
    }
    const [membership] = change.memberships;
    if (membership === undefined || !sameVoting(votingOf(log), membership)) {
      throw reject(line, "installs a snapshot with another membership");
    }
    return log;
  }

  #leadersLog(server: Server, line: TraceLine, change: NonNullable<TraceLine["log"]>): Log {
    if (change.kept !== server.log.length) throw reject(line, `leads and cuts its log after ${change.kept}`);
    const log = [...server.log];
    const memberships = new Map(change.memberships.map((membership) => [membership.index, membership]));
    for (const [entryTerm, count] of change.appended) {
      if (entryTerm !== line.term) throw reject(line, `leads term ${line.term} and appends for ${entryTerm}`);
      for (let i = 0; i < count; i++) {
        const membership = memberships.get(log.length + 1) ?? null;
        if (membership !== null) judgeChange(line, log, membership);
        log.push({ term: entryTerm, membership });
      }
    }
    return log;
  }

  /** Paper, section 5.4.2: counting commits entries of the own term, and with them all before. */
  #judgeCommit(server: Server, line: TraceLine, voting: Voting | null): void {
    const { commit, term } = line;
    const { log } = server;
    if (commit < server.commit) throw reject(line, `takes back its commit ${server.commit}`);
    if (commit > log.length) throw reject(line, `commits ${commit} of ${log.length} entries`);
    if (commit === server.commit) return;
    if (commit > this.#committed.length) {
      if (voting === null) throw reject(line, `commits ${commit} before any leader did`);
      if (log[commit - 1]?.term !== term) {
        throw reject(line, `commits ${log[commit - 1]?.term}@${commit} by counting in term ${term}`);
      }
      const onDisk = (other: Server | undefined) =>
        other !== undefined && other.durable >= commit && other.log[commit - 1]?.term === term;
      const holds = (node: string) =>
        onDisk(this.#servers.get(node)) ||
        this.#lost.some((lost) => lost.node === node && onDisk(lost.server));
      if (!decides(voting, holds)) throw reject(line, `commits ${commit}, which no majority has on disk`);
      this.#comparePrefix(line, log, this.#committed, this.#committed.length, "what is committed");
      while (this.#committedIn.length < commit) this.#committedIn.push(term);
      this.#committed = log.slice(0, commit);
    } else {
      this.#comparePrefix(line, log, this.#committed, commit, "what is committed");
    }
  }

  #comparePrefix(line: TraceLine, log: Log, other: Log, length: number, name: string): void {
    // Log Matching lets the last entry speak for all before it; both logs came out of this model.
    if (length === 0 || (length <= log.length && log[length - 1] === other[length - 1])) return;
    throw reject(
      line,
      `at ${length} holds ${log[length - 1]?.term}, unlike ${name}: ${other[length - 1]?.term}`,
    );
  }

  #term(term: number): Term {
    let known = this.#terms.get(term);
    if (known === undefined) {
      known = new Term();
      this.#terms.set(term, known);
    }
    return known;
  }
}

/** Paper, section 6, and Ongaro's correction of 2015: a no-op of the own term first, one change at a time. */
function judgeChange(line: TraceLine, log: Log, next: Voting): void {
  const noOp = log.findIndex((entry) => entry.term === line.term) + 1;
  if (noOp === 0 || line.commit < noOp)
    throw reject(line, "changes the membership before its no-op committed");
  const current = log.findLastIndex((entry) => entry.membership !== null) + 1;
  if (current > line.commit) throw reject(line, `changes the membership while the one at ${current} is open`);
  const now = votingOf(log);
  if (now.votersOutgoing.length > 0) {
    if (next.votersOutgoing.length > 0)
      throw reject(line, "changes a joint membership instead of leaving it");
    if (!sameSet(now.voters, next.voters)) throw reject(line, "leaves a joint membership for other voters");
  } else if (next.votersOutgoing.length > 0) {
    if (!sameSet(now.voters, next.votersOutgoing))
      throw reject(line, "enters a joint membership from elsewhere");
  } else if (!sameSet(now.voters, next.voters)) {
    throw reject(line, "changes the voters without a joint membership");
  }
}

function votingOf(log: Log): Voting {
  const voting = log.findLast((entry) => entry.membership !== null)?.membership;
  if (!voting) throw new Rejected("a log without a membership");
  return voting;
}

/** More than half of the voters, and inside a change more than half of the outgoing ones too. */
function decides({ voters, votersOutgoing }: Voting, agrees: (node: string) => boolean): boolean {
  return [voters, votersOutgoing].every(
    (group) => group.length === 0 || 2 * group.filter((node) => agrees(node)).length > group.length,
  );
}

function isUpToDate(asked: Log, own: Log): boolean {
  const [askedTerm, ownTerm] = [asked.at(-1)?.term ?? 0, own.at(-1)?.term ?? 0];
  return askedTerm > ownTerm || (askedTerm === ownTerm && asked.length >= own.length);
}

function sameVoting(a: Voting | null, b: Voting): boolean {
  return (
    a !== null &&
    sameSet(a.voters, b.voters) &&
    sameSet(a.votersOutgoing, b.votersOutgoing) &&
    sameSet(a.learners, b.learners)
  );
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

function show(log: Log): string {
  return `${log.at(-1)?.term ?? 0}@${log.length}`;
}

function reject({ node, event, from, role, term }: TraceLine, why: string): Rejected {
  return new Rejected(
    `${node} (${role}, term ${term}; ${event}${from === null ? "" : ` from ${from}`}) ${why}`,
  );
}
