# Tcl's xmlrpc. Arguments: URL, prefix of the keys to write. See ../README.md.
package require xmlrpc
fconfigure stdout -encoding utf-8

lassign $argv url prefix

# The library's own messages go to stderr; what it returns is a list of the unread rest and the value.
proc call {method params} {
    global url
    return [lindex [xmlrpc::call $url "" $method $params] 1]
}

proc report {direction feature script} {
    if {[catch {uplevel #0 $script} answer]} { set answer "error: $answer" }
    puts [join [list $direction $feature [string map {\n " " \t " "} $answer]] \t]
}

# The library reads a struct to be sent from a variable, and gives a received one as a list of pairs.
array set flat {a {int 1} b {string two}}
array set deepest {deep {array {{boolean 1}}}}
array set inner {y {double 2.5}}
array set outer {x {struct inner}}
array set nested {list {array {{int 1} {array {{string two} {struct deepest}}}}} more {struct outer}}

# Feature, value in the library's notation for sending, what is to be seen when it is received.
set text "Gr\u00fc\u00dfe, \u4e16\u754c"
set markup "<b> & \"q\" 'a' \]\]>"
set values [list \
    int {int -2147483648} -2147483648 \
    double {double -2.5e-7} -2.5e-7 \
    "integral double" {double 3.0} 3.0 \
    boolean {boolean 0} 0 \
    string {string {  two  spaces }} {  two  spaces } \
    "empty string" {string {}} {} \
    markup [list string $markup] $markup \
    text [list string $text] $text \
    emoji [list string "\U1F600"] "\U1F600" \
    dateTime {dateTime.iso8601 19980717T14:08:55} 19980717T14:08:55 \
    array {array {{int 1} {string two} {array {}}}} {1 two {}} \
    struct {struct flat} {{a 1} {b two}} \
    nested {struct nested} {{list {1 {two {{deep 1}}}}} {more {{x {{y 2.5}}}}}} \
]

foreach {feature typed plain} $values {
    report receive $feature {
        set seen [call kv.get [list [list string in/$feature]]]
        expr {$seen eq $plain ? "ok" : "'$seen'"}
    }
    report send $feature {
        set failed [catch {call kv.set [list [list string $prefix/$feature] $typed]} seen]
        # Its own words depend on how much of a cut document the server has read before it answers.
        expr {!$failed && $seen eq "1" ? "ok" : "not taken"}
    }
}
set bytes {}
for {set byte 0} {$byte < 256} {incr byte} { append bytes [format %c $byte] }
report receive base64 {
    set seen [call kv.get [list [list string in/base64]]]
    expr {$seen eq $bytes ? "ok" : "[string length $seen] characters"}
}
report send base64 {
    set seen [call kv.set [list [list string $prefix/base64] [list base64 [binary encode base64 $bytes]]]]
    expr {$seen eq "1" ? "ok" : "'$seen'"}
}
report receive i8 {
    set seen [call kv.get [list [list string in/i8]]]
    expr {$seen eq "9007199254740993" ? "ok" : "'$seen'"}
}
report receive nil {
    set seen [call kv.get [list [list string in/nil]]]
    expr {$seen eq "" ? "ok" : "'$seen'"}
}
report receive fault {
    set seen [call kv.get [list [list string in/none]]]
    expr {[string match "*faultCode 404*key not found*" $seen] ? "ok" : "'$seen'"}
}
report receive methods {
    expr {[lsearch [call system.listMethods {}] kv.set] >= 0 ? "ok" : "no kv.set"}
}
