#!/bin/sh
# curl with documents written by hand; -L follows a redirect. Arguments: URL, prefix of the keys to write.
# See ../README.md.
url=$1
prefix=$2
bytes=$(seq 0 255 | awk '{ printf "\\%03o", $1 }' | xargs -0 printf | base64 -w 0)
int='<int>-2147483648</int>'
two='<value><string>two</string></value>'
deep='<struct><member><name>deep</name><value><array><data><value><boolean>1</boolean></value></data></array></value></member></struct>'
list="<array><data><value><int>1</int></value><value><array><data>$two<value>$deep</value></data></array></value></data></array>"
more='<struct><member><name>x</name><value><struct><member><name>y</name><value><double>2.5</double></value></member></struct></value></member></struct>'

post() {
  curl -sS -L --max-time 20 -H 'Content-Type: text/xml' --data-binary @- "$url"
}

call() {
  printf '<?xml version="1.0"?><methodCall><methodName>%s</methodName><params>' "$1"
  shift
  for value in "$@"; do printf '<param><value>%s</value></param>' "$value"; done
  printf '</params></methodCall>'
}

try() {
  direction=$1 feature=$2 expected=$3
  shift 3
  seen=$(call "$@" | post 2>&1 | tr '\n\t' '  ')
  case $seen in
    *"$expected"*) answer=ok ;;
    *) answer=$seen ;;
  esac
  printf '%s\t%s\t%s\n' "$direction" "$feature" "$answer"
}

both() {
  try receive "$1" "<value>$2</value></param></params></methodResponse>" kv.get "<string>in/$1</string>"
  try send "$1" '<boolean>1</boolean>' kv.set "<string>$prefix/$1</string>" "$2"
}

both int "$int"
both double '<double>-0.00000025</double>'
both 'integral double' '<double>3.0</double>'
both boolean '<boolean>0</boolean>'
both string '<string>  two  spaces </string>'
both 'empty string' '<string></string>'
both markup "<string>&lt;b&gt; &amp; \"q\" 'a' ]]&gt;</string>"
both text '<string>Grüße, 世界</string>'
both emoji '<string>😀</string>'
both dateTime '<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>'
both base64 "<base64>$bytes</base64>"
both array "<array><data><value><int>1</int></value>$two<value><array><data></data></array></value></data></array>"
both struct "<struct><member><name>a</name><value><int>1</int></value></member><member><name>b</name>$two</member></struct>"
both nested "<struct><member><name>list</name><value>$list</value></member><member><name>more</name><value>$more</value></member></struct>"
both i8 '<i8>9007199254740993</i8>'
both nil '<nil/>'
try receive fault '<name>faultCode</name><value><int>404</int></value>' kv.get '<string>in/none</string>'
try receive methods '<string>kv.set</string>' system.listMethods
