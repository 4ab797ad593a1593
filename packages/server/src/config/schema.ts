/** A JSON Schema of the config file, for editors. The file's own check decides; this one only helps to write it. */
import * as z from "zod";
import { hostnameId, settings } from "./settings.js";

interface ObjectSchema {
  readonly type: "object";
  readonly additionalProperties: false;
  readonly properties: Record<string, unknown>;
}

const emptyObject = (): ObjectSchema => ({ type: "object", additionalProperties: false, properties: {} });

/** Draft 7, which editors' YAML plug-ins read. */
export function configSchema(): object {
  const root = emptyObject();
  const sections = new Map<string, ObjectSchema>();
  for (const setting of settings) {
    const [section, name] = setting.key.includes(".") ? setting.key.split(".") : ["", setting.key];
    let target = root;
    if (section !== undefined && section !== "") {
      target = sections.get(section) ?? emptyObject();
      sections.set(section, target);
      root.properties[section] = target;
    }
    const { $schema: _, ...schema } = z.toJSONSchema(setting.type, { io: "input", target: "draft-7" });
    target.properties[name ?? ""] = {
      ...schema,
      description: `${setting.help}. Default: ${setting.default}.`,
      ...(setting.key === "node" ? { examples: ["n1", hostnameId] } : {}),
    };
  }
  return { $schema: "http://json-schema.org/draft-07/schema#", title: "Configuration of Quorate", ...root };
}
