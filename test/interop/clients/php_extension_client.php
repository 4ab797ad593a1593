<?php // PHP's xmlrpc extension over PHP's HTTP streams. Arguments: URL, prefix of the keys to write. See ../README.md.
[, $url, $prefix] = $argv;

function call(string $method, array $params) {
    global $url;
    // The extension declares ISO-8859-1 unless it is told otherwise.
    $document = xmlrpc_encode_request($method, $params, ['encoding' => 'utf-8', 'escaping' => ['markup']]);
    $context = stream_context_create(['http' => ['method' => 'POST', 'header' => 'Content-Type: text/xml', 'content' => $document]]);
    return xmlrpc_decode(file_get_contents($url, false, $context), 'utf-8');
}

function typed(string $text, string $type) {
    xmlrpc_set_type($text, $type);
    return $text;
}

$values = [
    'int' => -2147483648,
    'double' => -2.5e-7,
    'integral double' => 3.0,
    'boolean' => false,
    'string' => '  two  spaces ',
    'empty string' => '',
    'markup' => '<b> & "q" \'a\' ]]>',
    'text' => 'Grüße, 世界',
    'emoji' => '😀',
    'dateTime' => typed('19980717T14:08:55', 'datetime'),
    'base64' => typed(implode('', array_map('chr', range(0, 255))), 'base64'),
    'array' => [1, 'two', []],
    'struct' => ['a' => 1, 'b' => 'two'],
    'nested' => ['list' => [1, ['two', ['deep' => [true]]]], 'more' => ['x' => ['y' => 2.5]]],
    'i8' => 9007199254740993,
    'nil' => null,
];

/** Equal and of the same type; members may come in any order. */
function same($a, $b): bool {
    if (is_object($a) && is_object($b)) return $a->scalar === $b->scalar && $a->xmlrpc_type === $b->xmlrpc_type;
    if (!is_array($a) || !is_array($b)) return $a === $b;
    foreach ($b as $name => $value) if (!array_key_exists($name, $a) || !same($a[$name], $value)) return false;
    return count($a) === count($b);
}

function report(string $direction, string $feature, callable $attempt): void {
    try {
        $answer = $attempt();
    } catch (Throwable $error) {
        $answer = get_class($error) . ': ' . $error->getMessage();
    }
    echo "$direction\t$feature\t$answer\n";
}

foreach ($values as $feature => $value) {
    report('receive', $feature, function () use ($feature, $value) {
        $seen = call('kv.get', ["in/$feature"]);
        return same($seen, $value) ? 'ok' : json_encode($seen);
    });
    if ($feature === 'i8' || $feature === 'nil') continue; // it cuts the one and writes a string for the other
    report('send', $feature, function () use ($feature, $value, $prefix) {
        $seen = call('kv.set', ["$prefix/$feature", $value]);
        return $seen === true ? 'ok' : json_encode($seen);
    });
}
report('receive', 'fault', function () {
    $seen = call('kv.get', ['in/none']);
    $isFault = is_array($seen) && xmlrpc_is_fault($seen) && $seen['faultCode'] === 404;
    return $isFault && str_contains($seen['faultString'], 'key not found') ? 'ok' : json_encode($seen);
});
report('receive', 'methods', fn() => in_array('kv.set', call('system.listMethods', []), true) ? 'ok' : 'no kv.set');
