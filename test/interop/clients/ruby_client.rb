# Ruby's xmlrpc. Arguments: URL, prefix of the keys to write. See ../README.md.
require "xmlrpc/client"

url, prefix = ARGV
XMLRPC::Config.const_set(:ENABLE_NIL_CREATE, true)
XMLRPC::Config.const_set(:ENABLE_NIL_PARSER, true)
$server = XMLRPC::Client.new2(url)

VALUES = {
  "int" => -2147483648,
  "double" => -2.5e-7,
  "integral double" => 3.0,
  "boolean" => false,
  "string" => "  two  spaces ",
  "empty string" => "",
  "markup" => "<b> & \"q\" 'a' ]]>",
  "text" => "Grüße, 世界",
  "emoji" => "😀",
  "dateTime" => XMLRPC::DateTime.new(1998, 7, 17, 14, 8, 55),
  "base64" => XMLRPC::Base64.new((0..255).to_a.pack("C*")),
  "array" => [1, "two", []],
  "struct" => { "a" => 1, "b" => "two" },
  "nested" => { "list" => [1, ["two", { "deep" => [true] }]], "more" => { "x" => { "y" => 2.5 } } },
  "i8" => 9007199254740993,
  "nil" => nil,
}.freeze

def same?(seen, value)
  value = value.decoded if value.is_a?(XMLRPC::Base64)
  seen.class == value.class && seen == value
end

def report(direction, feature)
  answer = begin
    yield
  rescue StandardError => e
    "#{e.class}: #{e.message}"
  end
  puts [direction, feature, answer].join("\t")
end

VALUES.each do |feature, value|
  report("receive", feature) do
    seen = $server.call("kv.get", "in/#{feature}")
    same?(seen, value) ? "ok" : seen.inspect
  end
  next if feature == "i8" # it has no way to write one

  report("send", feature) do
    seen = $server.call("kv.set", "#{prefix}/#{feature}", value)
    seen == true ? "ok" : seen.inspect
  end
end
report("receive", "fault") do
  $server.call("kv.get", "in/none").inspect
rescue XMLRPC::FaultException => e
  e.faultCode == 404 && e.faultString.include?("key not found") ? "ok" : e.inspect
end
report("receive", "methods") { $server.call("system.listMethods").include?("kv.set") ? "ok" : "no kv.set" }
