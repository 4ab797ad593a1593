# Perl's XMLRPC::Lite. Arguments: URL, prefix of the keys to write. See ../README.md.
use strict;
use warnings;
use FindBin;
use XMLRPC::Lite;
BEGIN { require "$FindBin::Bin/values.pl" }

my ( $url, $prefix ) = @ARGV;
my $server = XMLRPC::Lite->proxy($url)->on_fault( sub { } );

sub call {
    my $answer = $server->call(@_);
    die 'no answer: ' . $server->transport->status . "\n" unless ref $answer;
    return $answer;
}

sub text { XMLRPC::Data->type( string => shift ) }

sub typed {
    my ( $feature, $value ) = @_;
    my %types = (
        'int' => 'int', 'double' => 'double', 'integral double' => 'double', 'boolean' => 'boolean',
        'dateTime' => 'dateTime', 'base64' => 'base64',
    );
    return ref $value ? $value : XMLRPC::Data->type( $types{$feature} || 'string', $value );
}

for my $one ( @Values::all ) {
    my ( $feature, $value ) = @$one;
    Values::report( 'receive', $feature, sub {
        my $answer = call( 'kv.get', text("in/$feature") );
        die $answer->faultstring if $answer->fault;
        my $seen = $answer->result;
        return Values::same( $seen, $value ) ? 'ok' : Values::shown($seen);
    } );
    next if $feature eq 'i8' || $feature eq 'nil'; # it has no way to write them
    Values::report( 'send', $feature, sub {
        my $nested = { list => [ 1, [ 'two', { deep => [ XMLRPC::Data->type( boolean => 1 ) ] } ] ], more => { x => { y => 2.5 } } };
        my $answer = call( 'kv.set', text("$prefix/$feature"), $feature eq 'nested' ? $nested : typed( $feature, $value ) );
        die $answer->faultstring if $answer->fault;
        return $answer->result eq '1' ? 'ok' : Values::shown( $answer->result );
    } );
}
Values::report( 'receive', 'fault', sub {
    my $answer = call( 'kv.get', text('in/none') );
    return $answer->fault && $answer->faultcode == 404 && $answer->faultstring =~ /key not found/ ? 'ok' : 'no fault';
} );
Values::report( 'receive', 'methods', sub {
    return ( grep { $_ eq 'kv.set' } @{ call('system.listMethods')->result } ) ? 'ok' : 'no kv.set';
} );
