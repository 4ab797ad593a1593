# Perl's RPC::XML. Arguments: URL, prefix of the keys to write. See ../README.md.
use strict;
use warnings;
use FindBin;
use RPC::XML;
use RPC::XML::Client;
BEGIN { require "$FindBin::Bin/values.pl" }

my ( $url, $prefix ) = @ARGV;
$RPC::XML::ENCODING  = 'utf-8';
$RPC::XML::ALLOW_NIL = 1;
my $server = RPC::XML::Client->new($url);

my %types = (
    'int' => 'RPC::XML::int', 'double' => 'RPC::XML::double', 'integral double' => 'RPC::XML::double',
    'boolean' => 'RPC::XML::boolean', 'dateTime' => 'RPC::XML::datetime_iso8601', 'base64' => 'RPC::XML::base64',
    'i8' => 'RPC::XML::i8',
);

sub call {
    my $response = $server->send_request(@_);
    die "$response\n" unless ref $response;
    return $response;
}

sub typed {
    my ( $feature, $value ) = @_;
    return $feature eq 'nested'
        ? { list => [ 1, [ 'two', { deep => [ RPC::XML::boolean->new(1) ] } ] ], more => { x => { y => 2.5 } } }
        : $feature eq 'nil' ? RPC::XML::nil->new
        : ref $value        ? $value
        :                     ( $types{$feature} || 'RPC::XML::string' )->new($value);
}

for my $one ( @Values::all ) {
    my ( $feature, $value ) = @$one;
    Values::report( 'receive', $feature, sub {
        my $seen = call( 'kv.get', "in/$feature" );
        return $seen->type . ' ' . Values::shown( $seen->value ) unless Values::same( $seen->value, $value );
        my $type = $types{$feature};
        return !$type || ref $seen eq $type ? 'ok' : ref $seen;
    } );
    Values::report( 'send', $feature, sub {
        my $seen = call( 'kv.set', RPC::XML::string->new("$prefix/$feature"), typed( $feature, $value ) );
        return ref $seen eq 'RPC::XML::boolean' && $seen->value ? 'ok' : Values::shown( $seen->value );
    } );
}
Values::report( 'receive', 'fault', sub {
    my $seen = call( 'kv.get', 'in/none' );
    return $seen->is_fault && $seen->code == 404 && $seen->string =~ /key not found/ ? 'ok' : 'no fault';
} );
Values::report( 'receive', 'methods', sub {
    return ( grep { $_ eq 'kv.set' } @{ call('system.listMethods')->value } ) ? 'ok' : 'no kv.set';
} );
