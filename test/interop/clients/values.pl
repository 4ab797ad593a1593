# What the three Perl clients have in common: the values of ../features.ts, comparison and reports.
package Values;
use strict;
use warnings;
use utf8;

our $nested = { list => [ 1, [ 'two', { deep => [1] } ] ], more => { x => { y => 2.5 } } };
our @all = (
    [ 'int', -2147483648 ], [ 'double', -2.5e-7 ], [ 'integral double', 3 ], [ 'boolean', 0 ],
    [ 'string', '  two  spaces ' ], [ 'empty string', '' ], [ 'markup', qq{<b> & "q" 'a' ]]>} ],
    [ 'text', 'Grüße, 世界' ], [ 'emoji', "\x{1F600}" ], [ 'dateTime', '19980717T14:08:55' ],
    [ 'base64', join( '', map { chr } 0 .. 255 ) ], [ 'i8', 9007199254740993 ],
    [ 'array', [ 1, 'two', [] ] ], [ 'struct', { a => 1, b => 'two' } ], [ 'nested', $nested ], [ 'nil', undef ],
);

# Perl has no types beside text, number, list and hash: numbers are compared as numbers.
sub same {
    my ( $a, $b ) = @_;
    return !defined $a && !defined $b unless defined $a && defined $b;
    return 0 if ref($a) ne ref($b);
    if ( ref $b eq 'ARRAY' ) {
        return @$a == @$b && !grep { !same( $a->[$_], $b->[$_] ) } 0 .. $#$b;
    }
    if ( ref $b eq 'HASH' ) {
        return keys %$a == keys %$b && !grep { !exists $a->{$_} || !same( $a->{$_}, $b->{$_} ) } keys %$b;
    }
    return $b =~ /^-?[0-9.]+(e-?[0-9]+)?$/ && $a =~ /^-?[0-9.]+(e-?[0-9]+)?$/i ? $a == $b : $a eq $b;
}

sub report {
    my ( $direction, $feature, $attempt ) = @_;
    my $answer = eval { $attempt->() };
    $answer = "error: $@" if $@;
    $answer = 'undef' unless defined $answer;
    $answer =~ s/\s+/ /g;
    utf8::encode($answer) if utf8::is_utf8($answer);
    print "$direction\t$feature\t$answer\n";
}

sub shown { my ($seen) = @_; return !defined $seen ? 'undef' : ref $seen ? 'a ' . ref $seen : "'$seen'" }

1;
