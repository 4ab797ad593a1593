/** Who may import whom. Each rule carries the reason that its failure prints. */
import { type Import, importsOf, isTest, type SourceFile } from "./sources.js";

interface Wall {
  readonly reason: string;
  /** Does the rule speak about this file? */
  readonly of: (path: string) => boolean;
  /** Is this import of that file against the rule? */
  readonly forbids: (imported: Import, path: string) => boolean;
}

const inside = (folder: string) => (path: string) => path.startsWith(`${folder}/`) && !isTest(path);
const reaches = (imported: Import, ...folders: string[]) =>
  imported.target !== undefined && folders.some((folder) => imported.target?.startsWith(`${folder}/`));
const isPackage = (imported: Import, name: string) =>
  imported.specifier === name || imported.specifier.startsWith(`${name}/`);

const core = "packages/raft/src/core";
const raft = "packages/raft/src";
const server = "packages/server/src";

/** The sub-paths that a package offers. */
const exported: Readonly<Record<string, readonly string[]>> = {
  "@quorate/protocol": [""],
  "@quorate/raft": ["", "/core", "/level", "/tcp", "/memory", "/testing"],
  "@quorate/server": ["", "/load", "/testing"],
  "@quorate/client": [""],
};

export const walls: readonly Wall[] = [
  {
    reason:
      "raft/core is pure: it imports nothing outside itself, so that a simulator can run it with a seed",
    of: inside(core),
    forbids: (imported) => imported.target === undefined || !reaches(imported, core),
  },
  {
    reason: "ports describe; they import core, as types only",
    of: inside(`${raft}/ports`),
    forbids: (imported) =>
      imported.target === undefined ||
      !(reaches(imported, `${raft}/ports`) || (imported.typeOnly && reaches(imported, core))),
  },
  ...["driver", "storage", "transport"].map((part) => ({
    reason: `raft/${part} knows only core and ports: the composition root brings the adapters together`,
    of: inside(`${raft}/${part}`),
    forbids: (imported: Import) =>
      reaches(
        imported,
        ...["driver", "storage", "transport"]
          .filter((other) => other !== part)
          .map((other) => `${raft}/${other}`),
      ),
  })),
  {
    reason: "raft and protocol know neither each other nor anything above them",
    of: (path) => inside("packages/raft")(path) || inside("packages/protocol")(path),
    forbids: (imported, path) => {
      const own = path.startsWith("packages/raft/") ? "@quorate/raft" : "@quorate/protocol";
      return imported.specifier.startsWith("@quorate/") && !isPackage(imported, own);
    },
  },
  {
    reason: "the client depends on the protocol alone: applications that use it never meet Raft",
    of: inside("packages/client"),
    forbids: (imported) =>
      imported.specifier.startsWith("@quorate/") && !isPackage(imported, "@quorate/protocol"),
  },
  {
    reason:
      "server/rpc turns bytes into bytes; it knows no HTTP, cluster or state and declares the interfaces it needs",
    of: inside(`${server}/rpc`),
    forbids: (imported) =>
      reaches(
        imported,
        ...["http", "cluster", "state", "services", "config", "cli"].map((part) => `${server}/${part}`),
      ) ||
      isPackage(imported, "fastify") ||
      isPackage(imported, "@quorate/raft") ||
      imported.specifier.startsWith("node:http"),
  },
  {
    reason:
      "main.ts and node.ts put everything together; nothing is built on them except the command line and tests",
    of: (path) =>
      path.startsWith("packages/") &&
      !isTest(path) &&
      !path.startsWith(`${server}/cli/`) &&
      !path.startsWith(`${server}/testing/`),
    forbids: (imported, path) =>
      imported.target === `${server}/main.ts` ||
      (imported.target === `${server}/node.ts` && path !== `${server}/main.ts`),
  },
  {
    reason: "fast-xml-parser stays behind one file, so that it can be replaced",
    of: (path) => path.startsWith("packages/") && !isTest(path) && path !== "packages/protocol/src/xml.ts",
    forbids: (imported) => isPackage(imported, "fast-xml-parser"),
  },
  {
    reason: "a package is used through its exports, never through its files",
    of: () => true,
    forbids: (imported, path) => {
      const owner = /^packages\/(\w+)\//.exec(path)?.[1];
      if (imported.target !== undefined) {
        const other = /^packages\/(\w+)\//.exec(imported.target)?.[1];
        return other !== owner;
      }
      const [, name, rest] = /^(@quorate\/\w+)(.*)$/.exec(imported.specifier) ?? [];
      return name !== undefined && !(exported[name] ?? []).includes(rest ?? "");
    },
  },
];

/** One sentence per violation. */
export function violations(file: SourceFile): readonly string[] {
  const found: string[] = [];
  for (const imported of importsOf(file)) {
    for (const wall of walls) {
      if (wall.of(file.path) && wall.forbids(imported, file.path)) {
        found.push(`${file.path} imports ${imported.specifier}: ${wall.reason}`);
      }
    }
  }
  return found;
}
