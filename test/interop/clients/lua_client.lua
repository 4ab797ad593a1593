-- Lua's xmlrpc. Arguments: URL, prefix of the keys to write. See ../README.md.
local xmlrpc = require "xmlrpc"
require "xmlrpc.http"

local url, prefix = arg[1], arg[2]

local function call(...)
  local ok, value, code = xmlrpc.http.call(url, ...)
  if not ok then error({ text = tostring(value), code = code }, 0) end
  return value
end

local function report(direction, feature, attempt)
  local ok, answer = pcall(attempt)
  if not ok then answer = type(answer) == "table" and answer.text or answer end
  print(direction .. "\t" .. feature .. "\t" .. tostring(answer):gsub("%s+", " "))
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for name, value in pairs(b) do if not same(a[name], value) then return false end end
  for name in pairs(a) do if b[name] == nil then return false end end
  return true
end

-- A table is sent as a struct unless it is said to be an array.
local function array(items) return xmlrpc.newTypedValue(items, "array") end

local values = {
  { "int", -2147483648 },
  { "double", -2.5e-7 },
  { "integral double", 3.0, xmlrpc.newTypedValue(3, "double") },
  { "boolean", false },
  { "string", "  two  spaces " },
  { "empty string", "" },
  { "markup", "<b> & \"q\" 'a' ]]>" },
  { "text", "Grüße, 世界" },
  { "emoji", "😀" },
  { "array", { 1, "two", {} }, array { 1, "two", array {} } },
  { "struct", { a = 1, b = "two" } },
  {
    "nested",
    { list = { 1, { "two", { deep = { true } } } }, more = { x = { y = 2.5 } } },
    { list = array { 1, array { "two", { deep = array { true } } } }, more = { x = { y = 2.5 } } },
  },
}

for _, row in ipairs(values) do
  local feature, value, typed = row[1], row[2], row[3]
  if typed == nil then typed = value end
  report("receive", feature, function()
    local seen = call("kv.get", "in/" .. feature)
    return same(seen, value) and "ok" or "'" .. tostring(seen) .. "'"
  end)
  report("send", feature, function()
    local seen = call("kv.set", prefix .. "/" .. feature, typed)
    return seen == true and "ok" or "'" .. tostring(seen) .. "'"
  end)
end
report("receive", "dateTime", function()
  local seen = call("kv.get", "in/dateTime")
  return seen == "19980717T14:08:55" and "ok" or tostring(seen)
end)
report("receive", "base64", function()
  local bytes = {}
  for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
  return call("kv.get", "in/base64") == table.concat(bytes) and "ok" or "the base64 text"
end)
report("receive", "i8", function() return tostring(call("kv.get", "in/i8")) end)
report("receive", "nil", function() return call("kv.get", "in/nil") == nil and "ok" or "something" end)
report("receive", "fault", function()
  local ok, value, code = xmlrpc.http.call(url, "kv.get", "in/none")
  return not ok and code == 404 and value:find("key not found") and "ok" or tostring(value)
end)
report("receive", "methods", function()
  for _, name in ipairs(call("system.listMethods")) do if name == "kv.set" then return "ok" end end
  return "no kv.set"
end)
