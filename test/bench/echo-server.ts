/** The floor: a bare fastify server that answers every post with a fixed XML-RPC response. Prints its port. */
import { fastify } from "fastify";

const answer =
  "<?xml version='1.0'?><methodResponse><params><param><value><boolean>1</boolean></value></param></params></methodResponse>";
const app = fastify();
app.addContentTypeParser("text/xml", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
app.post("/RPC2", (_request, reply) => {
  reply.header("content-type", "text/xml; charset=utf-8").send(answer);
});
await app.listen({ host: "127.0.0.1", port: 0 });
const address = app.server.address();
process.stdout.write(`${typeof address === "object" && address !== null ? address.port : 0}\n`);
