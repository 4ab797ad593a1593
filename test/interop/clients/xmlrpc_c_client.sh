#!/bin/sh
# xmlrpc-c's command `xmlrpc`, which has no dates, arrays and structs. Arguments: URL, prefix of the keys to write.
# See ../README.md.
export LC_ALL=C.UTF-8 # it prints what is beyond ASCII as escapes
url=$1
prefix=$2
bytes=$(seq 0 255 | xargs printf '%02x')

# Direction, feature, what is to be printed, method and parameters; the first line names the outcome.
try() {
  direction=$1 feature=$2 expected=$3
  shift 3
  seen=$(xmlrpc "$url" "$@" 2>&1 | sed 's/^Result: *//' | tr '\n\t' '  ')
  case $seen in
    *"$expected"*) answer=ok ;;
    *) answer=$seen ;;
  esac
  printf '%s\t%s\t%s\n' "$direction" "$feature" "$answer"
}

receive() { try receive "$1" "$2" kv.get "s/in/$1"; }
send() { try send "$1" 'Boolean: TRUE' kv.set "s/$prefix/$1" "$2"; }

receive int 'Integer: -2147483648'
send int i/-2147483648
receive double 'Floating Point: -0.000000'
send double d/-0.00000025
receive 'integral double' 'Floating Point: 3.000000'
send 'integral double' d/3.0
receive boolean 'Boolean: FALSE'
send boolean b/false
receive string "String: '  two  spaces '"
send string 's/  two  spaces '
receive 'empty string' "String: ''"
send 'empty string' s/
receive markup "String: '<b> & \"q\" 'a' ]]>'"
send markup "s/<b> & \"q\" 'a' ]]>"
receive text "String: 'Gr\\xc3\\xbc\\xc3\\x9fe, \\xe4\\xb8\\x96\\xe7\\x95\\x8c'"
send text 's/Grüße, 世界'
receive emoji "String: '😀'"
send emoji 's/😀'
receive base64 'Bit string: 000102'
send base64 "h/$bytes"
receive array 'Array of 3 items'
receive struct "Struct of 2 members:   Key:   String: 'a'   Value: Integer: 1   Key:   String: 'b'   Value: String: 'two'"
receive nested "Key:   String: 'deep'"
receive i8 '9007199254740993'
send i8 I/9007199254740993
receive nil Nil
send nil n/
try receive fault 'key not found: in/none.  (XML-RPC fault code 404)' kv.get s/in/none
try receive methods kv.set system.listMethods
