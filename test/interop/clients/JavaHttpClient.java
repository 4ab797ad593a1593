// Java's HttpURLConnection, as Apache's Sun transport uses it, with documents written and read by the JDK's own
// XML parser. Arguments: URL, prefix of the keys to write. See ../README.md.
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

class JavaHttpClient {
    static String url;

    /** The content of each value, as it is sent and as it is seen: members in the order of the server. */
    static final Map<String, String> VALUES = new LinkedHashMap<>();
    static {
        byte[] bytes = new byte[256];
        for (int at = 0; at < 256; at++) bytes[at] = (byte) at;
        VALUES.put("int", "<int>-2147483648</int>");
        VALUES.put("double", "<double>-0.00000025</double>");
        VALUES.put("integral double", "<double>3.0</double>");
        VALUES.put("boolean", "<boolean>0</boolean>");
        VALUES.put("string", "<string>  two  spaces </string>");
        VALUES.put("empty string", "<string></string>");
        VALUES.put("markup", "<string>&lt;b&gt; &amp; \"q\" 'a' ]]&gt;</string>");
        VALUES.put("text", "<string>Gr\u00fc\u00dfe, \u4e16\u754c</string>");
        VALUES.put("emoji", "<string>\ud83d\ude00</string>");
        VALUES.put("dateTime", "<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>");
        VALUES.put("base64", "<base64>" + java.util.Base64.getEncoder().encodeToString(bytes) + "</base64>");
        VALUES.put("array", "<array><data><value><int>1</int></value><value><string>two</string></value>"
            + "<value><array><data></data></array></value></data></array>");
        VALUES.put("struct", "<struct><member><name>a</name><value><int>1</int></value></member>"
            + "<member><name>b</name><value><string>two</string></value></member></struct>");
        VALUES.put("nested", "<struct><member><name>list</name><value><array><data><value><int>1</int></value>"
            + "<value><array><data><value><string>two</string></value><value><struct><member><name>deep</name><value>"
            + "<array><data><value><boolean>1</boolean></value></data></array></value></member></struct></value></data>"
            + "</array></value></data></array></value></member><member><name>more</name><value><struct><member>"
            + "<name>x</name><value><struct><member><name>y</name><value><double>2.5</double></value></member></struct>"
            + "</value></member></struct></value></member></struct>");
        VALUES.put("i8", "<i8>9007199254740993</i8>");
        VALUES.put("nil", "<nil></nil>");
    }

    interface Attempt { String run() throws Exception; }

    static void report(String direction, String feature, Attempt attempt) {
        String answer;
        try {
            answer = attempt.run();
        } catch (Exception error) {
            answer = error.toString();
        }
        System.out.write((direction + "\t" + feature + "\t" + answer + "\n").getBytes(StandardCharsets.UTF_8), 0,
            (direction + "\t" + feature + "\t" + answer + "\n").getBytes(StandardCharsets.UTF_8).length);
    }

    static String string(String text) { return "<value><string>" + text + "</string></value>"; }

    /** The content of the first value of the answer, or of its fault. */
    static String call(String method, String... values) throws Exception {
        StringBuilder document = new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?><methodCall><methodName>")
            .append(method).append("</methodName><params>");
        for (String value : values) document.append("<param>").append(value).append("</param>");
        document.append("</params></methodCall>");
        HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
        connection.setDoOutput(true);
        connection.setRequestProperty("Content-Type", "text/xml");
        connection.getOutputStream().write(document.toString().getBytes(StandardCharsets.UTF_8));
        try (InputStream answer = connection.getInputStream()) {
            Element root = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(answer).getDocumentElement();
            StringBuilder content = new StringBuilder();
            write(root.getElementsByTagName("value").item(0), content);
            String text = content.substring("<value>".length(), content.length() - "</value>".length());
            return root.getElementsByTagName("fault").getLength() > 0 ? "fault " + text : text;
        }
    }

    static void write(Node node, StringBuilder out) {
        if (node.getNodeType() == Node.TEXT_NODE) {
            out.append(node.getNodeValue().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"));
            return;
        }
        out.append('<').append(node.getNodeName()).append('>');
        for (Node child = node.getFirstChild(); child != null; child = child.getNextSibling()) write(child, out);
        out.append("</").append(node.getNodeName()).append('>');
    }

    public static void main(String[] args) {
        url = args[0];
        VALUES.forEach((feature, content) -> {
            report("receive", feature, () -> {
                String seen = call("kv.get", string("in/" + feature));
                return seen.equals(content) ? "ok" : seen;
            });
            report("send", feature, () -> {
                String seen = call("kv.set", string(args[1] + "/" + feature), "<value>" + content + "</value>");
                return seen.equals("<boolean>1</boolean>") ? "ok" : seen;
            });
        });
        report("receive", "fault", () -> {
            String seen = call("kv.get", string("in/none"));
            return seen.startsWith("fault ") && seen.contains("<int>404</int>") && seen.contains("key not found") ? "ok" : seen;
        });
        report("receive", "methods", () ->
            call("system.listMethods").contains("<string>kv.set</string>") ? "ok" : "no kv.set");
        System.out.flush();
    }
}
