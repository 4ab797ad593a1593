// Go's kolo/xmlrpc. Arguments: URL, prefix of the keys to write. See ../README.md.
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/kolo/xmlrpc"
)

type inner struct {
	Y float64 `xmlrpc:"y"`
}

type nested struct {
	List []interface{}    `xmlrpc:"list"`
	More map[string]inner `xmlrpc:"more"`
}

type flat struct {
	A int    `xmlrpc:"a"`
	B string `xmlrpc:"b"`
}

func bytes() string {
	all := make([]byte, 256)
	for at := range all {
		all[at] = byte(at)
	}
	return string(all)
}

func main() {
	url, prefix := os.Args[1], os.Args[2]
	server, err := xmlrpc.NewClient(url, nil)
	if err != nil {
		panic(err)
	}
	report := func(direction, feature string, ok bool, seen interface{}, err error) {
		answer := "ok"
		if err != nil {
			answer = strings.ReplaceAll(err.Error(), "\n", " ")
		} else if !ok {
			answer = fmt.Sprintf("%#v", seen)
		}
		fmt.Printf("%s\t%s\t%s\n", direction, feature, answer)
	}
	deep := map[string]interface{}{"deep": []interface{}{true}}
	values := []struct {
		feature string
		value   interface{}
	}{
		{"int", -2147483648},
		{"double", -2.5e-7},
		{"integral double", 3.0},
		{"boolean", false},
		{"string", "  two  spaces "},
		{"empty string", ""},
		{"markup", "<b> & \"q\" 'a' ]]>"},
		{"text", "Grüße, 世界"},
		{"emoji", "😀"},
		{"dateTime", time.Date(1998, 7, 17, 14, 8, 55, 0, time.UTC)},
		{"array", []interface{}{int64(1), "two", []interface{}{}}},
		{"struct", flat{1, "two"}},
		{"nested", nested{[]interface{}{int64(1), []interface{}{"two", deep}}, map[string]inner{"x": {2.5}}}},
		{"i8", int64(9007199254740993)},
	}
	for _, row := range values {
		seen := reflect.New(reflect.TypeOf(row.value))
		err := server.Call("kv.get", "in/"+row.feature, seen.Interface())
		got := seen.Elem().Interface()
		report("receive", row.feature, reflect.DeepEqual(got, row.value), got, err)
		if row.feature == "i8" {
			continue // it writes every integer as <int>
		}
		var done bool
		err = server.Call("kv.set", []interface{}{prefix + "/" + row.feature, row.value}, &done)
		report("send", row.feature, done, done, err)
	}
	var text string
	err = server.Call("kv.get", "in/base64", &text)
	report("receive", "base64", text == bytes(), "the base64 text", err)
	var done bool
	encoded := xmlrpc.Base64(base64.StdEncoding.EncodeToString([]byte(bytes())))
	err = server.Call("kv.set", []interface{}{prefix + "/base64", encoded}, &done)
	report("send", "base64", done, done, err)
	var any interface{}
	err = server.Call("kv.get", "in/nil", &any)
	report("receive", "nil", any == nil, any, err)
	err = server.Call("kv.get", "in/none", &any)
	isFault := err != nil && err.Error() == "Fault(404): key not found: in/none"
	if isFault {
		err = nil // net/rpc leaves of a fault its text
	}
	report("receive", "fault", isFault, any, err)
	var methods []string
	err = server.Call("system.listMethods", nil, &methods)
	report("receive", "methods", strings.Contains(strings.Join(methods, " "), "kv.set"), methods, err)
}
