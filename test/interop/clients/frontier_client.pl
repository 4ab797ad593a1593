# Perl's Frontier::Client. Arguments: URL, prefix of the keys to write. See ../README.md.
use strict;
use warnings;
use FindBin;
use Frontier::Client;
use MIME::Base64;
BEGIN { require "$FindBin::Bin/values.pl" }

my ( $url, $prefix ) = @ARGV;
my $server = Frontier::Client->new( url => $url, encoding => 'UTF-8' );

sub typed {
    my ( $feature, $value ) = @_;
    return $value                       if ref $value;
    return $server->int($value)         if $feature eq 'int';
    return $server->double($value)      if $feature =~ /double/;
    return $server->boolean($value)     if $feature eq 'boolean';
    return $server->date_time($value)   if $feature eq 'dateTime';
    return $server->base64( encode_base64($value) ) if $feature eq 'base64';
    utf8::encode($value) if utf8::is_utf8($value);
    return $server->string($value);
}

sub plain {
    my ( $feature, $seen ) = @_;
    return $seen->value if ref $seen && ref $seen ne 'ARRAY' && ref $seen ne 'HASH' && $feature ne 'base64';
    return decode_base64( $seen->value ) if $feature eq 'base64';
    return { %$seen, list => [ $seen->{list}[0], [ 'two', { deep => [ $seen->{list}[1][1]{deep}[0]->value ] } ] ] }
        if $feature eq 'nested';
    return $seen;
}

for my $one ( @Values::all ) {
    my ( $feature, $value ) = @$one;
    Values::report( 'receive', $feature, sub {
        my $seen = plain( $feature, $server->call( 'kv.get', $server->string("in/$feature") ) );
        return Values::same( $seen, $value ) ? 'ok' : Values::shown($seen);
    } );
    next if $feature eq 'i8' || $feature eq 'nil';
    Values::report( 'send', $feature, sub {
        my $nested = { list => [ 1, [ 'two', { deep => [ $server->boolean(1) ] } ] ], more => { x => { y => $server->double(2.5) } } };
        my $given = $feature eq 'nested' ? $nested : typed( $feature, $value );
        my $seen = $server->call( 'kv.set', $server->string("$prefix/$feature"), $given );
        return ref $seen eq 'Frontier::RPC2::Boolean' && $seen->value ? 'ok' : Values::shown($seen);
    } );
}
Values::report( 'receive', 'fault', sub {
    return 'no fault' if defined eval { $server->call( 'kv.get', $server->string('in/none') ) };
    return $@ =~ /404/ && $@ =~ /key not found/ ? 'ok' : $@;
} );
Values::report( 'receive', 'methods', sub {
    return ( grep { $_ eq 'kv.set' } @{ $server->call('system.listMethods') } ) ? 'ok' : 'no kv.set';
} );
