/**
 * One network namespace per node, all on one bridge; clients are where this program is. What gets lost is
 * decided where it arrives, by nftables rules in the receiver's namespace:
 *
 *     this program ── bridge ─┬─ n1 10.77.0.1
 *     10.77.0.254             ├─ n2 10.77.0.2
 *                             └─ n3 10.77.0.3
 */
import type { NodeAddresses } from "../cluster/cluster.js";
import { command } from "./command.js";

const bridge = "quorate0";
const subnet = "10.77.0";
const ownAddress = `${subnet}.254`;
const dataPacketBytesMin = 100;

export interface Loss {
  readonly from: string;
  readonly to: string;
  /**
   * `everything` stalls TCP in both directions, because acknowledgements are lost too. `data` lets packets
   * without content pass: the receiver is heard and does not hear, as when a middlebox swallows one direction.
   * `percent` loses that share of all packets.
   */
  readonly of: "everything" | "data" | { readonly percent: number };
}

export class Network {
  readonly ids: readonly string[];

  private constructor(ids: readonly string[]) {
    this.ids = ids;
  }

  static async create(count: number): Promise<Network> {
    const network = new Network(Array.from({ length: count }, (_, index) => `n${index + 1}`));
    await ip("link set lo up");
    await ip(`link add ${bridge} type bridge`);
    await ip(`address add ${ownAddress}/24 dev ${bridge}`);
    await ip(`link set ${bridge} up`);
    for (const id of network.ids) {
      await ip(`netns add ${id}`);
      await ip(`link add ${id} type veth peer name eth0 netns ${id}`);
      await ip(`link set ${id} master ${bridge} up`);
      await ip(`-n ${id} address add ${network.#address(id)}/24 dev eth0`);
      await ip(`-n ${id} link set eth0 up`);
      await ip(`-n ${id} link set lo up`);
    }
    return network;
  }

  addresses(): readonly NodeAddresses[] {
    return this.ids.map((id) => ({
      peer: `${this.#address(id)}:9000`,
      http: `http://${this.#address(id)}:8000`,
    }));
  }

  /** In front of a command: runs it in that node's namespace. */
  inside(id: string): readonly string[] {
    return ["nsenter", `--net=/run/netns/${id}`, "--"];
  }

  /** From now on exactly this gets lost. */
  async lose(losses: readonly Loss[]): Promise<void> {
    await Promise.all(
      this.ids.map((id) => {
        const rules = losses.filter(({ to }) => to === id).flatMap((loss) => this.#rules(loss));
        const chain = ["chain arrival {", "type filter hook input priority 0", ...rules, "}"];
        const [program = "", ...args] = [...this.inside(id), "nft", "-f", "-"];
        return command(program, args, ["flush ruleset", "table inet chaos {", ...chain, "}", ""].join("\n"));
      }),
    );
  }

  #rules({ from, of }: Loss): readonly string[] {
    const source = `ip saddr ${this.#address(from)}`;
    if (of === "everything") return [`${source} drop`];
    // A sender marks the end of what it was given with PSH; whatever lies before it fills its packets.
    if (of === "data")
      return [`${source} tcp flags & psh == psh drop`, `${source} meta length > ${dataPacketBytesMin} drop`];
    return [`${source} numgen random mod 100 < ${of.percent} drop`];
  }

  #address(id: string): string {
    return `${subnet}.${this.ids.indexOf(id) + 1}`;
  }
}

async function ip(args: string): Promise<void> {
  await command("ip", args.split(" "));
}
