// Java's aXMLRPC, the library of many Android applications. Arguments: URL, prefix of the keys to write.
// See ../README.md.
import de.timroes.axmlrpc.XMLRPCClient;
import de.timroes.axmlrpc.XMLRPCServerException;
import java.io.PrintStream;
import java.net.URL;
import java.util.Arrays;
import java.util.Date;
import java.util.GregorianCalendar;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

class AxmlrpcClient {
    interface Attempt { String run() throws Exception; }

    static PrintStream out;

    static void report(String direction, String feature, Attempt attempt) {
        String answer;
        try {
            answer = attempt.run();
        } catch (Exception error) {
            Throwable cause = error.getCause() == null ? error : error.getCause();
            answer = (cause.getClass().getSimpleName() + ": " + cause.getMessage()).replaceAll("\\s+", " ");
        }
        out.println(direction + "\t" + feature + "\t" + answer);
    }

    static Map<String, Object> map(Object... namesAndValues) {
        Map<String, Object> map = new HashMap<>();
        for (int at = 0; at < namesAndValues.length; at += 2) map.put((String) namesAndValues[at], namesAndValues[at + 1]);
        return map;
    }

    public static void main(String[] args) throws Exception {
        out = new PrintStream(System.out, true, "UTF-8");
        XMLRPCClient server = new XMLRPCClient(new URL(args[0]), XMLRPCClient.FLAGS_8BYTE_INT | XMLRPCClient.FLAGS_NIL);
        byte[] bytes = new byte[256];
        for (int at = 0; at < 256; at++) bytes[at] = (byte) at;
        Date date = new GregorianCalendar(1998, 6, 17, 14, 8, 55).getTime();
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("int", -2147483648);
        values.put("double", -2.5e-7);
        values.put("integral double", 3.0);
        values.put("boolean", false);
        values.put("string", "  two  spaces ");
        values.put("empty string", "");
        values.put("markup", "<b> & \"q\" 'a' ]]>");
        values.put("text", "Gr\u00fc\u00dfe, \u4e16\u754c");
        values.put("emoji", "\ud83d\ude00");
        values.put("dateTime", date);
        values.put("base64", bytes);
        values.put("array", new Object[] {1, "two", new Object[] {}});
        values.put("struct", map("a", 1, "b", "two"));
        values.put("nested", map("list", new Object[] {1, new Object[] {"two", map("deep", new Object[] {true})}},
            "more", map("x", map("y", 2.5))));
        values.put("i8", 9007199254740993L);
        values.put("nil", null);
        values.forEach((feature, value) -> {
            report("receive", feature, () -> {
                Object seen = server.call("kv.get", "in/" + feature);
                return shown(seen).equals(shown(value)) ? "ok" : shown(seen);
            });
            report("send", feature, () -> {
                Object seen = server.call("kv.set", args[1] + "/" + feature, value);
                return Boolean.TRUE.equals(seen) ? "ok" : shown(seen);
            });
        });
        report("receive", "fault", () -> {
            try {
                return "no fault: " + shown(server.call("kv.get", "in/none"));
            } catch (XMLRPCServerException fault) {
                return fault.getErrorNr() == 404 && fault.getMessage().contains("key not found") ? "ok" : fault.toString();
            }
        });
        report("receive", "methods", () ->
            Arrays.asList((Object[]) server.call("system.listMethods")).contains("kv.set") ? "ok" : "no kv.set");
    }

    /** With its type, because 3 is not 3.0. */
    static String shown(Object value) {
        if (value == null) return "null";
        if (value instanceof byte[]) return Arrays.toString((byte[]) value);
        if (value instanceof Object[]) {
            StringBuilder text = new StringBuilder("[");
            for (Object item : (Object[]) value) text.append(shown(item)).append(", ");
            return text + "]";
        }
        if (value instanceof Map) {
            StringBuilder text = new StringBuilder("{");
            for (String name : new java.util.TreeMap<>((Map<String, Object>) value).keySet())
                text.append(name).append(": ").append(shown(((Map<?, ?>) value).get(name))).append(", ");
            return text + "}";
        }
        return value.getClass().getSimpleName() + " " + value;
    }
}
