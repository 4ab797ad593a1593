// XmlRpc++ as the Robot OS has it. Arguments: URL, prefix of the keys to write. See ../README.md.
#include <xmlrpcpp/XmlRpc.h>

#include <cstring>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

using XmlRpc::XmlRpcClient;
using XmlRpc::XmlRpcValue;

static std::string shown(XmlRpcValue& value) {
  std::string xml = value.toXml();
  for (char& character : xml) {
    if (character == '\n' || character == '\t' || character == '\r') character = ' ';
  }
  return xml;
}

static void report(const char* direction, const std::string& feature, const std::function<std::string()>& attempt) {
  std::string answer;
  try {
    answer = attempt();
  } catch (const XmlRpc::XmlRpcException& error) {
    answer = error.getMessage();
  }
  std::cout << direction << '\t' << feature << '\t' << answer << '\n';
}

int main(int, char** arguments) {
  const std::string url = arguments[1], prefix = arguments[2];
  const size_t host = url.find("//") + 2, port = url.find(':', host) + 1, path = url.find('/', port);
  XmlRpcClient client(url.substr(host, port - 1 - host).c_str(), std::stoi(url.substr(port)), url.c_str() + path);
  bool failed = false;
  const auto call = [&](const char* method, std::vector<XmlRpcValue> given) {
    XmlRpcValue parameters, answer;
    parameters.setSize(static_cast<int>(given.size()));
    for (size_t at = 0; at < given.size(); at++) parameters[static_cast<int>(at)] = given[at];
    failed = !client.execute(method, parameters, answer) || client.isFault();
    return answer;
  };

  // It writes and reads year and month as they stand in the fields, not as C counts them.
  struct tm date;
  std::memset(&date, 0, sizeof date);
  date.tm_year = 1998, date.tm_mon = 7, date.tm_mday = 17, date.tm_hour = 14, date.tm_min = 8, date.tm_sec = 55;
  char bytes[256];
  for (int at = 0; at < 256; at++) bytes[at] = static_cast<char>(at);
  XmlRpcValue array, structure, deep, inner, list, nested;
  array[0] = 1, array[1] = "two", array[2].setSize(0);
  structure["a"] = 1, structure["b"] = "two";
  deep["deep"][0] = true;
  inner[0] = "two", inner[1] = deep;
  list[0] = 1, list[1] = inner;
  nested["list"] = list, nested["more"]["x"]["y"] = 2.5;

  std::vector<std::pair<std::string, XmlRpcValue>> values = {
      {"int", XmlRpcValue(-2147483647 - 1)},
      {"double", XmlRpcValue(-2.5e-7)},
      {"integral double", XmlRpcValue(3.0)},
      {"boolean", XmlRpcValue(false)},
      {"string", XmlRpcValue("  two  spaces ")},
      {"empty string", XmlRpcValue("")},
      {"markup", XmlRpcValue("<b> & \"q\" 'a' ]]>")},
      {"text", XmlRpcValue("Grüße, 世界")},
      {"emoji", XmlRpcValue("😀")},
      {"dateTime", XmlRpcValue(&date)},
      {"base64", XmlRpcValue(bytes, 256)},
      {"array", array},
      {"struct", structure},
      {"nested", nested},
  };
  for (auto& [feature, value] : values) {
    report("receive", feature, [&, &feature = feature, &value = value] {
      XmlRpcValue seen = call("kv.get", {XmlRpcValue("in/" + feature)});
      return !failed && seen.valid() && seen == value ? "ok" : shown(seen);
    });
    report("send", feature, [&, &feature = feature, &value = value] {
      XmlRpcValue seen = call("kv.set", {XmlRpcValue(prefix + "/" + feature), value});
      return !failed && bool(seen) ? "ok" : shown(seen);
    });
  }
  for (const char* feature : {"i8", "nil"}) {
    report("receive", feature, [&] {
      XmlRpcValue seen = call("kv.get", {XmlRpcValue(std::string("in/") + feature)});
      return failed ? "failed" : seen.valid() ? "a value" : "no value";
    });
  }
  report("receive", "fault", [&] {
    XmlRpcValue seen = call("kv.get", {XmlRpcValue("in/none")});
    const bool right = client.isFault() && int(seen["faultCode"]) == 404 &&
                       std::string(seen["faultString"]).find("key not found") == 0;
    return right ? "ok" : shown(seen);
  });
  report("receive", "methods", [&] {
    XmlRpcValue seen = call("system.listMethods", {});
    for (int at = 0; at < seen.size(); at++) {
      if (std::string(seen[at]) == "kv.set") return "ok";
    }
    return "no kv.set";
  });
}
